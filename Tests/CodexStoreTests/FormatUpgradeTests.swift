import CodexCore
import CodexTesting
import Foundation
import Testing

@testable import CodexStore

/// What a store says of its format while it is brought to the present one.
@Suite("The upgrade of a format")
struct FormatUpgradeTests {
    private func marker(_ path: String) throws -> String {
        try String(contentsOfFile: path + "/CODEX", encoding: .utf8)
    }

    private func readOnly(_ fixture: FormatFixture) -> StoreOptions {
        var options = fixture.options
        options.isReadOnly = true
        return options
    }

    @Test(
        "Marker and manifest say the present format", arguments: ["format2", "format3", "format4"])
    func raised(format: String) async throws {
        let fixture = try FormatFixture(format)
        let path = fixture.path("store")
        #expect(throws: CodexError(.unsupportedFormat, "")) {
            try Store(at: path, options: readOnly(fixture))
        }
        let store = try Store(at: path, options: fixture.options)
        try await store.waitUntilReady()
        #expect(try marker(path) == "codex store\nformat 5\n")
        let manifest = store.core.catalog.manifest
        #expect(manifest.format == 5)
        // Nothing is left but the values of encrypted fields, which wait for keys.
        let undecided = manifest.tables.compactMapValues(\.undecided)
        #expect(undecided == (format == "format3" ? [CodexFlow.table: .waiting] : [:]))
        store.close()
        try Store(at: path, options: readOnly(fixture)).close()
    }

    @Test(
        "The marker is raised in its own place, as on a full disk",
        arguments: ["format3", "format4"])
    func inPlace(format: String) throws {
        let fixture = try FormatFixture(format)
        let directory = try Directory(fixture.path("store"))
        let before = try directory.identity("CODEX")
        try StoreDirectory.overwriteMarker(directory)
        #expect(try directory.identity("CODEX") == before)
        #expect(try marker(fixture.path("store")) == "codex store\nformat 5\n")
    }

    @Test(
        "A kill after the marker was raised leaves a store that is read, and raised further",
        arguments: ["format3", "format4"])
    func between(format: String) async throws {
        let fixture = try FormatFixture(format)
        let path = fixture.path("store")
        try "codex store\nformat 5\n".write(
            toFile: path + "/CODEX", atomically: true, encoding: .utf8)
        let reader = try Store(at: path, options: readOnly(fixture))
        #expect("format\(reader.core.catalog.manifest.format)" == format)
        try fixture.expectContents(of: reader, "read-only")
        reader.close()
        let store = try Store(at: path, options: fixture.options)
        #expect(store.core.catalog.manifest.format == 5)
        try await store.waitUntilReady()
        try fixture.expectContents(of: store, "raised")
        store.close()
    }

    @Test(
        "A restored store and a follower are of the present format at once",
        arguments: ["format3", "format4"])
    func restored(format: String) async throws {
        let fixture = try FormatFixture(format)
        for isFollower in [false, true] {
            let path = fixture.path("restored \(isFollower)")
            try await Store.restore(fixture.path("backup"), at: path, asFollower: isFollower)
            let reader = try Store(at: path, options: readOnly(fixture))
            let manifest = reader.core.catalog.manifest
            #expect(manifest.format == 5)
            let undecided: Manifest.Undecided? = format == "format3" ? .unread : nil
            #expect(manifest.tables.values.allSatisfy { $0.undecided == undecided })
            reader.close()
        }
    }

    /// Refuses to raise the format until there is room, as a full disk does.
    private final class Room: StoreCalls {
        private let isThere = Locked(false)
        private let attempts = Locked(0)

        /// The number of attempts to raise the format.
        var attemptCount: Int { attempts.withLock { $0 } }

        func make() { isThere.withLock { $0 = true } }

        func perform(
            _ call: StoreCall, _ make: () throws(CodexError) -> Void
        ) throws(CodexError) {
            if call == .raiseFormat { attempts.withLock { $0 += 1 } }
            if call == .raiseFormat, !isThere.withLock({ $0 }) {
                throw CodexError(.diskFull, "The device is full.")
            }
            try make()
        }
    }

    @Test(
        "Opened on a full disk, a store deletes items, and raises its format before it stores any",
        arguments: ["format3", "format4"], [false, true])
    func full(format: String, byBackup: Bool) async throws {
        let fixture = try FormatFixture(format)
        let (path, backup) = (fixture.path("store"), fixture.path("new backup"))
        let room = Room()
        var options = fixture.options
        options.parts.calls = room
        options.parts.builds = BuildsOnDemand()
        let store = try Store(at: path, options: options)
        #expect("format\(store.core.catalog.manifest.format)" == format)
        let item = try #require(try store.items(scanning: TableScan(table: "t")).items.first)
        let key = try store.schema.table("t").primaryKey(of: item)
        let stored: Item = ["p": "stored", "s": "late"]
        await #expect(throws: CodexError(.diskFull, "")) { try await store.put(stored, in: "t") }
        await #expect(throws: CodexError(.diskFull, "")) { try await store.backup(to: backup) }
        // A deletion must not have history removed for it, as a second attempt has.
        let attemptCount = room.attemptCount
        try await store.delete(in: "t", key: key)
        #expect(room.attemptCount == attemptCount + 1)
        await #expect(throws: CodexError(.diskFull, "")) { try await store.put(stored, in: "t") }
        #expect(room.attemptCount == attemptCount + 3)
        #expect(try store.item(in: "t", key: key) == nil)
        #expect("format\(store.core.catalog.manifest.format)" == format)

        room.make()
        let before = try store.stats().sequence
        // The record that raises the format comes first.
        if byBackup {
            let report = try await store.backup(to: backup)
            #expect(report.sequence > before)
        } else {
            try await store.put(stored, in: "t")
            #expect(try store.item(in: "t", key: PrimaryKey("stored", "late")) == stored)
            #expect(try store.stats().sequence >= before + 2)
        }
        #expect(store.core.catalog.manifest.format == 5)
        store.close()
        let again = try Store(at: path, options: fixture.options)
        #expect(try again.verify().isSound)
        again.close()
    }

    private func json(_ manifest: Manifest, format: Int) throws -> [UInt8] {
        let text = String(decoding: try manifest.json(), as: UTF8.self)
        let changed = text.replacingOccurrences(of: "\"format\":5", with: "\"format\":\(format)")
        return Array(changed.utf8)
    }

    @Test("A manifest of a later format is refused by name")
    func later() throws {
        let bytes = try json(Manifest(schema: CodexFlow.schema), format: 6)
        let error = #expect(throws: CodexError(.unsupportedFormat, "")) {
            try Manifest(json: bytes)
        }
        #expect(error?.message.contains("format 6") == true)
    }

    @Test("In a manifest of an earlier format, the values of all tables are to be looked at")
    func earlier() throws {
        let made = Manifest(schema: CodexFlow.schema)
        #expect(made.tables.values.allSatisfy { $0.undecided == nil })
        var manifest = try Manifest(json: try json(made, format: 3))
        #expect(manifest.format == 3)
        #expect(manifest.tables.values.allSatisfy { $0.undecided == .unread })
        let isRaised = manifest.raiseFormat()
        let isRaisedAgain = manifest.raiseFormat()
        #expect(isRaised && !isRaisedAgain)
        // It stands in the next one, until it is done.
        var next = try Manifest(json: try manifest.json())
        #expect(next.tables.values.allSatisfy { $0.undecided == .unread })
        for name in next.tables.keys { next.setUndecided(nil, of: name) }
        let last = try Manifest(json: try next.json())
        #expect(last.tables.values.allSatisfy { $0.undecided == nil })
    }
}
