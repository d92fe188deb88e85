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
