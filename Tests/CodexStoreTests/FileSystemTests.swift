import CodexTesting
import Foundation
import Testing

@testable import CodexStore

@Suite("Files")
struct FileSystemTests {
    @Test("Extending lengthens and never cuts, and leaves what is there")
    func extending() throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/file"
        try FileSystem.writeDurably(Array("0123456789".utf8), to: path)
        for (byteCount, expected) in [(5, 10), (10, 10), (11, 11), (5000, 5000), (1, 5000)] {
            try FileSystem.extend(path, to: byteCount)
            #expect(try FileSystem.byteCount(path) == expected)
        }
        #expect(try FileSystem.read(path, limit: 10) == Array("0123456789".utf8))
    }
}
