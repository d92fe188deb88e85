import CodexCore
import CrashSupport
import Foundation
import TestSupport
import Testing

/// A store is a directory that is held: whatever becomes of its path, nothing that was acknowledged
/// is lost, and no other store is touched.
@Suite("Directories that are moved and replaced", .serialized)
struct HeldDirectoryTests {
    private let directory: TestDirectory
    private var path: String { directory.path }

    init() throws { directory = try TestDirectory() }

    /// Puts items in a process; all must be acknowledged.
    private func put(_ numbers: Range<Int>, _ agent: DrivenAgent, _ name: String = "s") throws {
        try agent.must("put \(name) \(numbers.lowerBound) \(numbers.count) 2000")
    }

    /// Tries to; nothing of it may be acknowledged, since files were replaced.
    private func expectRefused(
        _ agent: DrivenAgent, _ comment: Comment, location: SourceLocation = #_sourceLocation
    ) throws {
        let answer = try agent.ask("put s 900 1 2000")
        #expect(answer.isError(.filesReplaced), "\(comment): \(answer)", sourceLocation: location)
        #expect(answer.number == 0, comment, sourceLocation: location)
    }

    private func expect(
        _ numbers: Range<Int>, at name: String, location: SourceLocation = #_sourceLocation
    ) throws {
        let found = try NumberedItems.numbers(at: "\(path)/\(name)")
        #expect(found == Set(numbers), sourceLocation: location)
    }

    // MARK: Moved

    @Test("A store goes on in the directory that was moved, and stops once there is another")
    func moved() throws {
        let old = try DrivenAgent(opening: path + "/live", "interval=20")
        try put(0..<20, old)
        try directory.move("live", to: "old")
        try put(20..<150, old)
        try old.must("checkpoint s")
        #expect(try old.must("event s directoryMoved").text.contains("/live"))
        let new = try DrivenAgent(opening: path + "/live", "interval=20")
        try put(0..<150, new)
        try expectRefused(old, "another store is in its place")
        old.kill()
        new.kill()
        try expect(0..<150, at: "old")
        try expect(0..<150, at: "live")
    }

    @Test("A copy of the store in its place is another store; once that is away, writes go on")
    func copied() throws {
        let old = try DrivenAgent(opening: path + "/live")
        try put(0..<20, old)
        try directory.move("live", to: "old")
        try FileManager.default.copyItem(atPath: path + "/old", toPath: path + "/live")
        let new = try DrivenAgent(opening: path + "/live", "schema=no")
        #expect(try new.ask("state s").number == 20)
        try put(20..<60, new)
        try expectRefused(old, "a copy is in its place")
        try directory.move("live", to: "copy")
        try directory.move("old", to: "live")
        try put(20..<40, old)
        // Now the copy's path is the store's.
        try expectRefused(new, "the store is in its copy's place")
        old.kill()
        new.kill()
        try expect(0..<40, at: "live")
        try expect(0..<60, at: "copy")
    }

    @Test("Closing leaves the store alone that is in the old one's place")
    func closing() throws {
        // Without a checkpoint until then.
        let old = try DrivenAgent(opening: path + "/live", "interval=3600000")
        try put(0..<20, old)
        try directory.move("live", to: "old")
        let new = try DrivenAgent(opening: path + "/live", "interval=3600000")
        try put(0..<500, new)
        let byteCount = directory.byteCount("live/data.mdb")
        old.quit()
        #expect(directory.byteCount("live/data.mdb") == byteCount)
        try put(500..<600, new)
        new.kill()
        try expect(0..<20, at: "old")
        try expect(0..<600, at: "live")
    }

    @Test("A store whose directory is removed acknowledges no more writes")
    func removed() throws {
        let agent = try DrivenAgent(opening: path + "/live")
        try put(0..<20, agent)
        try FileManager.default.removeItem(atPath: path + "/live")
        try expectRefused(agent, "the directory is gone")
        let new = try DrivenAgent(opening: path + "/live")
        try expectRefused(agent, "another store is in its place")
        try put(0..<5, new)
        agent.quit()
        new.quit()
        try expect(0..<5, at: "live")
    }

    // MARK: Paths

    @Test("A relative path is that of the moment of opening")
    func workingDirectory() throws {
        for folder in ["A", "B"] {
            try FileManager.default.createDirectory(
                atPath: "\(path)/\(folder)", withIntermediateDirectories: false)
        }
        let agent = try DrivenAgent()
        for folder in ["A", "B"] {
            try agent.must("chdir \(path)/\(folder)")
            try agent.must("open \(folder) db interval=20")
        }
        try agent.must("chdir \(path)/A")
        try put(0..<2, agent, "A")
        try agent.must("chdir \(path)/B")
        try put(0..<150, agent, "B")
        try put(2..<170, agent, "A")
        for folder in ["A", "B"] { try agent.must("checkpoint \(folder)") }
        try put(170..<180, agent, "A")
        agent.kill()
        try expect(0..<180, at: "A/db")
        try expect(0..<150, at: "B/db")
    }

    @Test("A symbolic link may lead to another place meanwhile")
    func symbolicLink() throws {
        let files = FileManager.default
        let link = path + "/link"
        for folder in ["A", "B"] {
            try files.createDirectory(
                atPath: "\(path)/\(folder)", withIntermediateDirectories: false)
        }
        try files.createSymbolicLink(atPath: link, withDestinationPath: path + "/A")
        let old = try DrivenAgent(opening: link, "interval=20")
        try put(0..<20, old)
        try files.removeItem(atPath: link)
        try files.createSymbolicLink(atPath: link, withDestinationPath: path + "/B")
        let new = try DrivenAgent(opening: link, "interval=20")
        try put(0..<150, new)
        try put(20..<170, old)
        try old.must("checkpoint s")
        old.kill()
        new.kill()
        try expect(0..<170, at: "A")
        try expect(0..<150, at: "B")
    }

    // MARK: Files

    static let shared = [
        "data.mdb", "lock.mdb", "lease.lock", "gate.lock", "checkpoint.lock", "log",
    ]

    @Test(
        "A file that all must share is away, or another one: refused before anything is appended",
        arguments: shared, [false, true])
    func file(name: String, isReplaced: Bool) throws {
        let agent = try DrivenAgent(opening: path + "/live", "interval=20")
        try put(0..<20, agent)
        try agent.must("checkpoint s")
        let sequence = try agent.must("sequence s").number
        try directory.move("live/\(name)", to: "aside")
        if isReplaced {
            try FileManager.default.copyItem(
                atPath: path + "/aside", toPath: "\(path)/live/\(name)")
        }
        try expectRefused(agent, "\(name)")
        #expect(try agent.must("sequence s").number == sequence)
        #expect(try agent.must("state s").number == 20)
        try expectSound(meanwhile: try DrivenAgent(), name)
        try expectRefused(agent, "\(name), after another process tried")
        // Back again, nothing is missing and writes go on.
        try? FileManager.default.removeItem(atPath: "\(path)/live/\(name)")
        try directory.move("aside", to: "live/\(name)")
        try put(20..<30, agent)
        let other = try DrivenAgent(opening: path + "/live", "schema=no")
        try put(30..<40, other)
        agent.kill()
        other.kill()
        try expect(0..<40, at: "live")
    }

    /// Lets another process open the store: it is refused with a code, or sees all and cannot write.
    private func expectSound(meanwhile other: DrivenAgent, _ name: String) throws {
        let opened = try other.ask("open s \(path)/live schema=no wait=2000")
        guard opened.code == nil else {
            #expect(opened.code != "other", "\(name): \(opened)")
            return
        }
        #expect(opened.text == "joined", "\(name)")
        #expect(try other.must("state s").number == 20, "\(name)")
        #expect(try other.must("verify s").text == "sound", "\(name)")
        try expectRefused(other, "\(name), by another process")
        try other.must("close s")
    }

    @Test("With a lease that others have, a lock file that nobody has is not taken for one's own")
    func lockFileOfNobody() throws {
        let agent = try DrivenAgent(opening: path + "/live")
        try put(0..<20, agent)
        agent.quit()
        // As if a process had the store open whose locks of lock.mdb are lost.
        let lease = open(path + "/live/lease.lock", O_RDWR)
        defer { close(lease) }
        #expect(flock(lease, LOCK_SH) == 0)
        let other = try DrivenAgent()
        let answer = try other.ask("open s \(path)/live schema=no")
        #expect(answer.isError(.filesReplaced), "\(answer)")
        #expect(flock(lease, LOCK_UN) == 0)
        #expect(try other.must("open s \(path)/live schema=no").text == "alone")
    }
}
