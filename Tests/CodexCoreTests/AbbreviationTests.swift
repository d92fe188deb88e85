import CodexCore
import Testing

/// Texts as messages quote them.
@Suite("Abbreviations")
struct AbbreviationTests {
    @Test("A text is cut past its limit, and not before", arguments: [9, 10, 11])
    func limit(count: Int) {
        let text = String(repeating: "x", count: count)
        let expected = count > 10 ? "xxxxxxxxxx…" : text
        #expect(text.abbreviated(byteCount: 10) == expected)
    }

    @Test("A text is cut between two scalars", arguments: 0...12)
    func scalars(byteCount: Int) {
        // One byte, two, three and four.
        let text = "aé€😀b"
        let cut = text.abbreviated(byteCount: byteCount)
        let count = [0, 1, 3, 6, 10, 11].last { $0 <= byteCount } ?? 0
        let start = String(decoding: text.utf8.prefix(count), as: UTF8.self)
        #expect(cut == (byteCount < 11 ? start + "…" : text))
    }

    @Test("A character of many scalars does not pass as one")
    func combined() {
        let text = "e" + String(repeating: "\u{301}", count: 100_000)
        #expect(text.count == 1 && text.abbreviated().utf8.count <= 255 + "…".utf8.count)
        #expect(DocumentPath(text).abbreviated == text.abbreviated())
    }
}
