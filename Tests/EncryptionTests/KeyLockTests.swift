#if Encryption
    import CodexCore
    import CodexTesting
    import Foundation
    import Testing

    @testable import CodexStore

    @Suite("Who may have the lock of the file of keys", .timeLimit(.minutes(30)))
    struct KeyLockTests {
        let place: SealedStore
        private var path: String { place.keys.path }
        private var lock: String { path + ".lock" }

        init() throws { place = try SealedStore() }

        /// Changes of the keys are refused, and uses of them are not.
        private func expectRefused(_ problem: String) throws {
            for change in [
                { _ = try place.keys.rotate() }, { try place.keys.remove(keyID: "none") },
            ] as [() throws -> Void] {
                let error = #expect(throws: CodexError(.keyUnavailable, "")) { try change() }
                let message = error?.message ?? ""
                #expect(message.contains(lock) && message.contains(problem), "\(message)")
            }
            #expect(try place.keys.keyIDs.count == 1)
            _ = try place.keys.makeDataKey()
        }

        @Test(
            "One that others may open is refused",
            arguments: [0o604, 0o602, 0o640, 0o620, 0o666] as [UInt32])
        func modes(mode: UInt32) throws {
            #expect(chmod(lock, mode_t(mode)) == 0)
            try expectRefused("by others than its owner")
            #expect(chmod(lock, 0o600) == 0)
            try place.keys.rotate()
        }

        @Test("What is no plain file is refused, without waiting")
        func kinds() throws {
            let target = place.folder + "/target"
            try Data("x".utf8).write(to: URL(fileURLWithPath: target))
            for make in [
                { symlink(target, lock) }, { mkfifo(lock, 0o600) }, { mkdir(lock, 0o700) },
            ] as [() -> Int32] {
                try FileManager.default.removeItem(atPath: lock)
                #expect(make() == 0)
                try expectRefused("no plain file")
            }
            try FileManager.default.removeItem(atPath: lock)
            try place.keys.rotate()
            #expect(try String(contentsOfFile: target, encoding: .utf8) == "x")
        }

        @Test(
            "One that another user made in a directory for all is refused",
            .enabled(if: geteuid() == 0))
        func owners() throws {
            #expect(chmod(place.folder, 0o1777) == 0)
            #expect(chown(lock, 65_534, 65_534) == 0)
            try expectRefused("belongs to another user")
            let other = place.folder + "/other.json"
            try Data().write(to: URL(fileURLWithPath: other + ".lock"))
            #expect(chmod(other + ".lock", 0o600) == 0)
            #expect(chown(other + ".lock", 65_534, 65_534) == 0)
            let error = #expect(throws: CodexError(.keyUnavailable, "")) {
                try FileKeyProvider(at: other, mayCreate: true)
            }
            #expect(error?.message.contains(other + ".lock") == true)
            #expect(!FileManager.default.fileExists(atPath: other))
            #expect(unlink(lock) == 0)
            try place.keys.rotate()
        }

        @Test("What a killed process was writing goes with the next change of the keys")
        func leftovers() throws {
            // A number that no process has, and this one's.
            let gone = ["\(path).4194303-1.new", "\(lock).4194303-2.new"]
            let kept = ["\(path).\(getpid())-3.new", place.folder + "/other.4194303-4.new"]
            for file in gone + kept { try Data().write(to: URL(fileURLWithPath: file)) }
            try place.keys.rotate()
            for file in gone { #expect(!FileManager.default.fileExists(atPath: file)) }
            for file in kept { #expect(FileManager.default.fileExists(atPath: file)) }
        }
    }
#endif
