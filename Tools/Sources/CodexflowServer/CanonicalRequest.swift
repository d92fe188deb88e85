#if Server
    import Crypto
    import Foundation
    import NIOHTTP1

    /// What a signature signs: "Signature Version 4 signing process" in AWS's general reference.
    package struct CanonicalRequest {
        /// The text, whose hash is signed.
        ///
        /// It is no longer than the request's head, and each of its headers is looked at once.
        package let text: String

        /// Makes the canonical form of a POST to `/`; `nil` if one of the headers is missing.
        ///
        /// - Parameters:
        ///   - headers: The request's headers.
        ///   - names: Those that are signed, in ascending order.
        ///   - bodyHash: The SHA-256 of the body, in hexadecimal digits.
        package init?(_ headers: HTTPHeaders, signing names: [String], bodyHash: String) {
            let signed = Set(names)
            var values: [String: [String]] = [:]
            for (name, value) in headers {
                let name = name.lowercased()
                if signed.contains(name) {
                    values[name, default: []].append(Self.trimmed(value))
                }
            }
            var text = "POST\n/\n\n"
            for name in names {
                guard let value = values[name] else { return nil }
                text += "\(name):\(value.joined(separator: ","))\n"
            }
            self.text = text + "\n\(names.joined(separator: ";"))\n\(bodyHash)"
        }

        /// Without spaces at the ends, and with single ones between words.
        private static func trimmed(_ value: String) -> String {
            let words = value.utf8.split(separator: UInt8(ascii: " "))
            return words.count == 1 && words[0].count == value.utf8.count
                ? value : words.map { String(Substring($0)) }.joined(separator: " ")
        }

        /// What the signature of a header is made of.
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
