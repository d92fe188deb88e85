/// The content of an `Authorization` header of Signature Version 4.
///
/// A server reads it before it knows anything of its sender. Its length is therefore bounded,
/// and the names of signed headers must ascend. Each name occurs once, so that the signed text
/// is not longer than the request.
public struct AuthorizationHeader: Sendable, Hashable {
    /// The identifier of the access key.
    public let accessKeyID: String
    /// What the signature is valid for.
    public let scope: CredentialScope
    /// The names of the signed headers, in ascending order.
    public let signedHeaders: [String]
    /// The signature's 32 bytes.
    public let signature: [UInt8]

    /// The name of the algorithm, with which the header begins.
    public static let algorithm = "AWS4-HMAC-SHA256"
    /// The most bytes of a header that is read.
    public static let byteCountMax = 4096
    /// The most signed headers.
    public static let signedHeaderCountMax = 64
    /// The most bytes of an access key's identifier: the limit of AWS's identifiers.
    public static let accessKeyIDByteCountMax = 128

    /// The beginnings of the three fields, which may stand in any order.
    private static let beginnings = (
        credential: "Credential=", signedHeaders: "SignedHeaders=", signature: "Signature="
    )

    /// Parses a header; `nil` if it is incomplete, out of bounds or out of order.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.byteCountMax else { return nil }
        let bytes = Array(text.utf8)
        guard let fields = Self.value(of: Self.algorithm, in: bytes[...]),
            fields.first == UInt8(ascii: " "),
            let parts = Self.fields(fields), let credential = Self.credential(parts.credential),
            let headers = Self.signedHeaders(parts.signedHeaders),
            let signature = Self.signature(parts.signature)
        else { return nil }
        (accessKeyID, scope) = credential
        (signedHeaders, self.signature) = (headers, signature)
    }

    /// The name of the header with the date.
    public var dateHeader: String { signedHeaders.contains("x-amz-date") ? "x-amz-date" : "date" }

    /// Whether the text can be a region in a header.
    public static func isRegion(_ text: String) -> Bool {
        isRegion(text.utf8)
    }

    private static func isRegion(_ bytes: some Collection<UInt8>) -> Bool {
        (1...64).contains(bytes.count) && bytes.allSatisfy(isNameByte)
    }

    /// Whether the text can be an access key in a header: visible ASCII without a slash or a
    /// comma.
    public static func isAccessKeyID(_ text: String) -> Bool {
        (1...accessKeyIDByteCountMax).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ",")
            }
    }

    // MARK: Parts

    /// The values of the three fields; `nil` unless each is there once, and nothing else.
    private static func fields(
        _ bytes: ArraySlice<UInt8>
    ) -> (
        credential: ArraySlice<UInt8>, signedHeaders: ArraySlice<UInt8>,
        signature: ArraySlice<UInt8>
    )? {
        let parts = bytes.split(
            separator: UInt8(ascii: ","), maxSplits: 3, omittingEmptySubsequences: false
        ).map { part in part.drop { $0 == UInt8(ascii: " ") } }
        func value(of beginning: String) -> ArraySlice<UInt8>? {
            for part in parts {
                if let value = Self.value(of: beginning, in: part) { return value }
            }
            return nil
        }
        // Three fields in three parts: none of them is there twice.
        guard parts.count == 3, let credential = value(of: beginnings.credential),
            let signedHeaders = value(of: beginnings.signedHeaders),
            let signature = value(of: beginnings.signature)
        else { return nil }
        return (credential, signedHeaders, signature)
    }

    /// The bytes after `beginning`; `nil` if the bytes do not begin with it.
    private static func value(
        of beginning: String, in bytes: ArraySlice<UInt8>
    ) -> ArraySlice<UInt8>? {
        guard bytes.starts(with: beginning.utf8) else { return nil }
        return bytes.dropFirst(beginning.utf8.count)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self)
    }

    private static func credential(
        _ bytes: ArraySlice<UInt8>
    ) -> (id: String, scope: CredentialScope)? {
        let parts = bytes.split(
            separator: UInt8(ascii: "/"), maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 5, parts[4].elementsEqual(CredentialScope.end.utf8), !parts[0].isEmpty,
            parts[1].count == 8, parts[1].allSatisfy(isDigit), isRegion(parts[2])
        else { return nil }
        let service = text(parts[3])
        // DynamoDB's clients sign for one service, or for the service of its streams.
        guard service == "dynamodb" || service == "dynamodbstreams" else { return nil }
        let scope = CredentialScope(
            day: text(parts[1]), region: text(parts[2]), service: service,
            text: text(bytes[parts[1].startIndex...]))
        return (text(parts[0]), scope)
    }

    private static func signedHeaders(_ bytes: ArraySlice<UInt8>) -> [String]? {
        let parts = bytes.split(
            separator: UInt8(ascii: ";"), maxSplits: signedHeaderCountMax,
            omittingEmptySubsequences: false)
        guard parts.count <= signedHeaderCountMax,
            parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isNameByte) }),
            zip(parts, parts.dropFirst()).allSatisfy({ $0.lexicographicallyPrecedes($1) })
        else { return nil }
        let names = parts.map(text)
        guard names.contains("host"), names.contains("x-amz-target"),
            names.contains("x-amz-date") || names.contains("date")
        else { return nil }
        return names
    }

    private static func signature(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        guard bytes.count == 64 else { return nil }
        var signature: [UInt8] = []
        signature.reserveCapacity(32)
        for place in stride(from: bytes.startIndex, to: bytes.endIndex, by: 2) {
            guard let high = digit(bytes[place]), let low = digit(bytes[place + 1]) else {
                return nil
            }
            signature.append(high << 4 | low)
        }
        return signature
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte - UInt8(ascii: "0") }
        let letter = byte &- UInt8(ascii: "a")
        return letter < 6 ? letter + 10 : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    /// Whether a byte may occur in the name of a region or header.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || isDigit(byte)
            || byte &- UInt8(ascii: "a") < 26
    }
}
