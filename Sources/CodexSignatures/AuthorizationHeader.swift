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

    /// DynamoDB's clients sign for one service, or for the service of its streams.
    private static let services: Set<String> = ["dynamodb", "dynamodbstreams"]

    /// Parses a header; `nil` if it is incomplete, out of bounds or out of order.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.byteCountMax, text.hasPrefix(Self.algorithm + " "),
            let fields = Self.fields(Array(text.utf8.dropFirst(Self.algorithm.utf8.count))),
            let credential = fields["Credential"].flatMap(Self.credential),
            let headers = fields["SignedHeaders"].flatMap(Self.signedHeaders),
            let signature = fields["Signature"].flatMap(Self.signature)
        else { return nil }
        (accessKeyID, scope) = credential
        (signedHeaders, self.signature) = (headers, signature)
    }

    /// The name of the header with the date.
    public var dateHeader: String { signedHeaders.contains("x-amz-date") ? "x-amz-date" : "date" }

    /// Whether the text can be a region in a header.
    public static func isRegion(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte)
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

    /// The three fields, by name.
    private static func fields(_ bytes: [UInt8]) -> [String: ArraySlice<UInt8>]? {
        let parts = bytes.split(
            separator: UInt8(ascii: ","), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        var fields: [String: ArraySlice<UInt8>] = [:]
        for part in parts {
            let field = part.drop { $0 == UInt8(ascii: " ") }
            guard let equals = field.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            fields[text(field[..<equals])] = field[(equals + 1)...]
        }
        return fields
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self)
    }

    private static func credential(
        _ bytes: ArraySlice<UInt8>
    ) -> (id: String, scope: CredentialScope)? {
        let parts = bytes.split(
            separator: UInt8(ascii: "/"), maxSplits: 5, omittingEmptySubsequences: false
        ).map(text)
        guard parts.count == 5, parts[4] == CredentialScope.end, !parts[0].isEmpty,
            parts[1].utf8.count == 8, parts[1].utf8.allSatisfy(isDigit), isRegion(parts[2]),
            services.contains(parts[3])
        else { return nil }
        let scope = CredentialScope(day: parts[1], region: parts[2], service: parts[3])
        return (parts[0], scope)
    }

    private static func signedHeaders(_ bytes: ArraySlice<UInt8>) -> [String]? {
        let names = bytes.split(
            separator: UInt8(ascii: ";"), maxSplits: signedHeaderCountMax,
            omittingEmptySubsequences: false
        ).map(text)
        guard names.count <= signedHeaderCountMax,
            names.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isNameByte) }),
            zip(names, names.dropFirst()).allSatisfy({ $0 < $1 }),
            names.contains("host"), names.contains("x-amz-target"),
            names.contains("x-amz-date") || names.contains("date")
        else { return nil }
        return names
    }

    private static func signature(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        guard bytes.count == 64 else { return nil }
        let digits = bytes.compactMap(digit)
        guard digits.count == 64 else { return nil }
        return (0..<32).map { digits[2 * $0] << 4 | digits[2 * $0 + 1] }
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
