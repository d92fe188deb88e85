import CodexCore
import CodexStore
import CrashSupport
import Foundation
import TestSupport
import Testing

/// A symbolic link that somebody plants in a store's directory leads nothing out of it.
@Suite("Planted links")
struct PlantedLinkTests {
    private let directory: TestDirectory
    private var path: String { directory.path + "/store" }
    private var outside: String { directory.path + "/outside" }
    private static let text = Data("text".utf8)

    init() throws {
        directory = try TestDirectory()
        let store = try Store(at: path, schema: NumberedItems.schema())
        try NumberedItems.put(0..<10, byteCount: 100, in: store)
        store.close()
        try FileManager.default.createDirectory(
            atPath: outside, withIntermediateDirectories: false)
        try Self.text.write(to: URL(fileURLWithPath: outside + "/file"))
    }

    /// Puts a link in the place of a file; what was there gets another name.
    private func plant(_ name: String, to target: String) throws {
        let place = "\(path)/\(name)"
        if FileManager.default.fileExists(atPath: place) {
            try FileManager.default.moveItem(atPath: place, toPath: directory.path + "/kept")
        }
        try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: target)
    }

    private func expectUntouched(location: SourceLocation = #_sourceLocation) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: outside)
        #expect(names == ["file"], sourceLocation: location)
        let found = try Data(contentsOf: URL(fileURLWithPath: outside + "/file"))
        #expect(found == Self.text, sourceLocation: location)
    }

    @Test(
        "A link in the place of a file is refused; with the file itself the store opens",
        arguments: [
            "CODEX", "data.mdb", "lock.mdb", "gate.lock", "lease.lock", "checkpoint.lock",
            "checkpoint", "log",
        ])
    func refused(name: String) throws {
        try plant(name, to: name == "log" ? outside : outside + "/file")
        #expect(throws: CodexError(.notWritable, "")) { try Store(at: path) }
        try expectUntouched()
        try FileManager.default.removeItem(atPath: "\(path)/\(name)")
        try FileManager.default.moveItem(
            atPath: directory.path + "/kept", toPath: "\(path)/\(name)")
        try Store(at: path).close()
        #expect(try NumberedItems.numbers(at: path) == Set(0..<10))
    }

    @Test(
        "A link in the place of a file that is written over gives way to a file",
        arguments: ["checkpoint.new", "log/spare", "log/archived"])
    func replaced(name: String) async throws {
        try plant(name, to: outside + "/file")
        let store = try Store(at: path)
        try NumberedItems.put(10..<40, byteCount: 60_000, in: store)
        try await store.archiveLog(to: directory.path + "/archive")
        store.close()
        try expectUntouched()
        #expect(try NumberedItems.numbers(at: path) == Set(0..<40))
    }

    @Test("A link in the place of the directory of a compaction is removed")
    func compaction() async throws {
        try plant("compacting", to: outside)
        let store = try Store(at: path)
        defer { store.close() }
        try await store.compact()
        try expectUntouched()
    }
}
