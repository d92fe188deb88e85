/// The canonical request: "Signature Version 4 signing process" in AWS's general reference.
///
/// Hashes and codes are the caller's: this module has no cryptographic library.
public struct CanonicalRequest: Sendable {
    /// The text, whose hash is signed.
    ///
    /// It is no longer than the request's head, because the names ascend.
    public let text: String

    /// Creates the canonical form of a request; `nil` if one of the headers is missing.
    ///
    /// - Parameters:
    ///   - names: The names of the signed headers, in lower case and in ascending order.
    ///   - bodyHash: The SHA-256 of the body, in hexadecimal digits.
    ///   - method: The method.
    ///   - path: The path in its canonical form.
    ///   - query: The query in its canonical form.
    ///   - values: Returns the values of all headers with a name, in the request's order.
    public init?(
        signing names: [String], bodyHash: String, method: String = "POST", path: String = "/",
        query: String = "", values: (_ name: String) -> [String]
    ) {
        var text = "\(method)\n\(path)\n\(query)\n"
        for name in names {
            let found = values(name).map(Self.trimmed)
            guard !found.isEmpty else { return nil }
            text += "\(name):\(found.joined(separator: ","))\n"
        }
        self.text = text + "\n\(names.joined(separator: ";"))\n\(bodyHash)"
    }

    /// The value without spaces at its ends, and with single spaces between words.
    private static func trimmed(_ value: String) -> String {
        let words = value.utf8.split(separator: UInt8(ascii: " "))
        return words.count == 1 && words[0].count == value.utf8.count
            ? value : words.map { String(Substring($0)) }.joined(separator: " ")
    }

    /// The string that a signature of a request signs.
    ///
    /// - Parameters:
    ///   - hash: The SHA-256 of the canonical request, in hexadecimal digits.
    ///   - date: The date of the request, as in its header.
    ///   - scope: What the signature is valid for.
    /// - Returns: The string.
    public static func stringToSign(
        hash: String, date: String, scope: CredentialScope
    ) -> String {
        "\(AuthorizationHeader.algorithm)\n\(date)\n\(scope.text)\n\(hash)"
    }

    /// Bytes in hexadecimal digits.
    public static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
