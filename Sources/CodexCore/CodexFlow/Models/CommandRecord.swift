internal import FoundationEssentials

extension CodexFlow {
    /// What a command with an idempotency key gave, so that a repetition gives the same.
    ///
    /// Key `COMMAND#<hash>` / `RESULT`, with the hash of the key. It expires
    /// ``CodexFlow/Limits/idempotencySeconds`` after the command.
    ///
    /// - Important: `result` has values of the entity that the command returned, and the token of a
    ///   session that it opened, masked by the key. A program that encrypts fields of entities also
    ///   encrypts `result` of this one.
    public struct CommandRecord: Entity, Hashable {
        /// The SHA-256 of the idempotency key, in hexadecimal.
        public var keyHash: String
        /// The command's name.
        public var command: String
        /// The SHA-256 of the command's arguments, in hexadecimal.
        public var fingerprint: String
        /// The stored form of the result; `nil` is none.
        public var result: AttributeValue?
        /// When a repetition is a new command, in seconds since 1970.
        public var expiresAt: Int

        /// Creates a record.
        public init(
            keyHash: String, command: String, fingerprint: String, result: AttributeValue? = nil,
            expiresAt: Int
        ) {
            self.keyHash = keyHash
            self.command = command
            self.fingerprint = fingerprint
            self.result = result
            self.expiresAt = expiresAt
        }
    }
}

extension CodexFlow.Limits {
    /// The time for which a command's idempotency key is kept: a day.
    public static let idempotencySeconds = 86_400
    /// Most bytes of an idempotency key of a command.
    public static let idempotencyKeyByteCountMax = 256
}

extension CodexFlow.CommandRecord {
    enum Field: Int, EntityField {
        case keyHash, command, fingerprint, result, expiresAt

        static let definitions: [FieldDefinition] = [
            .required("keyHash", .string), .required("command", .string),
            .required("fingerprint", .string), .optional("result", .map),
            .required("expiresAt", .number),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "commandRecord", table: CodexFlow.table,
        keys: ["PK": "COMMAND#{keyHash}", "SK": "RESULT"], fields: Field.definitions)

    /// The attributes.
    public func item() throws(CodexError) -> Item {
        try KeyTemplate.requirePart(keyHash, name: "keyHash")
        var writer = FieldWriter<Field>(["PK": .string("COMMAND#\(keyHash)"), "SK": "RESULT"])
        writer.set(.keyHash, keyHash)
        writer.set(.command, command)
        writer.set(.fingerprint, fingerprint)
        writer.set(.result, result.map { AttributeValue.map(["value": $0]) })
        writer.set(.expiresAt, expiresAt)
        return writer.item
    }

    /// Reads a record from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        keyHash = try reader.string(Field.keyHash)
        command = try reader.string(Field.command)
        fingerprint = try reader.string(Field.fingerprint)
        let stored: AttributeValue? = try reader.optional(Field.result)
        result = stored?.map?["value"]
        expiresAt = try reader.value(Field.expiresAt)
    }
}

extension Lookup where E == CodexFlow.CommandRecord {
    /// The record of the idempotency key with a hash.
    public static func commandRecord(_ keyHash: String) -> Self {
        Self(partition: .string("COMMAND#\(keyHash)"), sort: "RESULT")
    }
}
