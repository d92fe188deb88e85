import CodexCore
import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// Keys that are sorted while they are added, in memory and with files.
@Suite("Sorting keys")
struct KeySorterTests {
    /// Sorts keys, and returns all of them.
    private func sort(_ keys: [[UInt8]], byteCountMax: Int) throws -> [[UInt8]] {
        let path = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var sorter = KeySorter(directory: try Directory(path), byteCountMax: byteCountMax)
        for key in keys { try sorter.add(key) }
        var sorted = try sorter.sorted()
        var result: [[UInt8]] = []
        while let key = try sorted.next() { result.append(key) }
        return result
    }

    private func ordered(_ keys: [[UInt8]]) -> [[UInt8]] {
        keys.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private static let chunk = KeySorter.chunkCount

    @Test(
        "Keys come out in order, for each number of keys, order and size of memory",
        arguments: [0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk + 5], [1 << 30, 100_000, 1])
    func order(count: Int, byteCountMax: Int) throws {
        // Each key is a file if there is no memory.
        let count = byteCountMax == 1 ? min(count, 20) : count
        var random = SplitMix(seed: UInt64(count))
        let keys = (0..<count).map { _ in
            (0..<random.below(12)).map { _ in UInt8(random.below(4)) }
        }
        let expected = ordered(keys)
        #expect(try sort(keys, byteCountMax: byteCountMax) == expected)
        #expect(try sort(expected, byteCountMax: byteCountMax) == expected)
        #expect(try sort(expected.reversed(), byteCountMax: byteCountMax) == expected)
    }
}
