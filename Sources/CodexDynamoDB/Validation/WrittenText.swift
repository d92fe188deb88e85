/// What constraints ask about a text in a request.
///
/// It is found in one pass over the bytes, without a copy, unless the text has escapes.
struct WrittenText {
    /// The bytes of the text as it was written, between its quotes.
    let range: Range<Int>
    /// The length as AWS counts it: in UTF-16 units, as Java does.
    let unitCount: Int
    /// Whether it could be the name of a table or index, apart from its length.
    let isName: Bool
    /// The text without its escapes; `nil` if it has none.
    let decoded: String?
    /// Whether it begins as an ARN does.
    let isARN: Bool

    /// The most bytes of a text with escapes; a longer one is neither a name nor a word.
    private static let decodedByteCountMax = 64 << 10

    init(_ range: Range<Int>, in cursor: JSONCursor) {
        self.range = range
        var (unitCount, isName, hasEscape) = (0, !range.isEmpty, false)
        var position = range.lowerBound
        while position < range.upperBound {
            let byte = cursor[position]
            // A scalar of four bytes is two units. Its bytes after the first one count nothing.
            unitCount += byte & 0xC0 == 0x80 ? 0 : byte >= 0xF0 ? 2 : 1
            if byte == UInt8(ascii: "\\") {
                hasEscape = true
                position += cursor[position + 1] == UInt8(ascii: "u") ? 6 : 2
            } else {
                isName = isName && TableReference.isNameByte(byte)
                position += 1
            }
        }
        self.unitCount = unitCount
        guard hasEscape else {
            (self.isName, decoded) = (isName, nil)
            isARN = Self.beginsAsARN(range, in: cursor)
            return
        }
        var quote = cursor.moved(to: range.lowerBound - 1)
        let text = quote.string(byteCountMax: Self.decodedByteCountMax) ?? ""
        self.isName = !text.isEmpty && text.utf8.allSatisfy(TableReference.isNameByte)
        decoded = text
        isARN = text.hasPrefix(TableReference.prefix)
    }

    private static func beginsAsARN(_ range: Range<Int>, in cursor: JSONCursor) -> Bool {
        range.count >= 4 && cursor[range.lowerBound] == UInt8(ascii: "a")
            && cursor[range.lowerBound + 1] == UInt8(ascii: "r")
            && cursor[range.lowerBound + 2] == UInt8(ascii: "n")
            && cursor[range.lowerBound + 3] == UInt8(ascii: ":")
    }
}
