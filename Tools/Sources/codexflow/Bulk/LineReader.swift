import CodexCore

/// A file, plain or gzip, or standard input, line by line, in memory bounded by the longest line.
struct LineReader {
    private let file: GzipReader
    private var buffer: [UInt8] = []
    private var position = 0
    private var isAtEnd = false

    /// The number of the line that was read last, from 1.
    private(set) var number = 0

    /// Opens a file; `-` is standard input.
    init(_ path: String) throws(CodexError) { file = try GzipReader(path) }

    /// The next line that is not blank, without its end, or `nil`.
    ///
    /// - Throws: As ``GzipReader/read(appendingTo:)``. A line that the file's damage cut off is not
    ///   returned.
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
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
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

    private func trimmed(_ line: ArraySlice<UInt8>) -> [UInt8] {
        Array(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
    }
}
