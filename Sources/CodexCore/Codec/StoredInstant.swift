/// Text in the long form of ``Timestamp``, stored as a number: six bytes instead of 24.
///
/// ```
/// u48     milliseconds since 0000-01-01T00:00:00.000Z, little-endian
/// ```
///
/// Each number is that of one text, and each text of the form has one number. The numbers end with
/// `8919-08-03T05:31:50.655Z`; text of later instants is stored as text.
@usableFromInline
package struct StoredInstant {
    /// The milliseconds since the year 0000 began.
    private let milliseconds: UInt64

    /// The number of bytes after the tag.
    private static let byteCount = 6

    /// The tag of the value, ``ValueCodec/Tag/instant``.
    @inlinable package static var tag: UInt8 { 15 }

    /// The number of a text; `nil` for text that stays text.
    @inline(__always)
    init?(_ text: String) {
        guard text.utf8.count == InstantText.byteCount else { return nil }
        self.init(ofLongForm: text)
    }

    @inline(never)
    private init?(ofLongForm text: String) {
        var text = text
        let number = text.withUTF8 { unsafe InstantText.milliseconds(Span(_unsafeElements: $0)) }
        guard let number else { return nil }
        // No text is of an instant before the first one.
        let sinceFirst = UInt64(number - InstantText.firstMillisecond)
        guard sinceFirst >> (8 * Self.byteCount) == 0 else { return nil }
        milliseconds = sinceFirst
    }

    /// Reads the number in `bytes[start..<end]`, after the tag.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` for another number of bytes.
    @inline(__always)
    init(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) throws(CodexError) {
        let content = bytes.extracting(start..<end)
        guard content.count == Self.byteCount else { throw Self.wrongLength }
        var number: UInt64 = 0
        for place in 0..<Self.byteCount {
            number |= UInt64(content[place]) &<< UInt64(8 * place)
        }
        milliseconds = number
    }

    @inline(never)
    private static var wrongLength: CodexError { Wire.corrupted("the length of an instant") }

    /// Appends the number, without the tag.
    func append(to bytes: inout [UInt8]) {
        for place in 0..<Self.byteCount {
            bytes.append(UInt8(truncatingIfNeeded: milliseconds &>> UInt64(8 * place)))
        }
    }

    /// The instant, in milliseconds since 1970.
    var millisecondsSince1970: Int64 {
        Int64(bitPattern: milliseconds) &+ InstantText.firstMillisecond
    }

    /// The text.
    var text: InstantText { InstantText(millisecondsSince1970: millisecondsSince1970) }

    /// Passes the text of the instant in `bytes[start..<end]` to `body`.
    ///
    /// - Throws: ``CodexError/Code/corrupted``, and the errors of `body`.
    @usableFromInline
    static func withText(
        _ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ body: (Span<UInt8>) throws -> Void
    ) throws {
        try StoredInstant(bytes, start, end).text.withBytes(body)
    }
}
