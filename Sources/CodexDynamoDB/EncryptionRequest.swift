/// What a request asks of a table's encryption at rest, which is remembered and described.
///
/// The store's own encryption is a setting of entities, and not of DynamoDB's clients.
struct EncryptionRequest: Sendable {
    let isEnabled: Bool
    /// The key's identifier, alias or ARN; `nil` is the service's key in the account.
    private let key: String?

    private static let keyByteCountMax = 2048

    /// Reads the parameter `SSESpecification`.
    ///
    /// Without `Enabled`, a type of encryption switches it on.
    ///
    /// Source: ACK 44.
    init?(_ input: RequestParameters) throws {
        guard let parameters = try input.object("SSESpecification") else { return nil }
        let flag = try parameters.bool("Enabled")
        let type = try parameters.string("SSEType")
        key = try parameters.string("KMSMasterKeyId")
        isEnabled = flag ?? (type != nil)
        if flag == false {
            if type != nil { throw TableMessages.encryptionDisabled(with: "SSEType") }
            if key != nil { throw TableMessages.encryptionDisabled(with: "KMSMasterKeyId") }
        }
        if type == "AES256" { throw TableMessages.encryptionAES }
        if let key {
            guard type == "KMS" else { throw TableMessages.encryptionWithoutType }
            guard (1...Self.keyByteCountMax).contains(key.utf8.count) else {
                throw TableMessages.invalidKey
            }
        }
    }

    /// Whether the key is given by its ARN.
    var hasARN: Bool { key?.hasPrefix("arn:") ?? false }

    /// The ARN of the key.
    func keyARN(region: String, account: String) -> String {
        let key = key ?? "alias/aws/dynamodb"
        if key.hasPrefix("arn:") { return key }
        let place = "arn:aws:kms:\(region):\(account):"
        return key.hasPrefix("alias/") ? place + key : place + "key/" + key
    }
}
