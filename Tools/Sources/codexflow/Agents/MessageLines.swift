/// Splits a stream of bytes into the lines of messages; its memory is bounded.
struct MessageLines: Sendable {
    /// A line without its line feed.
    enum Line: Sendable, Equatable {
        case message([UInt8])
        /// A line over ``MessageLines/byteCountMax``, of which nothing was kept.
        case tooLong
    }

    /// Most bytes of a line: 1 MiB.
    static let byteCountMax = 1 << 20

    private var buffer: [UInt8] = []
    /// Where the next line begins.
    private var start = 0
    /// The bytes from ``start`` on that have no line feed.
    private var searchedCount = 0
    /// Whether the beginning of the present line was thrown away.
    private var isTooLong = false

    /// Takes the next bytes of the stream.
    mutating func add(_ bytes: some Collection<UInt8>) {
        buffer.removeFirst(start)
        start = 0
        buffer += bytes
    }

    /// The next whole line that is not blank; `nil` if more bytes are needed.
    mutating func next() -> Line? {
        while let end = buffer[(start + searchedCount)...].firstIndex(of: UInt8(ascii: "\n")) {
            let found = line(upTo: end)
            start = end + 1
            if let found { return found }
        }
        searchedCount = buffer.count - start
        if searchedCount > Self.byteCountMax {
            isTooLong = true
            buffer = []
            (start, searchedCount) = (0, 0)
        }
        return nil
    }

    /// The last line, if the stream ended without a line feed.
    mutating func end() -> Line? {
        defer { (buffer, start, searchedCount) = ([], 0, 0) }
        return line(upTo: buffer.count)
    }

    /// The line from ``start`` up to an index; `nil` if it is blank.
    private mutating func line(upTo end: Int) -> Line? {
        defer { (isTooLong, searchedCount) = (false, 0) }
        guard !isTooLong, end - start <= Self.byteCountMax else { return .tooLong }
        let line = buffer[start..<end]
        let isBlank = line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
        return isBlank ? nil : .message(Array(line))
    }
}
