internal import Foundation

/// The content of a file: blocks, and zeros where there is none.
struct DiskImage: Sendable {
    private static let blockByteCount = 1 << 16
    private static let zeros = Data(count: blockByteCount)

    private var blocks: [Int: Data] = [:]
    /// The file's length. What is behind it is zeros.
    private(set) var byteCount = 0

    /// An empty file.
    init() {}

    /// A file with bytes.
    init(_ bytes: Data) {
        for start in stride(from: 0, to: bytes.count, by: Self.blockByteCount) {
            let end = min(start + Self.blockByteCount, bytes.count)
            let part = bytes[bytes.startIndex + start..<bytes.startIndex + end]
            guard part != Self.zeros.prefix(end - start) else { continue }
            write(part, at: start)
        }
        byteCount = bytes.count
    }

    /// All bytes.
    var bytes: Data {
        var bytes = Data(count: byteCount)
        forEachBlock { offset, part in
            bytes.replaceSubrange(offset..<offset + part.count, with: part)
        }
        return bytes
    }

    /// Visits the blocks that are not all zeros, in order, as far as the file goes.
    func forEachBlock(_ body: (_ offset: Int, _ bytes: Data) throws -> Void) rethrows {
        for (index, block) in blocks.sorted(by: { $0.key < $1.key }) {
            let offset = index * Self.blockByteCount
            guard offset < byteCount else { break }
            try body(offset, block.prefix(byteCount - offset))
        }
    }

    /// Writes bytes; the length stays.
    mutating func write(_ bytes: Data, at offset: Int) {
        var (rest, place) = (bytes, offset)
        while !rest.isEmpty {
            let start = place % Self.blockByteCount
            let count = min(rest.count, Self.blockByteCount - start)
            blocks[place / Self.blockByteCount, default: Self.zeros]
                .replaceSubrange(start..<start + count, with: rest.prefix(count))
            rest = rest.dropFirst(count)
            place += count
        }
    }

    /// Writes zeros; the length stays.
    mutating func clear(_ range: Range<Int>) {
        var place = range.lowerBound
        while place < range.upperBound {
            let start = place % Self.blockByteCount
            let count = min(range.upperBound - place, Self.blockByteCount - start)
            blocks[place / Self.blockByteCount]?.resetBytes(in: start..<start + count)
            place += count
        }
    }

    /// Writes zeros from an offset to the end of all blocks; the length stays.
    mutating func clear(from offset: Int) {
        let index = offset / Self.blockByteCount
        for later in Array(blocks.keys) where later > index { blocks[later] = nil }
        clear(offset..<(index + 1) * Self.blockByteCount)
    }

    /// Sets the length.
    mutating func setByteCount(_ count: Int) {
        if count < byteCount { clear(from: count) }
        byteCount = count
    }
}
