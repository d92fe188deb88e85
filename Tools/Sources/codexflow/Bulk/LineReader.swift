import CodexCore

/// Reads a file (plain or gzip) or standard input line by line; its memory is bounded by the
/// longest line.
struct LineReader {
    private let file: GzipReader
    private var buffer: [UInt8] = []
    private var position = 0
    private var isAtEnd = false

    private let lineByteCountMax: Int

    /// The number of the last line that was read, from 1.
    private(set) var number = 0

    /// Opens a file; `-` is standard input.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - lineByteCountMax: The most bytes of a line. The JSON of the largest item has some seven
    ///     times as many bytes as the item.
    /// - Throws: The errors of opening the file.
    init(_ path: String, lineByteCountMax: Int = 16 << 20) throws(CodexError) {
        file = try GzipReader(path)
        self.lineByteCountMax = lineByteCountMax
    }

    /// The next line that is not blank, without its line feed; `nil` at the end.
    ///
    /// - Throws: As ``GzipReader/read(appendingTo:)``. If the file's damage cuts a line off, that
    ///   line is not returned. ``CodexError/Code/invalidJSON`` for a line that is too long.
    mutating func next() throws(CodexError) -> [UInt8]? {
        while let line = try nextLine() {
            if !line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) {
                return line
            }
        }
        return nil
    }

    private mutating func nextLine() throws(CodexError) -> [UInt8]? {
        var searched = position
        while true {
            let found = buffer[searched...].firstIndex(of: UInt8(ascii: "\n"))
            guard (found ?? buffer.count) - position <= lineByteCountMax else { throw tooLong }
            if let end = found {
                defer { position = end + 1 }
                number += 1
                return trimmed(buffer[position..<end])
            }
            if isAtEnd {
                guard position < buffer.count else { return nil }
                defer { position = buffer.count }
                number += 1
                return trimmed(buffer[position...])
            }
            buffer.removeFirst(position)
            position = 0
            searched = buffer.count
            isAtEnd = !(try file.read(appendingTo: &buffer))
        }
    }

    private var tooLong: CodexError {
        CodexError(
            .invalidJSON,
            "Line \(number + 1) has more than \(lineByteCountMax) bytes, which no item has. "
                + "Name a file of JSON lines.")
    }

    private func trimmed(_ line: ArraySlice<UInt8>) -> [UInt8] {
        Array(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
    }
}
