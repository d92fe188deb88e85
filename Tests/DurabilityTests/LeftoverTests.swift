import CodexCore
import CodexStore
import CrashSupport
import Foundation
import TestSupport
import Testing

/// What killed processes began goes as soon as that is safe, also while others have the store open;
/// what the living are at stays.
@Suite("Left-over files", .serialized)
struct LeftoverTests {
    private let directory: TestDirectory
    private var path: String { directory.path + "/store" }

    init() throws { directory = try TestDirectory() }

    /// The files of the log that are no segment and have no place yet.
    private func unfinished() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path + "/log").filter {
            $0.hasPrefix("next-") || $0.hasPrefix("spare-")
        }
    }

    @Test("Segments of killed processes go while another has the store open")
    func killed() throws {
        let living = try DrivenAgent(opening: path, "interval=20")
        let killed = try DrivenAgent(opening: path, "schema=no kill=segmentPrepared")
        killed.tell("put s 0 400 2000")
        killed.waitUntilGone()
        #expect(try unfinished() == ["next-\(killed.processID)"])
        // A number that no process has.
        try Data(count: 4096).write(to: URL(fileURLWithPath: path + "/log/spare-4194303"))
        // Past another segment, over a checkpoint, and by one who opens it too.
        try living.must("put s 1000 400 2000")
        try living.must("checkpoint s")
        try DrivenAgent(opening: path, "schema=no").quit()
        #expect(try unfinished().isEmpty)
        living.quit()
        #expect(try NumberedItems.numbers(at: path).isSuperset(of: 1000..<1400))
    }

    @Test("The segment that a living process is making stays")
    func living() throws {
        // Its first segment is made with it.
        try Store(at: path, schema: NumberedItems.schema()).close()
        let frozen = try DrivenAgent(opening: path, "schema=no stop=segmentPrepared")
        frozen.tell("put s 0 400 2000")
        #expect(frozen.waitUntilStopped())
        let other = try DrivenAgent(opening: path, "schema=no")
        #expect(try unfinished() == ["next-\(frozen.processID)"])
        other.quit()
        #expect(try unfinished() == ["next-\(frozen.processID)"])
        frozen.resume()
        #expect(try frozen.answer().number == 400)
        frozen.kill()
        #expect(try NumberedItems.numbers(at: path) == Set(0..<400))
    }

    /// Leaves a directory as a process does that was killed some seconds ago.
    private func leave(_ name: String, secondsAgo: Double) throws {
        let files = FileManager.default
        let folder = "\(directory.path)/\(name)"
        try files.createDirectory(atPath: folder + "/log", withIntermediateDirectories: true)
        for file in ["data.mdb", "log/next-1"] {
            try Data(count: 100).write(to: URL(fileURLWithPath: "\(folder)/\(file)"))
        }
        try files.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -secondsAgo)], ofItemAtPath: folder)
    }

    @Test("What was being copied or created by killed processes goes with the next of the name")
    func copies() async throws {
        let store = try Store(at: path, schema: NumberedItems.schema())
        defer { store.close() }
        for name in ["backup.making-", "restored.making-", ".new.creating-"] {
            try leave(name + "1-1", secondsAgo: 120)
            try leave(name + "2-2", secondsAgo: 0)
            try leave(name + "3-3", secondsAgo: 120)
        }
        try leave("other.making-1-1", secondsAgo: 120)
        // A living process holds what it makes.
        let held = open(directory.path + "/backup.making-3-3", O_RDONLY | O_DIRECTORY)
        defer { close(held) }
        #expect(flock(held, LOCK_EX) == 0)
        try await store.backup(to: directory.path + "/backup")
        try await Store.restore(directory.path + "/backup", at: directory.path + "/restored")
        try Store(at: directory.path + "/new", schema: NumberedItems.schema()).close()
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(
            Set(names) == [
                "store", "backup", "restored", "new", "backup.making-2-2", "backup.making-3-3",
                "restored.making-2-2", ".new.creating-2-2", "other.making-1-1",
            ])
    }
}
