import CodexCore
import CodexStore
import CrashSupport
import Foundation
import TestSupport
import Testing

/// Who may use a store's files is settled when they are made, whatever the umask.
@Suite("Modes of files", .serialized)
struct FileModeTests {
    private let directory: TestDirectory
    private var base: String { directory.path }
    private var path: String { base + "/store" }

    init() throws { directory = try TestDirectory() }

    /// What in the directory has other modes than these.
    private func strays(_ file: mode_t, _ folder: mode_t) throws -> [String] {
        try ModedFile.all(below: base).filter { $0.mode != ($0.isFolder ? folder : file) }
            .map(\.description)
    }

    /// Gives all in the directory modes, as earlier releases did.
    private func set(_ file: mode_t, _ folder: mode_t) throws {
        for found in try ModedFile.all(below: base) {
            #expect(chmod("\(base)/\(found.name)", found.isFolder ? folder : file) == 0)
        }
    }

    // MARK: One user

    @Test("Files are 0600 and directories 0700", arguments: ["0", "22", "77", "777"])
    func whateverTheUmask(mask: String) throws {
        let agent = try DrivenAgent()
        try agent.must("umask \(mask)")
        try agent.must("open s \(path) interval=20 segment=300000")
        try agent.must("put s 0 400 2000")
        try agent.must("checkpoint s")
        try agent.must("backup s \(base)/backup")
        try agent.must("put s 400 400 2000")
        try agent.must("archive s \(base)/archive")
        try agent.must("compact s")
        #expect(try strays(0o600, 0o700) == [])
        try agent.must("close s")
        // With an index that is built.
        try agent.must("open s \(path) indexes=1")
        try agent.must("restore \(base)/backup \(base)/archive \(base)/restored")
        try agent.must("open r \(base)/restored schema=no")
        try agent.must("put r 1000 10 2000")
        #expect(try strays(0o600, 0o700) == [])
        agent.quit()
        #expect(try strays(0o600, 0o700) == [])
        #expect(try NumberedItems.numbers(at: base + "/restored").count == 810)
    }

    @Test(
        "So are those that a killed process leaves, and those of the next one",
        .timeLimit(.minutes(30)),
        arguments: [
            "segmentPrepared", "segmentNamed", "checkpointWritten", "checkpointNamed", "spareMade",
            "compactionCopied", "compactionIntended", "compactionRenamed",
        ])
    func killed(step: String) throws {
        try Store(at: path, schema: NumberedItems.schema()).close()
        let killed = try DrivenAgent()
        try killed.must("umask 0")
        try killed.must("open s \(path) interval=20 kill=\(step)")
        killed.tell(step.hasPrefix("compaction") ? "compact s" : "put s 0 400 2000")
        killed.waitUntilGone()
        #expect(try strays(0o600, 0o700) == [])
        let next = try DrivenAgent()
        try next.must("umask 0")
        try next.must("open s \(path) interval=20")
        try next.must("put s 1000 100 2000")
        next.quit()
        #expect(try strays(0o600, 0o700) == [])
    }

    @Test("Opening tightens what earlier releases left; opening read-only changes nothing")
    func tightened() throws {
        let store = try Store(at: path, schema: NumberedItems.schema())
        try NumberedItems.put(0..<10, byteCount: 100, in: store)
        store.close()
        try set(0o644, 0o755)
        try Store(at: path, options: StoreOptions(isReadOnly: true)).close()
        #expect(try strays(0o644, 0o755) == [])
        try Store(at: path).close()
        #expect(try strays(0o600, 0o700) == [])
        // What a umask of 002 left is no group's.
        try set(0o664, 0o775)
        try Store(at: path).close()
        #expect(try strays(0o600, 0o700) == [])
    }

    @Test("An archive is tightened when it is brought up to date")
    func archive() async throws {
        let store = try Store(at: path, schema: NumberedItems.schema())
        defer { store.close() }
        try NumberedItems.put(0..<10, byteCount: 100, in: store)
        try await store.archiveLog(to: base + "/archive")
        try set(0o644, 0o755)
        try await store.archiveLog(to: base + "/archive")
        let archived = try ModedFile.all(below: base + "/archive")
        #expect(archived.count >= 3 && archived.allSatisfy { $0.mode == 0o600 })
        #expect(ModedFile("archive", in: base).mode == 0o700)
    }

    @Test("A file with another name, and one that a link leads to, are left as they are")
    func links() throws {
        try Store(at: path, schema: NumberedItems.schema()).close()
        let outside = base + "/outside"
        try Data("text".utf8).write(to: URL(fileURLWithPath: outside))
        #expect(chmod(outside, 0o644) == 0)
        #expect(link(outside, path + "/linked") == 0)
        #expect(symlink(outside, path + "/log/pointer") == 0)
        try Store(at: path).close()
        #expect(ModedFile("outside", in: base).mode == 0o644)
    }

    @Test("A file that is none of the store's keeps its mode", arguments: ["notes", "log/notes"])
    func others(name: String) throws {
        try Store(at: path, schema: NumberedItems.schema()).close()
        try Data("text".utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        try set(0o644, 0o755)
        try Store(at: path).close()
        #expect(try strays(0o600, 0o700).count == 1)
        #expect(ModedFile("store/\(name)", in: base).mode == 0o644)
    }

    @Test("A store is opened to a group and closed again by option, and stays as it is without one")
    func option() async throws {
        func open(_ access: FileAccess?, _ numbers: Range<Int>) async throws {
            var options = StoreOptions()
            options.fileAccess = access
            let store = try Store(at: path, schema: NumberedItems.schema(), options: options)
            defer { store.close() }
            try NumberedItems.put(numbers, byteCount: 60_000, in: store)
            try await store.compact()
            try await store.archiveLog(to: base + "/archive\(numbers.lowerBound)")
            try await store.backup(to: base + "/backup\(numbers.lowerBound)")
        }
        try await open(.group, 0..<10)
        #expect(try strays(0o660, 0o2770) == [])
        try await open(nil, 10..<20)
        #expect(try strays(0o660, 0o2770) == [])
        try await Store.restore(
            base + "/backup10", archive: base + "/archive10", at: base + "/restored")
        #expect(try strays(0o660, 0o2770) == [])
        try await open(.owner, 20..<30)
        let own = try ModedFile.all(below: path)
        #expect(own.allSatisfy { $0.mode == ($0.isFolder ? 0o700 : 0o600) })
        try await open(.group, 30..<40)
        let shared = try ModedFile.all(below: path)
        #expect(shared.allSatisfy { $0.mode == ($0.isFolder ? 0o2770 : 0o660) })
    }

    @Test("A new store in an empty directory has what that says")
    func empty() throws {
        for (folder, file) in [(0o2770, 0o660), (0o755, 0o600)] as [(mode_t, mode_t)] {
            try? FileManager.default.removeItem(atPath: path)
            #expect(mkdir(path, 0o700) == 0 && chmod(path, folder) == 0)
            try Store(at: path, schema: NumberedItems.schema()).close()
            #expect(try strays(file, file == 0o660 ? 0o2770 : 0o700) == [])
        }
    }
}

/// Several users, which only an administrator can play.
@Suite("Files of several users", .serialized, .enabled(if: geteuid() == 0))
struct FileUserTests {
    private let directory: TestDirectory
    private var path: String { directory.path + "/store" }
    /// The group that the users share.
    private let group: UInt32 = 61_000

    init() throws {
        directory = try TestDirectory()
        #expect(chmod(directory.path, 0o777) == 0)
    }

    private func id(_ number: Int) -> UInt32 { 61_001 + UInt32(number) }

    /// A process of a user.
    private func user(_ number: Int) throws -> DrivenAgent {
        let agent = try DrivenAgent()
        try agent.must("umask 77")
        try agent.must("become \(id(number)) \(id(number)) \(group)")
        return agent
    }

    /// Makes an empty directory for a store that the users share; the first one owns it.
    private func makeSharedDirectory() {
        #expect(mkdir(path, 0o700) == 0)
        #expect(chown(path, id(0), group) == 0 && chmod(path, 0o2770) == 0)
    }

    private func expectShared(location: SourceLocation = #_sourceLocation) throws {
        let strays = try ModedFile.all(below: path).filter {
            // A segment without its name may be of a process that was killed as it made it.
            !$0.description.hasPrefix("log/spare-") && !$0.description.hasPrefix("log/next-")
                && ($0.mode != ($0.isFolder ? 0o2770 : 0o660) || $0.group != group)
        }
        #expect(strays.map(\.description) == [], sourceLocation: location)
    }

    @Test(
        "Two users of a group write in turn, and each is killed at each step",
        .timeLimit(.minutes(30)))
    func twoUsers() throws {
        makeSharedDirectory()
        let steps = [
            "recordAppended", "segmentPrepared", "segmentNamed", "segmentMarked",
            "checkpointWritten", "checkpointNamed", "spareMade", "readerHeld",
        ]
        for (round, step) in steps.enumerated() {
            for number in 0..<2 {
                let (turn, options) = (2 * round + number, "interval=20 segment=300000")
                let writer = try user(number)
                try writer.must("open s \(path) \(options)")
                try writer.must("put s \(turn * 10) 10 2000")
                writer.kill()
                try expectShared()
                let killed = try user(number)
                do {
                    try killed.must("open s \(path) \(options) kill=\(step)")
                    killed.tell("put s \(10_000 + turn * 1000) 600 2000")
                } catch is DrivenAgent.Silent {
                    // Opening it passed the step.
                }
                killed.waitUntilGone()
                try expectShared()
            }
        }
        #expect(
            try NumberedItems.numbers(at: path).isSuperset(of: 0..<20 * steps.count))
    }

    @Test("Both at once: writes, a checkpoint, an archive, a backup and a compaction of each")
    func atOnce() throws {
        makeSharedDirectory()
        let (first, second) = (try user(0), try user(1))
        try first.must("open s \(path) interval=20 segment=300000")
        #expect(try second.must("open s \(path) interval=20 segment=300000").text == "joined")
        for (place, agent) in [first, second, first, second].enumerated() {
            try agent.must("put s \(place * 200) 200 2000")
            try agent.must("checkpoint s")
            try agent.must("archive s \(directory.path)/archive")
            try agent.must("backup s \(directory.path)/backup\(place)")
            try expectShared()
        }
        first.kill()
        try second.must("put s 800 10 2000")
        try second.must("compact s")
        try expectShared()
        second.kill()
        let again = try user(0)
        try again.must("open s \(path)")
        try again.must("put s 810 10 2000")
        try again.must("compact s")
        #expect(try again.must("state s").number == 820)
        #expect(try again.must("verify s").text == "sound")
        again.quit()
        try expectShared()
    }

    @Test("A stranger cannot lock a file of the store, and so keeps nobody out")
    func stranger() throws {
        let owner = try user(0)
        try owner.must("open s \(path)")
        try owner.must("put s 0 10 100")
        let stranger = try user(1)
        let names = [
            "gate.lock", "lease.lock", "checkpoint.lock", "lock.mdb", "data.mdb", "checkpoint",
        ]
        for name in names {
            #expect(try stranger.must("lock \(path)/\(name)").number == Int(EACCES), "\(name)")
        }
        owner.quit()
        let next = try user(0)
        try next.must("open s \(path) wait=100")
        next.quit()
    }

    @Test("Another user's store stays as it is and opens if it may, until its owner opens it")
    func foreign() throws {
        let owner = try user(0)
        try owner.must("open s \(path)")
        try owner.must("put s 0 10 2000")
        owner.quit()
        for found in try ModedFile.all(below: path) + [ModedFile("", in: path)] {
            let mode: mode_t = found.isFolder ? 0o777 : 0o666
            #expect(chmod("\(path)/\(found.name)", mode) == 0)
        }
        let other = try user(1)
        try other.must("open s \(path) interval=20")
        try other.must("put s 10 400 2000")
        try other.must("checkpoint s")
        other.quit()
        let strays = try ModedFile.all(below: path).filter {
            $0.mode != ($0.isFolder ? 0o777 : 0o666)
        }
        #expect(strays.map(\.description) == [])
        let again = try user(0)
        try again.must("open s \(path) interval=20")
        try again.must("put s 410 400 2000")
        #expect(try again.must("state s").number == 810)
        again.quit()
        let own = try ModedFile.all(below: path).filter { $0.owner == id(0) }
        #expect(own.allSatisfy { $0.mode == ($0.isFolder ? 0o700 : 0o600) })
        #expect(try user(1).ask("open s \(path)").isError(.notWritable))
    }

    @Test("A user who may not make a lock file is told so, and not that a file is missing")
    func missingLock() throws {
        let owner = try user(0)
        try owner.must("open s \(path)")
        owner.quit()
        for found in try ModedFile.all(below: path) + [ModedFile("", in: path)] {
            #expect(chmod("\(path)/\(found.name)", found.isFolder ? 0o755 : 0o644) == 0)
        }
        #expect(unlink(path + "/gate.lock") == 0)
        #expect(try user(1).ask("open s \(path)").isError(.notWritable))
    }

    @Test("A store that its owner cannot give to the group is not opened to another one")
    func notGiven() throws {
        // A group that the owner is no member of.
        #expect(mkdir(path, 0o700) == 0)
        #expect(chown(path, id(0), group + 1000) == 0 && chmod(path, 0o2770) == 0)
        let owner = try user(0)
        try owner.must("open s \(path)")
        owner.quit()
        let all = try ModedFile.all(below: path) + [ModedFile("", in: path)]
        let strays = all.filter {
            $0.mode != ($0.isFolder ? 0o700 : 0o600) && $0.group != group + 1000
        }
        #expect(strays.map(\.description) == [])
    }

    @Test("What an administrator makes in a user's store belongs to the user")
    func administrator() async throws {
        let owner = try user(0)
        try owner.must("open s \(path)")
        owner.quit()
        let store = try Store(at: path, schema: NumberedItems.schema(indexCount: 1))
        try NumberedItems.put(0..<100, byteCount: 20_000, in: store)
        try await store.archiveLog(to: directory.path + "/archive")
        try await store.compact()
        store.close()
        let strays = try ModedFile.all(below: path).filter { $0.owner != id(0) }
        #expect(strays.map(\.description) == [])
        let again = try user(0)
        try again.must("open s \(path) schema=no")
        try again.must("put s 100 10 2000")
        #expect(try again.must("state s").number == 110)
        again.quit()
    }
}

/// A file or directory, and who may use it.
struct ModedFile: CustomStringConvertible {
    let name: String
    let mode: mode_t
    let isFolder: Bool
    let owner: UInt32
    let group: UInt32
    /// Its name, its mode in octal digits, and whose it is.
    var description: String { "\(name) \(String(mode, radix: 8)) \(owner):\(group)" }

    /// Looks at `name` in a directory; what went away just now has mode 0.
    init(_ name: String, in directory: String) {
        var info = stat()
        _ = lstat("\(directory)/\(name)", &info)
        self.name = name
        mode = info.st_mode & 0o7777
        isFolder = info.st_mode & S_IFMT == S_IFDIR
        (owner, group) = (info.st_uid, info.st_gid)
    }

    /// All plain files and directories below a directory that do not go away meanwhile.
    static func all(below directory: String) throws -> [ModedFile] {
        try FileManager.default.subpathsOfDirectory(atPath: directory).filter { name in
            var info = stat()
            let isThere = lstat("\(directory)/\(name)", &info) == 0
            return isThere && [S_IFREG, S_IFDIR].contains(info.st_mode & S_IFMT)
        }.map { ModedFile($0, in: directory) }
    }
}
