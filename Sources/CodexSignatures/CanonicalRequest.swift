/// The canonical request: "Signature Version 4 signing process" in AWS's general reference.
///
/// Hashes and codes are the caller's: this module has no cryptographic library.
public struct CanonicalRequest: Sendable {
    /// The bytes of the text, whose hash is signed.
    ///
    /// They are no more than those of the request's head, because the names ascend.
    public let bytes: [UInt8]

    /// The text, whose hash is signed.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Creates the canonical form of a request; `nil` if one of the headers is missing.
    ///
    /// - Parameters:
    ///   - headers: The request's headers, in their order.
    ///   - names: The names of the signed headers, in lower case and in ascending order.
    ///   - bodyHash: The SHA-256 of the body, in hexadecimal digits.
    ///   - method: The method.
    ///   - path: The path in its canonical form.
    ///   - query: The query in its canonical form.
    @inlinable
    public init?(
        _ headers: some Collection<(name: String, value: String)>, signing names: [String],
        bodyHash: String, method: String = "POST", path: String = "/", query: String = ""
    ) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(1024)
        for part in [method, path, query] {
            bytes.append(contentsOf: part.utf8)
            bytes.append(UInt8(ascii: "\n"))
        }
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
        self.init(bytes)
    }

    @usableFromInline
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Appends a value without spaces at its ends, and with single spaces between words.
    @usableFromInline
    static func append(_ value: String, to bytes: inout [UInt8]) {
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

    /// The bytes of the string that a signature of a request signs.
    ///
    /// - Parameters:
    ///   - hash: The SHA-256 of the canonical request.
    ///   - date: The date of the request, as in its header.
    ///   - scope: What the signature is valid for.
    /// - Returns: The bytes.
    @inlinable
    public static func stringToSign(
        hash: some Sequence<UInt8>, date: String, scope: CredentialScope
    ) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(192)
        for part in [AuthorizationHeader.algorithm, date, scope.text] {
            text.append(contentsOf: part.utf8)
            text.append(UInt8(ascii: "\n"))
        }
        appendDigits(of: hash, to: &text)
        return text
    }

    /// Bytes in hexadecimal digits.
    @inlinable
    public static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(64)
        appendDigits(of: bytes, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    @inlinable
    static func appendDigits(of bytes: some Sequence<UInt8>, to text: inout [UInt8]) {
        for byte in bytes {
            text.append(digit(byte >> 4))
            text.append(digit(byte & 15))
        }
    }

    @usableFromInline
    static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

extension String {
    /// Whether the text is the name of a header in any case of letters.
    ///
    /// - Parameter name: The name, in ASCII without capital letters.
    /// - Returns: Whether the names are equal.
    public func isHeaderName(_ name: String) -> Bool {
        utf8.count == name.utf8.count
            && zip(utf8, name.utf8).allSatisfy { Self.lowercased($0) == $1 }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
    }
}
