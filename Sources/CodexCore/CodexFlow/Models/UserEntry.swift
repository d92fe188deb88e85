public import FoundationEssentials

extension CodexFlow {
    /// An entry of a user's history: what was changed in the user's administration, when, and by
    /// whom, if that is known.
    ///
    /// Key `USER#<userId>` / `HISTORY#<entryId>`; identifiers sort by time. It is found by actor
    /// and time through GSI4 `ACTOR#<actorId>#USERS` / `<at>#<entryId>`. An entry is written in the
    /// commit of the change, and never changes. It stays when the user is deleted, and so it has
    /// neither names nor addresses.
    public struct UserEntry: Entity, Hashable {
        /// An entry's identifier.
        public typealias ID = Identifier<UserEntry>

        /// The kind of the change.
        public enum Kind: String, StoredChoice {
            case created, changed, suspended, activated, deleted

            /// The cases as they are stored.
            public static let choices = Choices(allCases)
        }

        /// The identifier, which sorts by time.
        public var id: ID
        /// The user who was changed.
        public var userID: User.ID
        /// The user who made the change (`acting(as:)` of a workspace); `nil` is unknown.
        public var actorID: User.ID?
        /// The time of the change.
        public var at: Date
        /// The kind of the change.
        public var kind: Kind
        /// The fields that changed; the values of names and addresses are left out.
        public var changes: [Activity.Change]

        /// Creates an entry.
        public init(
            id: ID, userID: User.ID, actorID: User.ID?, at: Date, kind: Kind,
            changes: [Activity.Change] = []
        ) {
            self.id = id
            self.userID = userID
            self.actorID = actorID
            self.at = at
            self.kind = kind
            self.changes = changes
        }
    }
}

extension CodexFlow.UserEntry {
    enum Field: Int, EntityField {
        case entryId, userId, actor, at, kind, changes

        static let definitions: [FieldDefinition] = [
            .required("entryId", .string), .required("userId", .string),
            .optional("actor", .string), .required("at", .string), .required("kind", .string),
            .optional("changes", .list),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    /// The stored name, keys and fields.
    public static let definition = EntityDefinition(
        "userEntry", table: CodexFlow.table,
        keys: ["PK": "USER#{userId}", "SK": "HISTORY#{entryId}"], fields: Field.definitions)

    /// The keys of indexes.
    public static let furtherAttributes = ["GSI4PK", "GSI4SK"]

    /// The entry's position in feeds.
    package var feedPosition: String { "\(Timestamp.text(at))#\(id)" }

    /// The attributes.
    public func item() throws(CodexError) -> Item {
        var keys =
            CodexFlow.FeedPlace(.users, of: nil, by: actorID, position: feedPosition).keys
        keys["PK"] = .string("USER#\(userID)")
        keys["SK"] = .string("HISTORY#\(id)")
        var writer = FieldWriter<Field>(keys)
        writer.set(.entryId, id)
        writer.set(.userId, userID)
        writer.set(.actor, CodexFlow.UserReference(actorID))
        writer.set(.at, at)
        writer.setChoice(.kind, kind)
        writer.setList(.changes, changes)
        return writer.item
    }

    /// Reads an entry from an item in place.
    public init(reading reader: borrowing FieldReader) throws(CodexError) {
        id = try reader.identifier(Field.entryId)
        userID = try reader.identifier(Field.userId)
        actorID = try reader.optionalIdentifier(Field.actor, prefix: "USER#")
        at = try reader.value(Field.at)
        kind = try reader.choice(Field.kind)
        changes = try reader.list(Field.changes)
    }
}

extension Query where E == CodexFlow.UserEntry {
    /// The history of a user's administration, oldest first.
    public static func history(ofUser user: CodexFlow.User.ID) -> Self {
        Self(partition: .string("USER#\(user)"), sort: .beginsWith("HISTORY#"))
    }
}
