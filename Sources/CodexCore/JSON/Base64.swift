internal import FoundationEssentials

/// RFC 4648 base64, by Foundation.
package enum Base64 {
    package static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    package static func decode(_ text: String) throws(CodexError) -> [UInt8] {
        guard let data = Data(base64Encoded: text) else {
            throw CodexError(.invalidJSON, "A binary value is not base64.")
        }
        return Array(data)
    }

    /// The URL-safe alphabet without padding.
    package static func encodeURL(_ bytes: [UInt8]) -> String {
        var text = Array(encode(bytes).utf8)
        while text.last == UInt8(ascii: "=") { text.removeLast() }
        for position in text.indices {
            switch text[position] {
            case UInt8(ascii: "+"): text[position] = UInt8(ascii: "-")
            case UInt8(ascii: "/"): text[position] = UInt8(ascii: "_")
            default: continue
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads ``encodeURL(_:)``'s form; `nil` for anything else.
    package static func decodeURL(_ text: String) -> [UInt8]? {
        guard text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "/") }) else {
            return nil
        }
        let standard = String(
            decoding: text.utf8.map { digit in
                switch digit {
                case UInt8(ascii: "-"): UInt8(ascii: "+")
                case UInt8(ascii: "_"): UInt8(ascii: "/")
                default: digit
                }
            }, as: UTF8.self)
        let padding = String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        guard let bytes = Data(base64Encoded: standard + padding).map(Array.init) else {
            return nil
        }
        // The last digit may have bits that stand for nothing; only zeros there are canonical.
        return encodeURL(bytes) == text ? bytes : nil
    }
}
