import Testing

@testable import codexflow

/// The lines of a stream of messages.
@Suite("codexflow mcp, lines")
struct AgentLineTests {
    /// The lines of pieces of a stream.
    private func lines(_ pieces: [[UInt8]]) -> [MessageLines.Line] {
        var lines = MessageLines()
        var found: [MessageLines.Line] = []
        for piece in pieces {
            lines.add(piece)
            while let line = lines.next() { found.append(line) }
        }
        if let line = lines.end() { found.append(line) }
        return found
    }

    private func message(_ text: String) -> MessageLines.Line { .message(Array(text.utf8)) }

    @Test("Lines are the same in pieces of any size")
    func pieces() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let text = "first\n\n  \r\n{\"a\": 1}\r\nlast without an end"
        let expected = [message("first"), message("{\"a\": 1}\r"), message("last without an end")]
        for _ in 0..<500 {
            var rest = Array(text.utf8)[...]
            var pieces: [[UInt8]] = []
            while !rest.isEmpty {
                let count = 1 + random.below(12)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect(lines(pieces) == expected, "seed \(seed)")
        }
    }

    @Test("A line has 1 MiB at most, and the next line is read after a longer one")
    func limits() {
        for more in [-1, 0, 1, 70_000] {
            let long = [UInt8](repeating: 0x61, count: MessageLines.byteCountMax + more)
            let end = Array("\nnext\n".utf8)
            let expected = more > 0 ? MessageLines.Line.tooLong : .message(long)
            #expect(lines([long + end]) == [expected, message("next")])
            #expect(lines([long, end]) == [expected, message("next")])
            #expect(lines([long, long, end]) == [.tooLong, message("next")])
            #expect(lines([long]) == [expected])
        }
    }

    @Test("A stream without lines has none")
    func empty() {
        #expect(lines([]).isEmpty)
        #expect(lines([[], Array("\n \n\t".utf8)]).isEmpty)
    }
}
