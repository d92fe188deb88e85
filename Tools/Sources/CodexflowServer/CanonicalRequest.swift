#if Server
    import Crypto
    import Foundation
    import NIOHTTP1

    /// The canonical request: "Signature Version 4 signing process" in AWS's general reference.
    package struct CanonicalRequest {
        /// The text, whose hash is signed.
        ///
        /// It is no longer than the request's head, because the names ascend.
        package let text: String

        /// Creates the canonical form of a POST to `/`; `nil` if one of the headers is missing.
        ///
        /// - Parameters:
        ///   - headers: The request's headers.
        ///   - names: The names of the signed headers, in ascending order.
        ///   - bodyHash: The SHA-256 of the body, in hexadecimal digits.
        package init?(_ headers: HTTPHeaders, signing names: [String], bodyHash: String) {
            var text = "POST\n/\n\n"
            for name in names {
                let values = headers[name].map(Self.trimmed)
                guard !values.isEmpty else { return nil }
                text += "\(name):\(values.joined(separator: ","))\n"
            }
            self.text = text + "\n\(names.joined(separator: ";"))\n\(bodyHash)"
        }

        /// The value without spaces at its ends, and with single spaces between words.
        private static func trimmed(_ value: String) -> String {
            let words = value.utf8.split(separator: UInt8(ascii: " "))
            return words.count == 1 && words[0].count == value.utf8.count
                ? value : words.map { String(Substring($0)) }.joined(separator: " ")
        }

        /// The string that a signature of the request signs.
        func stringToSign(_ authorization: AuthorizationHeader, date: String) -> String {
            "\(AuthorizationHeader.algorithm)\n\(date)\n\(authorization.scope)\n"
                + Self.hexadecimal(SHA256.hash(data: Data(text.utf8)))
        }

        static func hexadecimal(_ digest: SHA256.Digest) -> String {
            let digits = Array("0123456789abcdef".utf8)
            var text: [UInt8] = []
            text.reserveCapacity(64)
            for byte in digest {
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
            return String(decoding: text, as: UTF8.self)
        }
    }
#endif
