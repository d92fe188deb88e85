// The text of numbers in keys. It is a stored form: it does not change between versions.

extension KeyTemplate {
    /// The number of digits to which whole numbers are padded.
    package static let numberWidth = 10

    /// The number of digits that count the digits before the point of a large number.
    private static let countWidth = 3

    /// The text of a number in a key.
    ///
    /// Texts sort by their bytes in the order of the numbers, also before a `#` that follows. A
    /// text has no `#`.
    ///
    /// - From 0, with at most ten digits before the point: these digits, padded to ten with zeros.
    ///   If there is a fraction, a point and its digits follow. 7 is `0000000007`, and 7.25 is
    ///   `0000000007.25`.
    /// - Larger numbers: a colon, the number of digits before the point as three digits, then all
    ///   digits without the point and without zeros at the end. 12,000,000,000 is `:01112`.
    /// - Negative numbers: a minus sign, the text of the number without its sign, and a tilde. In
    ///   that text, 9 is written for 0, 8 for 1, and so on, and a plus sign for the colon. -7 is
    ///   `-9999999992~`.
    ///
    /// - Parameter number: Any number.
    /// - Returns: The text, of 5 to 180 bytes.
    /// - Complexity: O(*n*) for *n* bytes of the text.
    public static func text(of number: Number) -> String {
        if let value = number.int64, (0..<10_000_000_000).contains(value) {
            return zeroPadded(value)
        }
        var digits = Array(String(number.magnitude).utf8)
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        // Zero was handled above, so there are digits, and the exponent has a meaning.
        let wholeCount = number.leadingExponent + 1
        var text: [UInt8] = []
        if wholeCount > numberWidth {
            text.append(UInt8(ascii: ":"))
            append(zeros: countWidth - String(wholeCount).utf8.count, to: &text)
            text += String(wholeCount).utf8
            text += digits
        } else {
            let shownCount = max(wholeCount, 0)
            append(zeros: numberWidth - shownCount, to: &text)
            text += digits.prefix(shownCount)
            append(zeros: shownCount - digits.count, to: &text)
            if digits.count > shownCount {
                text.append(UInt8(ascii: "."))
                append(zeros: -wholeCount, to: &text)
                text += digits.dropFirst(shownCount)
            }
        }
        guard number.isNegative else { return String(decoding: text, as: UTF8.self) }
        let complement = text.map { opposite($0) ?? $0 }
        return "-" + String(decoding: complement, as: UTF8.self) + "~"
    }

    /// The number that a text in a key names; `nil` if ``text(of:)`` writes no such text.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    public static func number(from text: String) -> Number? {
        var bytes = Array(text.utf8)
        let isNegative = bytes.first == UInt8(ascii: "-")
        if isNegative {
            guard bytes.count > 2, bytes.last == UInt8(ascii: "~") else { return nil }
            bytes = bytes.dropFirst().dropLast().map { opposite($0) ?? 0 }
        }
        if bytes.first == UInt8(ascii: ":") {
            let head = bytes.dropFirst().prefix(countWidth)
            guard let count = Int(String(decoding: head, as: UTF8.self)) else { return nil }
            let digits = bytes.dropFirst(1 + countWidth)
            bytes = Array(digits) + Array("e\(count - digits.count)".utf8)
        }
        guard let size = try? Number(parsing: String(decoding: bytes, as: UTF8.self)) else {
            return nil
        }
        let number = isNegative ? size.negated : size
        return self.text(of: number) == text ? number : nil
    }

    /// A non-negative integer padded to ten digits.
    ///
    /// ``text(of:)`` writes any number.
    ///
    /// - Throws: ``CodexError/Code/invalidIdentifier`` for a negative number, or one with more
    ///   digits.
    public static func padded(_ value: some BinaryInteger) throws(CodexError) -> String {
        guard let small = Int64(exactly: value), (0..<10_000_000_000).contains(small) else {
            throw CodexError(
                .invalidIdentifier,
                "A padded number has 0 to \(numberWidth) digits and no sign. "
                    + "KeyTemplate.text(of:) writes others.")
        }
        return zeroPadded(small)
    }

    private static func zeroPadded(_ value: Int64) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, numberWidth - digits.utf8.count)) + digits
    }

    private static func append(zeros count: Int, to text: inout [UInt8]) {
        if count > 0 { text += [UInt8](repeating: UInt8(ascii: "0"), count: count) }
    }

    /// The byte that stands for another one in the text of a negative number; `nil` if none does.
    private static func opposite(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt8(ascii: "0") + (UInt8(ascii: "9") - byte)
        case UInt8(ascii: ":"): UInt8(ascii: "+")
        case UInt8(ascii: "+"): UInt8(ascii: ":")
        case UInt8(ascii: "."): byte
        default: nil
        }
    }
}
