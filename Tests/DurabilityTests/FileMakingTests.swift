#if os(Linux)
    import CodexCore
    import CodexStore
    import Foundation
    import TestSupport
    import Testing

    /// A file has its mode before it has its name, also if its maker is killed in between.
    @Suite("Processes that are killed as they make a file", .serialized, .timeLimit(.minutes(30)))
    struct FileMakingTests {
        private static let names = [
            "gate.lock", "lease.lock", "checkpoint.lock", "lock.mdb", "build.lock", "archive.lock",
        ]

        private let directory: TestDirectory
        private var path: String { directory.path + "/store" }
        private var archive: String { directory.path + "/archive" }
        /// The group that users share.
        private let groupID: UInt32 = 61_000

        init() throws { directory = try TestDirectory() }

        /// Makes a store and an archive, and removes a file of one of them.
        private func make(without name: String, _ agent: DrivenAgent) throws {
            try agent.must("open s \(path)")
            try agent.must("put s 0 10 100")
            try agent.must("archive s \(archive)")
            agent.quit()
            unlink("\(path)/\(name)")
            unlink("\(archive)/\(name)")
        }

        /// Lets a process make the file, which is killed before the file has its mode.
        private func stop(_ agent: DrivenAgent, making name: String) throws {
            try agent.must("doom \(name)")
            _ = try? agent.ask("open s \(path) indexes=1")
            agent.tell("archive s \(archive)")
            agent.waitUntilGone()
            let isThere = try all().contains { $0.name.hasSuffix("/\(name)") }
            #expect(!isThere)
        }

        /// The next process makes the file, and nothing of the killed one stays.
        private func expectGoesOn(_ agent: DrivenAgent, _ name: String, _ mode: mode_t) throws {
            try agent.must("open s \(path) indexes=1")
            try agent.must("put s 10 10 100")
            try agent.must("archive s \(archive)")
            #expect(try agent.must("state s").number == 20)
            agent.quit()
            let files = try all().filter { $0.name.contains("/\(name)") }
            #expect(files.map(\.mode) == [mode], "\(files)")
        }

        private func all() throws -> [ModedFile] { try ModedFile.all(below: directory.path) }

        @Test("None stays that nobody can open, whatever the umask", arguments: names)
        func anyUmask(name: String) throws {
            try make(without: name, try DrivenAgent())
            let killed = try DrivenAgent()
            try killed.must("umask 777")
            try stop(killed, making: name)
            try expectGoesOn(try DrivenAgent(), name, 0o600)
        }

        // MARK: Users of a group, which only an administrator can play

        private func user(_ number: UInt32) throws -> DrivenAgent {
            let agent = try DrivenAgent()
            try agent.must("umask 77")
            try agent.must("become \(61_001 + number) \(61_001 + number) \(groupID)")
            return agent
        }

        private func share() {
            #expect(chmod(directory.path, 0o777) == 0 && mkdir(path, 0o700) == 0)
            #expect(chown(path, 61_001, groupID) == 0 && chmod(path, 0o2770) == 0)
        }

        @Test(
            "Another user of the group goes on", .enabled(if: geteuid() == 0), arguments: names)
        func otherUser(name: String) throws {
            share()
            try make(without: name, try user(0))
            try stop(try user(1), making: name)
            try expectGoesOn(try user(0), name, 0o660)
        }

        @Test(
            "A directory for a copy that a user could not share yet keeps no other from compacting",
            .enabled(if: geteuid() == 0))
        func compaction() throws {
            share()
            let agent = try user(0)
            try agent.must("open s \(path)")
            try agent.must("put s 0 10 100")
            let staging = path + "/compacting"
            #expect(mkdir(staging, 0o700) == 0 && chown(staging, 61_002, groupID) == 0)
            try agent.must("compact s")
            agent.quit()
            #expect(try !all().contains { $0.name.hasSuffix("compacting") })
        }
    }
#endif
