/// What a signature is valid for: a day, a region and a service.
public struct CredentialScope: Sendable, Hashable {
    /// The day in UTC, as `20261128`.
    public let day: String
    /// The region, such as `eu-central-1`.
    public let region: String
    /// The service's name in signatures, such as `dynamodb`.
    public let service: String
    /// The scope in the string to sign, as `20261128/eu-central-1/dynamodb/aws4_request`.
    public let text: String

    /// The end of every scope.
    public static let end = "aws4_request"

    /// Creates a scope.
    public init(day: String, region: String, service: String) {
        self.init(
            day: day, region: region, service: service,
            text: "\(day)/\(region)/\(service)/\(Self.end)")
    }

    /// Creates a scope that was read with its text.
    init(day: String, region: String, service: String, text: String) {
        (self.day, self.region, self.service, self.text) = (day, region, service, text)
    }

    /// The key that signs requests of the scope.
    ///
    /// - Parameters:
    ///   - secretKey: The secret access key.
    ///   - code: Returns the HMAC-SHA256 of a message under a key.
    /// - Returns: The key.
    public func signingKey(
        _ secretKey: String, code: (_ key: [UInt8], _ message: [UInt8]) -> [UInt8]
    ) -> [UInt8] {
        [day, region, service, Self.end].reduce(Array("AWS4\(secretKey)".utf8)) { key, part in
            code(key, Array(part.utf8))
        }
    }
}
