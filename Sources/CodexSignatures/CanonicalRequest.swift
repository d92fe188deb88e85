/// The canonical request: "Signature Version 4 signing process" in AWS's general reference.
///
/// Hashes and codes are the caller's: this module has no cryptographic library.
public struct CanonicalRequest: Sendable {
    /// The text, whose hash is signed.
    ///
    /// It is no longer than the request's head. Each header is read once.
    public let text: String

    /// Creates the canonical form of a request; `nil` if one of the headers is missing.
    ///
    /// - Parameters:
    ///   - headers: The request's headers.
    ///   - names: The names of the signed headers, in ascending order.
    ///   - bodyHash: The SHA-256 of the body, in hexadecimal digits.
    ///   - method: The method.
    ///   - path: The path in its canonical form.
    ///   - query: The query in its canonical form.
    public init?(
        _ headers: some Sequence<(name: String, value: String)>, signing names: [String],
        bodyHash: String, method: String = "POST", path: String = "/", query: String = ""
    ) {
        let signed = Set(names)
        var values: [String: [String]] = [:]
        for (name, value) in headers {
            let name = name.lowercased()
            if signed.contains(name) {
                values[name, default: []].append(Self.trimmed(value))
            }
        }
        var text = "\(method)\n\(path)\n\(query)\n"
        for name in names {
            guard let value = values[name] else { return nil }
            text += "\(name):\(value.joined(separator: ","))\n"
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
