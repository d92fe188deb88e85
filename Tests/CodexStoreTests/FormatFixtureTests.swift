import CodexCore
import CodexStore
import Foundation
import Testing

/// Stores, backups, archives and streams that earlier releases made: opened and replayed, with all
/// that they hold, or refused by name.
@Suite("Formats that are out")
struct FormatFixtureTests {
    /// Why a store is not opened for reading; `nil` if it is.
    private func refusal(_ path: String) -> CodexError.Code? {
        do throws(CodexError) {
            try Store(at: path, options: StoreOptions(isReadOnly: true)).close()
            return nil
        } catch {
            return error.code
        }
    }

    @Test(
        "A store that was closed is as it was left, and goes on",
        arguments: ["format3", "format4", "format5"])
    func closed(format: String) async throws {
        let fixture = try FormatFixture(format)
        let path = fixture.path("store")
        var options = fixture.options
        options.isReadOnly = true
        // Once it is an earlier format, opening it for writing raises it first.
        if refusal(path) == nil {
            let store = try Store(at: path, options: options)
            try fixture.expectContents(of: store, "\(format), read-only")
            store.close()
        }
        let store = try Store(at: path, options: fixture.options)
        #expect(store.recovery?.commitCount == 0)
        // What was removed and not emptied is.
        try await store.waitUntilReady()
        #expect(!store.schema.tables.contains { $0.name == "gone" })
        try fixture.expectContents(of: store, format)
        try await fixture.goOn(store, format)
    }

    @Test("A store of a killed process is recovered", arguments: ["format3", "format4", "format5"])
    func unclosed(format: String) async throws {
        let fixture = try FormatFixture(format)
        let path = fixture.path("unclosed")
        let code = try #require(refusal(path))
        #expect([.needsRecovery, .unsupportedFormat].contains(code))
        let store = try Store(at: path, options: fixture.options)
        let redone = Int(try fixture.commits("redone"))
        #expect(store.recovery?.commitCount == redone)
        try await store.waitUntilReady()
        try fixture.expectContents(of: store, format)
        try await fixture.goOn(store, format)
    }

    @Test(
        "A backup is restored, with its archive to the end",
        arguments: ["format3", "format4", "format5"])
    func restored(format: String) async throws {
        let fixture = try FormatFixture(format)
        let (backup, archive) = (fixture.path("backup"), fixture.path("archive"))
        let (first, last) = (try fixture.commits("backup"), try fixture.commits("last"))
        let coverage = try await Store.verifyBackup(backup, archive: archive)
        #expect(coverage.firstSequence == first && coverage.lastSequence == last)

        let alone = fixture.path("alone")
        #expect(try await Store.restore(backup, at: alone).sequence == first)
        let earlier = try Store(at: alone, options: fixture.options)
        try await earlier.waitUntilReady()
        #expect(earlier.schema.tables.contains { $0.name == "gone" })
        let report = try earlier.verify()
        #expect(report.isSound, "\(report.differences.prefix(3))")
        earlier.close()

        let path = fixture.path("restored")
        let restored = try await Store.restore(backup, archive: archive, at: path)
        #expect(restored.sequence == last && restored.commitCount == Int(last - first))
        let store = try Store(at: path, options: fixture.options)
        try await store.waitUntilReady()
        try fixture.expectContents(of: store, format)
        try await fixture.goOn(store, format)
    }

    @Test("A follower takes a leader's stream", arguments: ["format3", "format4", "format5"])
    func followed(format: String) async throws {
        let fixture = try FormatFixture(format)
        let path = fixture.path("follower")
        try await Store.restore(fixture.path("backup"), at: path, asFollower: true)
        let follower = try Store(at: path, options: fixture.options)
        let stream = [UInt8](
            try Data(contentsOf: URL(fileURLWithPath: fixture.path("stream"))))
        let pieces = AsyncStream<[UInt8]> { continuation in
            for start in stride(from: 0, to: stream.count, by: 1000) {
                continuation.yield(Array(stream[start..<min(start + 1000, stream.count)]))
            }
            continuation.finish()
        }
        let state = try await follower.follow(pieces)
        let last = try fixture.commits("last")
        #expect(state.sequence == last && state.leaderSequence == last)
        try await follower.waitUntilReady()
        try fixture.expectContents(of: follower, format)
        try await follower.promote()
        try await fixture.goOn(follower, format)
    }

    @Test("A store of format 2 is brought to the present format with all that it holds")
    func format2() async throws {
        let fixture = try FormatFixture("format2")
        let path = fixture.path("store")
        #expect(refusal(path) == .unsupportedFormat)
        let store = try Store(at: path, options: fixture.options)
        // The removed index is emptied.
        try await store.waitUntilReady()
        try fixture.expectContents(of: store, "format 2")
        try await fixture.goOn(store, "format 2")
        #expect(refusal(path) == nil)
    }

    @Test("CodexFlow's items of format 2 are read with the present schema")
    func workspace() async throws {
        let fixture = try FormatFixture("format2")
        let store = try Store(
            at: fixture.path("store"), schema: CodexFlow.schema, options: fixture.options)
        defer { store.close() }
        try await store.waitUntilReady()
        #expect(try store.get(.user("ada"))?.name == "Ada")
        #expect(try store.get(.user(email: "BO@example.com"))?.id == "bo")
        #expect(try store.get(.project("fixtures"))?.key == "FIX")
        let task = try #require(try store.get(.task("t4", in: "fixtures")))
        #expect(task.body == "Task 4." && task.labels == ["blue", "red"] && task.number == 5)
        #expect(try store.all(.tasks(in: "fixtures", label: "red")).count == 3)
        // The table has got a time to live, and one of the sessions is over.
        #expect(try store.get(.session("long")) != nil)
        #expect(try store.get(.session("short")) == nil)
        let report = try store.verify()
        #expect(report.isSound, "\(report.differences.prefix(3))")
    }
}
