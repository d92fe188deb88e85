#if Encryption
    import CodexCore
    import CodexStore
    import Foundation
    import TestSupport
    import Testing

    /// Several users, which only an administrator can play.
    @Suite("Files of keys of several users", .serialized, .enabled(if: geteuid() == 0))
    struct KeyFileUserTests {
        private let place: SealedStore
        private let owner: UInt32 = 61_001
        private let stranger: UInt32 = 61_002
        private var path: String { place.keys.path }

        /// Gives the file to a user, in a directory of the administrator.
        init() throws {
            place = try SealedStore()
            #expect(chmod(place.folder, 0o755) == 0)
            #expect(chown(path, owner, owner) == 0)
        }

        /// A process of a user.
        private func process(of user: UInt32) throws -> DrivenAgent {
            let agent = try DrivenAgent()
            try agent.must("become \(user) \(user) \(user)")
            return agent
        }

        private func expectRefused(
            _ action: String, _ path: String, by agent: DrivenAgent, _ code: CodexError.Code,
            _ reason: String
        ) throws {
            let answer = try agent.ask("keys \(action) \(path)")
            #expect(answer.code == code.description)
            #expect(answer.text.contains(reason) && answer.text.contains(path), "\(answer)")
        }

        @Test(
            "Where the directory may not be written to, keys are used, and none is made or removed",
            arguments: [nil, 0o600, 0o644] as [UInt32?])
        func rotation(lockMode: UInt32?) throws {
            let lock = path + ".lock"
            if let lockMode {
                #expect(chmod(lock, mode_t(lockMode)) == 0)
            } else {
                #expect(unlink(lock) == 0)
            }
            let agent = try process(of: owner)
            #expect(try agent.must("keys open \(path)").number == 1)
            let reason = "may not write to its directory"
            try expectRefused("rotate", path, by: agent, .notWritable, reason)
            let new = place.folder + "/new.json"
            try expectRefused("make", new, by: agent, .notWritable, reason)
            #expect(try agent.must("keys open \(path)").number == 1)
        }

        @Test("A file that a user may not read is told with its path, and so is its directory")
        func reading() throws {
            let agent = try process(of: stranger)
            try expectRefused("open", path, by: agent, .keyUnavailable, "may not be read")
            #expect(chmod(place.folder, 0o700) == 0)
            try expectRefused("open", path, by: agent, .keyUnavailable, "may not be read")
            try expectRefused("make", path, by: agent, .keyUnavailable, "may not be read")
        }

        @Test("A user is told to take the file over, and an administrator to leave it its owner's")
        func advice() throws {
            let agent = try process(of: stranger)
            #expect(chmod(path, 0o644) == 0)
            try expectRefused("open", path, by: agent, .keyUnavailable, "chown it to the user")
            let administrator = try DrivenAgent()
            try expectRefused(
                "open", path, by: administrator, .keyUnavailable, "Run this as the file's owner.")
        }
    }
#endif
