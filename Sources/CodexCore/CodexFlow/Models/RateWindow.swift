internal import FoundationEssentials

extension CodexFlow {
    /// The number of actions of one subject in the last window of a rate limit, such as a minute.
    ///
    /// Key `RATE_LIMIT#<subject>` / `<name>`. It expires with the window.
    public struct RateWindow: Entity, Hashable {
        /// The subject: a user's identifier or an address.
        public var subject: String
        /// The name of the limit.
        public var name: String
        /// The number of actions by slot; a slot is a sixtieth of the window, counted from 1970.
        ///
        /// Future slots hold permits that a process may use until then.
        public var counts: [Int: Int]
        /// When none of the counts applies any more, in seconds since 1970.
        public var expiresAt: Int

        /// Creates a window.
        public init(subject: String, name: String, counts: [Int: Int] = [:], expiresAt: Int = 0) {
            self.subject = subject
            self.name = name
            self.counts = counts
            self.expiresAt = expiresAt
        }
    }
}

extension CodexFlow.RateWindow {
    enum Field: Int, EntityField {
        case subject, name, counts, expiresAt

        static let definitions: [FieldDefinition] = [
            .required("subject", .string), .required("name", .string), .required("counts", .map),
            .required("expiresAt", .number),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "rateWindow", table: CodexFlow.table,
        keys: ["PK": "RATE_LIMIT#{subject}", "SK": "{name}"], fields: Field.definitions)

    /// The attributes.
    public func item() throws(CodexError) -> Item {
        try KeyTemplate.requirePart(subject, name: "subject")
        try KeyTemplate.requirePart(name, name: "name")
        let key = Self.key(name, of: subject)
        var writer = FieldWriter<Field>(["PK": key.partition, "SK": .string(name)])
        writer.set(.subject, subject)
        writer.set(.name, name)
        writer.set(
            .counts,
            AttributeValue.map(
                AttributeMap(counts.map { (String($0.key), $0.value.attributeValue) })))
        writer.set(.expiresAt, expiresAt)
        return writer.item
    }

    /// The key of a subject's window for a limit.
    package static func key(_ name: String, of subject: String) -> PrimaryKey {
        PrimaryKey(.string("RATE_LIMIT#\(subject)"), .string(name))
    }

    /// Reads a window from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        subject = try reader.string(Field.subject)
        name = try reader.string(Field.name)
        counts = [:]
        for element in try reader.value(Field.counts, as: AttributeValue.self).map ?? [:] {
            guard let slot = Int(element.name), let count = element.value.number?.int64 else {
                throw CodexError(
                    .typeMismatch, "The counts of a rate window are whole numbers by slot.")
            }
            counts[slot] = Int(count)
        }
        expiresAt = try reader.value(Field.expiresAt)
    }
}

extension Lookup where E == CodexFlow.RateWindow {
    /// The window of a subject for a limit.
    public static func rateWindow(_ name: String, of subject: String) -> Self {
        Self(.primaryKey(CodexFlow.RateWindow.key(name, of: subject)))
    }
}
