#if Encryption
    import CodexCore
    import CodexTesting
    import Foundation
    import Testing

    @testable import CodexStore

    @Suite("Who may have the file of keys")
    struct KeyFileTests {
        let place: SealedStore
        private var path: String { place.keys.path }

        init() throws { place = try SealedStore() }

        private func setMode(_ mode: UInt32, of path: String) {
            #expect(chmod(path, mode_t(mode)) == 0)
        }

        /// The file is refused by those who open it, and by those who have it open.
        private func expectRefused(_ problem: String, at path: String? = nil) {
            let opening = #expect(throws: CodexError(.keyUnavailable, "")) {
                try FileKeyProvider(at: path ?? self.path)
            }
            #expect(opening?.message.contains(problem) == true, "\(opening?.message ?? "")")
            guard path == nil else { return }
            for use in [
                { _ = try place.keys.currentKeyID }, { _ = try place.keys.keyGeneration },
                { _ = try place.keys.makeDataKey() }, { try place.keys.refresh() },
                { _ = try place.keys.unwrap([], keyID: "k") }, { _ = try place.keys.rotate() },
            ] as [() throws -> Void] {
                #expect(throws: CodexError(.keyUnavailable, "")) { try use() }
            }
        }

        private func expectAccepted() throws {
            let id = try place.keys.currentKeyID
            #expect(try FileKeyProvider(at: path).currentKeyID == id)
        }

        // MARK: Faults

        @Test(
            "Nobody but the owner may read or write it",
            arguments: [
                0o400, 0o500, 0o600, 0o700, 0o601, 0o602, 0o604, 0o610, 0o620, 0o640, 0o444, 0o644,
                0o660, 0o666, 0o777,
            ] as [UInt32])
        func modes(mode: UInt32) throws {
            setMode(mode, of: path)
            if mode & 0o077 == 0 {
                try expectAccepted()
            } else {
                expectRefused("chmod 600")
            }
            setMode(0o600, of: path)
            try expectAccepted()
        }

        @Test(
            "Nobody else may put another file in its place",
            arguments: [
                (0o700, true), (0o755, true), (0o1777, true), (0o1770, true), (0o720, false),
                (0o702, false), (0o770, false), (0o777, false), (0o2770, false),
            ] as [(UInt32, Bool)])
        func folders(mode: UInt32, isAccepted: Bool) throws {
            setMode(mode, of: place.folder)
            if isAccepted { try expectAccepted() } else { expectRefused("chmod 700 the directory") }
            setMode(0o700, of: place.folder)
            try expectAccepted()
        }

        @Test(
            "It belongs to the user of the process, and so does its folder",
            .enabled(if: geteuid() == 0))
        func owners() throws {
            let problems = [
                (path, "another user. Run this as the file's owner."),
                (place.folder, "directory of another user. Run this as the directory's owner."),
            ]
            for (owned, problem) in problems {
                #expect(chown(owned, 65_534, 65_534) == 0)
                expectRefused(problem)
                #expect(chown(owned, 0, 0) == 0)
                try expectAccepted()
            }
        }

        @Test("A missing file is told by its path, and is not made in a missing directory")
        func missing() throws {
            let folder = place.folder + "/none"
            for path in [place.folder + "/none.json", folder + "/keys.json"] {
                expectRefused("\(path) does not exist", at: path)
            }
            let path = folder + "/keys.json"
            let error = #expect(throws: CodexError(.keyUnavailable, "")) {
                try FileKeyProvider(at: path, mayCreate: true)
            }
            #expect(error?.message.contains("\(path) does not exist") == true)
            #expect(!FileManager.default.fileExists(atPath: folder))
        }

        @Test(
            "A change that the system refuses is told with the path and the reason",
            arguments: [
                (EACCES, .notWritable, "may not write to its directory"),
                (EPERM, .notWritable, "may not write to its directory"),
                (EROFS, .notWritable, "file system is read-only"),
                (ENOENT, .keyUnavailable, "directory that was removed"),
            ] as [(Int32, CodexError.Code, String)])
        func unwritable(number: Int32, code: CodexError.Code, reason: String) {
            let error = SecretFile(path).unwritable("openat", number)
            #expect(error.code == code)
            #expect(error.message.contains(reason) && error.message.contains(path))
        }

        @Test("A link is not followed, in the place of the file or of its lock")
        func links() throws {
            let link = place.folder + "/link.json"
            try FileManager.default.createSymbolicLink(
                atPath: link, withDestinationPath: path)
            expectRefused("symbolic link", at: link)
            // One that leads nowhere makes no file.
            let (dangling, target) = (place.folder + "/dangling", place.folder + "/target")
            try FileManager.default.createSymbolicLink(
                atPath: dangling, withDestinationPath: target)
            #expect(throws: CodexError(.keyUnavailable, "")) {
                try FileKeyProvider(at: dangling, mayCreate: true)
            }
            #expect(!FileManager.default.fileExists(atPath: target))
            try Data("x".utf8).write(to: URL(fileURLWithPath: target))
            try? FileManager.default.removeItem(atPath: path + ".lock")
            try FileManager.default.createSymbolicLink(
                atPath: path + ".lock", withDestinationPath: target)
            #expect(throws: CodexError.self) { try place.keys.rotate() }
            #expect(try String(contentsOfFile: target, encoding: .utf8) == "x")
            // The folder may be reached by one.
            let folder = place.folder + "-link"
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try FileManager.default.createSymbolicLink(
                atPath: folder, withDestinationPath: place.folder)
            #expect(try FileKeyProvider(at: folder + "/keys.json").keyIDs == place.keys.keyIDs)
        }

        @Test("What is no plain file is refused, without waiting", .timeLimit(.minutes(30)))
        func kinds() throws {
            let pipe = place.folder + "/pipe"
            #expect(mkfifo(pipe, 0o600) == 0)
            expectRefused("no plain file", at: pipe)
            let folder = place.folder + "/folder"
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: false)
            setMode(0o700, of: folder)
            expectRefused("no plain file", at: folder)
        }

        @Test("It has 1 MiB at most", arguments: [-1, 0, 1])
        func sizes(difference: Int) throws {
            var text = try Data(contentsOf: URL(fileURLWithPath: path))
            text += Data(repeating: 0x20, count: 1 << 20 + difference - text.count)
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try file.write(contentsOf: text)
            try file.close()
            if difference > 0 {
                expectRefused("more than 1048576 bytes")
            } else {
                try expectAccepted()
            }
        }

        @Test("A file that is written in place, and one that is renamed into place, are read again")
        func changes() throws {
            let other = try FileKeyProvider(at: place.folder + "/other.json", mayCreate: true)
            let text = try Data(contentsOf: URL(fileURLWithPath: path))
            let generation = try place.keys.keyGeneration
            #expect(try place.keys.keyGeneration == generation)
            let (ids, otherIDs) = (try place.keys.keyIDs, try other.keyIDs)
            // Written over, with the same inode, and another length: times may be the same.
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try file.write(contentsOf: try Data(contentsOf: URL(fileURLWithPath: other.path)))
            try file.write(contentsOf: Data(" ".utf8))
            try file.close()
            #expect(try place.keys.keyIDs == otherIDs)
            #expect(try place.keys.keyGeneration != generation)
            try text.write(to: URL(fileURLWithPath: other.path))
            setMode(0o600, of: other.path)
            #expect(rename(other.path, path) == 0)
            #expect(try place.keys.keyIDs == ids)
            try place.keys.refresh()
            #expect(try place.keys.keyIDs == ids)
        }

        // MARK: What is forgotten

        @Test("A key that is removed opens nothing any more, in a store that has used it")
        func forgotten() async throws {
            try await place.open { store in
                try await store.put(try makeTask("a", body: "secret"))
                #expect(try store.get(.task("a", in: "p"))?.body == "secret")
                let data = try place.keys.makeDataKey()
                let other = try FileKeyProvider(at: path)
                let old = try other.currentKeyID
                try other.rotate()
                #expect(try store.get(.task("a", in: "p"))?.body == "secret")
                try other.remove(keyID: old)
                #expect(try store.get(.task("a", in: "p"))?.body == nil)
                #expect(try place.keys.unwrap(data.wrapped, keyID: old) == nil)
                #expect(try store.verify().differences.map(\.kind) == [.unopenedValue])
                try await store.put(try makeTask("b", body: "new"))
                #expect(try store.get(.task("b", in: "p"))?.body == "new")
            }
        }

        @Test("While the file is away, or anybody's, encrypted fields are neither read nor written")
        func away() async throws {
            try await place.open { store in
                try await store.put(try makeTask("a", body: "secret"))
                #expect(try store.get(.task("a", in: "p"))?.body == "secret")
                #expect(rename(path, path + ".away") == 0)
                try await expectUnavailable(store)
                #expect(rename(path + ".away", path) == 0)
                #expect(try store.get(.task("a", in: "p"))?.body == "secret")
                setMode(0o644, of: path)
                try await expectUnavailable(store)
                setMode(0o600, of: path)
                #expect(try store.get(.task("a", in: "p"))?.body == "secret")
            }
        }

        private func expectUnavailable(_ store: Store) async throws {
            #expect(throws: CodexError(.keyUnavailable, "")) {
                try store.get(.task("a", in: "p"))
            }
            await #expect(throws: CodexError(.keyUnavailable, "")) {
                try await store.put(try makeTask("b", body: "other"))
            }
        }

        @Test("A provider is asked again for the keys that it unwrapped once its keys are others")
        func generations() async throws {
            let keys = CountedKeys(place.keys)
            try await place.open(keys: keys) { store in
                try await store.put(try makeTask("a", body: "secret"))
                let count = keys.unwrappedCount
                for _ in 0..<10 { _ = try store.get(.task("a", in: "p")) }
                #expect(keys.unwrappedCount == count)
                keys.setGeneration(7)
                for _ in 0..<10 { _ = try store.get(.task("a", in: "p")) }
                #expect(keys.unwrappedCount == count + 1)
            }
        }

        // MARK: Memory

        @Test("Bytes of keys are overwritten")
        func wiped() throws {
            for count in [0, 1, 32, 4096] {
                var bytes = [UInt8](repeating: 7, count: count)
                bytes.wipe()
                #expect(bytes == [UInt8](repeating: 0, count: count))
                var data = Data(repeating: 7, count: count)
                data.wipe()
                #expect(data == Data(count: count))
            }
            var key = try place.keys.makeDataKey()
            #expect(key.plain.contains { $0 != 0 })
            key.wipe()
            #expect(key.plain == [UInt8](repeating: 0, count: 32))
        }
    }

    /// A provider that counts what it unwraps, and says which generation its keys are of.
    private final class CountedKeys: EncryptionKeyProvider {
        private let base: FileKeyProvider
        private let state = Locked((count: 0, generation: UInt64(0)))

        init(_ base: FileKeyProvider) { self.base = base }

        var unwrappedCount: Int { state.withLock { $0.count } }

        func setGeneration(_ generation: UInt64) { state.withLock { $0.generation = generation } }

        var currentKeyID: String { get throws { try base.currentKeyID } }

        var keyGeneration: UInt64 { state.withLock { $0.generation } }

        func makeDataKey() throws -> DataKey { try base.makeDataKey() }

        func unwrap(_ wrapped: [UInt8], keyID: String) throws -> [UInt8]? {
            state.withLock { $0.count += 1 }
            return try base.unwrap(wrapped, keyID: keyID)
        }
    }
#endif
