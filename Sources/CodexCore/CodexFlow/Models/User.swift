public import FoundationEssentials

extension CodexFlow {
    /// A person or agent that works with CodexFlow.
    ///
    /// Key `USER#<id>` / `PROFILE`; found by e-mail through GSI1 `EMAIL#<address>` / `USER`.
    public struct User: Entity, Hashable {
        /// A user's identifier.
        public typealias ID = Identifier<User>

        /// A user's role in the embedding program; a ``Member``'s role decides the permissions in a
        /// project.
        public enum Role: String, StoredChoice {
            case owner, admin, member, viewer, agent

            /// The cases as they are stored.
            public static let choices = Choices(allCases)
        }

        /// The state of a user in the life cycle.
        public enum State: String, StoredChoice {
            case invited, active, suspended

            /// The cases as they are stored.
            public static let choices = Choices(allCases)
        }

        /// The identifier.
        public var id: ID
        /// The address to which mail goes, as it was typed; comparisons use ``normalizedEmail``.
        ///
        /// It is stored without white space at both ends. Send mail to this address, and never to
        /// the text with which a user was looked up: other spellings may be other mailboxes.
        public var email: String {
            didSet {
                if !ByteOrder.equal(email, oldValue) { earlierEmailKey = nil }
            }
        }
        /// The display name.
        public var name: String {
            didSet { unchangedTexts.setLine(name, over: oldValue) }
        }
        /// The user's role in the embedding program; agents do not review PRDs.
        public var role: Role?
        /// The state of the user in the life cycle.
        public var state: State?
        /// The IANA name of the user's time zone.
        public var timeZone: String?
        /// When the user was created.
        public var createdAt: Date?
        /// When the user last changed.
        public var updatedAt: Date?
        /// The user who made the last change (`acting(as:)` of a workspace), if it is known.
        public var updatedByID: User.ID?
        /// The address in the stored key, if an earlier rule made it; `nil` for the present rule.
        ///
        /// It stays until the address changes, or ``adoptEmailRule()`` is called.
        package private(set) var earlierEmailKey: String?
        /// Whether the name may break a rule that is newer than it is.
        var unchangedTexts = UnchangedTexts()

        /// Creates a user.
        public init(
            id: ID, email: String, name: String, role: Role? = nil, state: State? = nil,
            timeZone: String? = nil, createdAt: Date? = nil, updatedAt: Date? = nil
        ) {
            self.id = id
            self.email = email
            self.name = name
            self.role = role
            self.state = state
            self.timeZone = timeZone
            self.createdAt = createdAt
            self.updatedAt = updatedAt
        }

        /// The address for comparisons: composed (NFC), in lower case, with the domain in Punycode.
        ///
        /// `Docs/Text.md` has the whole rule. It follows one version of Unicode
        /// (``CodexFlow/Text/unicodeVersion``) and no language. An invalid address, which no typed
        /// write stores, is in composed lower case.
        ///
        /// - Complexity: O(*n* log *n*) in the address.
        public var normalizedEmail: String { Self.normalize(email) }

        /// Gives the user the e-mail key of the present rule, when the user is stored next.
        ///
        /// Users that an earlier version stored keep their key until then. ``EmailReview`` lists
        /// them, and the addresses that collide by the present rule.
        public mutating func adoptEmailRule() { earlierEmailKey = nil }
    }
}

// MARK: Keys of addresses

extension CodexFlow.User {
    /// The address in the user's key: the stored one, if an earlier rule made it.
    package var emailKey: String { earlierEmailKey ?? normalizedEmail }

    /// Whether the address may be stored: it is valid, or as an earlier version stored it.
    var hasSoundEmail: Bool {
        earlierEmailKey != nil || CodexFlow.EmailAddress(email) != nil
    }

    static func normalize(_ email: String) -> String {
        if CodexFlow.EmailAddress.isPlain(email) { return earlierNormalize(email) }
        return CodexFlow.EmailAddress(email)?.key ?? CodexFlow.EmailAddress.folded(email)
    }

    /// The address by the rule of version 0.2 and before, which followed the toolchain.
    private static func earlierNormalize(_ email: String) -> String {
        let trimmed = email.drop(while: \.isWhitespace)
        let end = trimmed.lastIndex { !$0.isWhitespace }.map { trimmed.index(after: $0) }
        return trimmed[..<(end ?? trimmed.startIndex)].lowercased()
    }

    /// The addresses in the keys that a user with the address may have.
    ///
    /// The first is by the earlier rule, for the address as it is given. So a user whose address is
    /// exactly that is found, also if another user has the present rule's key of it. That key is
    /// the second. The others are by the earlier rule, for other spellings of the domain.
    fileprivate static func possibleKeys(_ email: String) -> [String] {
        var keys = [earlierNormalize(email)]
        guard !CodexFlow.EmailAddress.isPlain(email) else { return keys }
        let others = [normalize(email)] + (CodexFlow.EmailAddress(email)?.spellings ?? [])
        // Not as texts: Swift's equality of texts takes canonical equivalents for one.
        for other in others where !keys.contains(where: { ByteOrder.equal($0, other) }) {
            keys.append(other)
        }
        return keys
    }

    /// The address in a stored key, if it is another spelling of `email` than the present rule's.
    private static func earlierKey(
        of email: String, _ reader: borrowing FieldReader
    ) throws(CodexError) -> String? {
        let prefix = "EMAIL#".utf8
        guard let stored = try reader.item(keeping: ["GSI1PK"])["GSI1PK"]?.string,
            stored.utf8.starts(with: prefix)
        else { return nil }
        let key = String(decoding: stored.utf8.dropFirst(prefix.count), as: UTF8.self)
        if let address = CodexFlow.EmailAddress(email), ByteOrder.equal(address.key, key) {
            return nil
        }
        let (folded, other) = (
            CodexFlow.EmailAddress.folded(email), CodexFlow.EmailAddress.folded(key)
        )
        return ByteOrder.equal(folded, other) ? key : nil
    }
}

extension CodexFlow.User {
    /// Whether the user may act; a user who was imported without a state may.
    public var isActive: Bool { (state ?? .active) == .active }
}

extension CodexFlow.User {
    enum Field: Int, EntityField {
        case userId, email, name, role, state, timeZone, createdAt, updatedAt, updatedBy

        static let definitions: [FieldDefinition] = [
            .required("userId", .string), .required("email", .string), .required("name", .string),
            .optional("role", .string), .optional("state", .string),
            .optional("timeZone", .string), .optional("createdAt", .string),
            .optional("updatedAt", .string), .optional("updatedBy", .string),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "user", table: CodexFlow.table, keys: ["PK": "USER#{userId}", "SK": "PROFILE"],
        fields: Field.definitions)

    /// The keys of indexes.
    public static let furtherAttributes = ["GSI1PK", "GSI1SK"]

    /// The attributes, as the architecture document defines them.
    public func item() throws(CodexError) -> Item {
        let emailKey = emailKey
        try KeyTemplate.requirePart(emailKey, name: "email")
        var writer = FieldWriter<Field>([
            "GSI1PK": .string("EMAIL#\(emailKey)"), "GSI1SK": "USER",
            "PK": .string("USER#\(id)"), "SK": "PROFILE",
        ])
        writer.set(.userId, id)
        writer.set(.email, CodexFlow.Text.trimmed(email))
        writer.set(.name, name)
        writer.setChoice(.role, role)
        writer.setChoice(.state, state)
        writer.set(.timeZone, timeZone)
        writer.set(.createdAt, createdAt)
        writer.set(.updatedAt, updatedAt)
        writer.set(.updatedBy, CodexFlow.UserReference(updatedByID))
        return writer.item
    }

    /// Reads a user from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        id = try reader.identifier(Field.userId)
        email = try reader.string(Field.email)
        name = try reader.string(Field.name)
        role = try reader.optionalChoice(Field.role)
        state = try reader.optionalChoice(Field.state)
        timeZone = try reader.optionalString(Field.timeZone)
        createdAt = try reader.optionalDate(Field.createdAt)
        updatedAt = try reader.optionalDate(Field.updatedAt)
        updatedByID = try reader.optionalIdentifier(Field.updatedBy, prefix: "USER#")
        unchangedTexts = .all
        if !CodexFlow.EmailAddress.isPlain(email) {
            earlierEmailKey = try Self.earlierKey(of: email, reader)
        }
    }
}

extension Query where E == CodexFlow.User {
    /// All users, by identifier.
    public static var users: Self {
        Self(partition: "PROFILE", index: CodexFlow.Index.inverted)
    }
}

extension Lookup where E == CodexFlow.User {
    /// The user with the identifier.
    public static func user(_ id: CodexFlow.User.ID) -> Self {
        Self(partition: .string("USER#\(id)"), sort: "PROFILE")
    }

    /// The user with the e-mail address, compared in its normalized form.
    ///
    /// A user that an earlier version stored is also found, under the key of the earlier rule. If
    /// two users have keys of one address, the one with the given spelling is found.
    public static func user(email: String) -> Self {
        let targets = CodexFlow.User.possibleKeys(email).map { key in
            LookupTarget.index(
                CodexFlow.Index.gsi1, partition: [.string("EMAIL#\(key)")], sort: ["USER"])
        }
        return Self(targets[0], or: Array(targets.dropFirst()))
    }
}
