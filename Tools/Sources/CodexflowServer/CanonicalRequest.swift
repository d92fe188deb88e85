#if Server
    import Crypto
    import Foundation
    import NIOHTTP1

    /// The canonical request: "Signature Version 4 signing process" in AWS's general reference.
    package struct CanonicalRequest {
        /// The text, whose hash is signed.
        ///
        /// It is no longer than the request's head, because the names ascend.
        private let bytes: [UInt8]

        package var text: String { String(decoding: bytes, as: UTF8.self) }

        /// Creates the canonical form of a POST to `/`; `nil` if one of the headers is missing.
        ///
        /// - Parameters:
        ///   - headers: The request's headers.
        ///   - names: The names of the signed headers, in lower case and ascending order.
        ///   - bodyHash: The SHA-256 of the body, in hexadecimal digits.
        package init?(_ headers: HTTPHeaders, signing names: [String], bodyHash: String) {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(1024)
            bytes.append(contentsOf: "POST\n/\n\n".utf8)
            for name in names {
                bytes.append(contentsOf: name.utf8)
                var separator = UInt8(ascii: ":")
                for (header, value) in headers where header.isHeaderName(name) {
                    bytes.append(separator)
                    Self.append(value, to: &bytes)
                    separator = UInt8(ascii: ",")
                }
                guard separator == UInt8(ascii: ",") else { return nil }
                bytes.append(UInt8(ascii: "\n"))
            }
            var separator = UInt8(ascii: "\n")
            for name in names {
                bytes.append(separator)
                bytes.append(contentsOf: name.utf8)
                separator = UInt8(ascii: ";")
            }
            bytes.append(UInt8(ascii: "\n"))
            bytes.append(contentsOf: bodyHash.utf8)
            self.bytes = bytes
        }

        /// Appends a value without spaces at its ends, and with single spaces between words.
        private static func append(_ value: String, to bytes: inout [UInt8]) {
            let space = UInt8(ascii: " ")
            // Most values are one word.
            guard value.utf8.contains(space) else {
                return bytes.append(contentsOf: value.utf8)
            }
            var (isFirst, isAfterSpace) = (true, false)
            for byte in value.utf8 {
                if byte == space {
                    isAfterSpace = true
                    continue
                }
                if isAfterSpace, !isFirst { bytes.append(space) }
                bytes.append(byte)
                (isFirst, isAfterSpace) = (false, false)
            }
        }

        /// The bytes of the string that a signature of the request signs.
        func stringToSign(_ authorization: AuthorizationHeader, date: String) -> [UInt8] {
            var text: [UInt8] = []
            text.reserveCapacity(192)
            for part in [AuthorizationHeader.algorithm, date, authorization.scope] {
                text.append(contentsOf: part.utf8)
                text.append(UInt8(ascii: "\n"))
            }
            text.append(contentsOf: Self.hexadecimal(SHA256.hash(data: bytes)).utf8)
            return text
        }

        static func hexadecimal(_ digest: SHA256.Digest) -> String {
            String(unsafeUninitializedCapacity: 2 * SHA256.Digest.byteCount) { text in
                var position = 0
                for byte in digest {
                    text[position] = digit(byte >> 4)
                    text[position + 1] = digit(byte & 15)
                    position += 2
                }
                return position
            }
        }

        private static func digit(_ value: UInt8) -> UInt8 {
            value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
        }
    }
#endif
