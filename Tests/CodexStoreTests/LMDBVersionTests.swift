import CodexCore
import CodexTesting
import Foundation
import Testing

@testable import CodexStore

/// Libraries and files of other versions of LMDB than 0.9: told from damage, and left as they are.
@Suite("Versions of LMDB")
struct LMDBVersionTests {
    /// A first page as some version of LMDB lays it out.
    struct Layout {
        let name: String
        /// Where the mark is.
        let offset: Int
        let version: UInt32
        var isSwapped = false

        /// Two pages of 4,096 bytes.
        var pages: [UInt8] { page(0) + page(1) }

        private func page(_ number: UInt64) -> [UInt8] {
            let wordByteCount = offset == 12 ? 4 : 8
            var bytes = integer(number, wordByteCount)
            // 1.0's header names the transaction that wrote the page.
            if offset == 24 { bytes += integer(7, 8) }
            // Padding, the mark of a meta page, and the bounds of its free space.
            bytes += integer(0, 2) + integer(8, 2) + integer(0, 4)
            bytes += integer(0xBEEF_C0DE, 4) + integer(UInt64(version), 4)
            // The address of the map and its size, then the size of a page.
            bytes += integer(0, wordByteCount) + integer(1 << 20, wordByteCount)
            bytes += integer(4096, 4)
            return bytes + [UInt8](repeating: 0, count: 4096 - bytes.count)
        }

        private func integer(_ value: UInt64, _ count: Int) -> [UInt8] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
            return isSwapped ? bytes.reversed() : bytes
        }

        static let all = [
            Layout(name: "1.0", offset: 24, version: 3),
            Layout(name: "1.0's development, 0.9.90", offset: 24, version: 2),
            Layout(name: "a later version", offset: 24, version: 4),
            Layout(name: "a development build", offset: 16, version: 999),
            Layout(name: "1.0 of 32 bits", offset: 16, version: 3),
            Layout(name: "0.9 of 32 bits", offset: 12, version: 1),
            Layout(name: "0.9, bytes swapped", offset: 16, version: 1, isSwapped: true),
            Layout(name: "1.0, bytes swapped", offset: 24, version: 3, isSwapped: true),
        ]
    }

    /// Runs `body` with the path of a store that is closed.
    private func withStore(_ body: (String) throws -> Void) throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/store"
        let store = try Store(at: path, schema: CodexFlow.schema)
        try store.write { try $0.put(SeedTests.user) }
        store.close()
        try body(path)
    }

    private func overwrite(_ path: String, _ bytes: [UInt8], at offset: Int = 0) throws {
        let url = URL(fileURLWithPath: path + "/data.mdb")
        var data = [UInt8](try Data(contentsOf: url))
        data.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        try Data(data).write(to: url)
    }

    private func refusal(_ path: String, isReadOnly: Bool = false) -> CodexError? {
        do throws(CodexError) {
            try Store(at: path, options: StoreOptions(isReadOnly: isReadOnly)).close()
            return nil
        } catch {
            return error
        }
    }

    @Test("A file of another version is named, with a way out, and not taken for damaged")
    func files() throws {
        for layout in Layout.all {
            try withStore { path in
                try overwrite(path, layout.pages)
                let file = URL(fileURLWithPath: path + "/data.mdb")
                let before = try Data(contentsOf: file)
                for isReadOnly in [false, true] {
                    let error = try #require(
                        refusal(path, isReadOnly: isReadOnly), "\(layout.name)")
                    #expect(error.code == .unsupportedFormat, "\(layout.name): \(error)")
                    #expect(error.message.contains("codexflow export"))
                    #expect(!error.message.contains("backup"))
                    #expect(error.message.contains("/store"))
                }
                #expect(try Data(contentsOf: file) == before)
            }
        }
    }

    @Test("So is one of a store whose format had no checkpoints")
    func earlierFormat() throws {
        try withStore { path in
            try overwrite(path, Layout.all[0].pages)
            try Data("codex store\nformat 2\n".utf8).write(
                to: URL(fileURLWithPath: path + "/CODEX"))
            #expect(refusal(path)?.code == .unsupportedFormat)
        }
    }

    @Test("A first page of 0.9 that is damaged is damaged")
    func damage() throws {
        let damages: [(offset: Int, bytes: [UInt8])] = [
            // The mark, the size of a page, and all.
            (16, [0, 0, 0, 0]), (40, [1, 0, 0, 0]), (0, [UInt8](repeating: 0xAA, count: 152)),
        ]
        for damage in damages {
            try withStore { path in
                try overwrite(path, damage.bytes, at: damage.offset)
                #expect(refusal(path)?.code == .corrupted, "\(damage.offset)")
            }
        }
        try withStore { path in
            let head = try Data(contentsOf: URL(fileURLWithPath: path + "/data.mdb")).prefix(44)
            let pageByteCount = head.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            try overwrite(path, [0, 0, 0, 0], at: pageByteCount + 16)
            #expect(refusal(path)?.code == .corrupted, "the second page's mark")
        }
    }

    @Test("What liblmdb does not know as its own is of another version")
    func unknownFiles() {
        // MDB_INVALID, MDB_VERSION_MISMATCH.
        for code: Int32 in [-30_793, -30_794] {
            let error = CodexError.lmdb("mdb_env_open", code)
            #expect(error.code == .unsupportedFormat)
            #expect(!error.message.contains("backup"))
        }
        // MDB_CORRUPTED.
        #expect(CodexError.lmdb("mdb_get", -30_796).code == .corrupted)
    }

    @Test("A library of another version than 0.9 is refused by name")
    func libraries() throws {
        func version(_ major: Int, _ minor: Int, _ patch: Int) -> LMDBVersion {
            LMDBVersion(major: major, minor: minor, patch: patch)
        }
        for supported in [version(0, 9, 24), version(0, 9, 35), .loaded] {
            try supported.requireSupported(opening: "/store")
        }
        for other in [
            version(1, 0, 0), version(1, 0, 2), version(0, 9, 70), version(0, 9, 90),
            version(0, 8, 0), version(0, 10, 0),
        ] {
            let error = #expect(throws: CodexError.self) {
                try other.requireSupported(opening: "/a/store")
            }
            #expect(error?.code == .unsupportedFormat)
            #expect(error?.message.contains("liblmdb \(other)") == true)
            #expect(error?.message.contains("/a/store") == true)
        }
    }
}
