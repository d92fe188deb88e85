extension CodexFlow {
    /// The place of an entry of history in the feed of its project and in that of its actor.
    ///
    /// A feed has a partition for each type of entries, with the same form of sort keys:
    /// `<at>#<entryId>`, and more where an identifier may repeat. So a reader merges the types by
    /// comparing these texts.
    package struct FeedPlace: Sendable {
        /// The type of the entries, which is a part of the partition's name.
        package enum Kind: String {
            /// Entries of tasks.
            case activity = "ACTIVITY"
            /// Entries of projects, members and PRDs.
            case history = "HISTORY"
            /// Entries of users.
            case users = "USERS"
        }

        /// The index keys, as attributes.
        package let keys: Item

        /// Creates a place.
        ///
        /// - Parameters:
        ///   - kind: The type of the entry.
        ///   - project: The project; `nil` is none.
        ///   - actor: The user who made the change; `nil` is unknown.
        ///   - position: The sort key.
        package init(
            _ kind: Kind, of project: Project.ID?, by actor: User.ID?, position: String
        ) {
            var keys = Item()
            if let project {
                keys["GSI3PK"] = Self.partition(kind, of: project)
                keys["GSI3SK"] = .string(position)
            }
            if let actor {
                keys["GSI4PK"] = Self.partition(kind, by: actor)
                keys["GSI4SK"] = .string(position)
            }
            self.keys = keys
        }

        /// The index keys as fields, for a type whose earlier version did not have them.
        ///
        /// A store knows by them that items of that version lack entries in the indexes.
        package static let fields = attributes.map { FieldDefinition.optional($0, .string) }

        /// The names of the index keys.
        package static let attributes = ["GSI3PK", "GSI3SK", "GSI4PK", "GSI4SK"]

        /// The partition of a project's feed in GSI3.
        package static func partition(_ kind: Kind, of project: Project.ID) -> AttributeValue {
            .string("PROJECT#\(project)#\(kind.rawValue)")
        }

        /// The partition of an actor's feed in GSI4.
        package static func partition(_ kind: Kind, by actor: User.ID) -> AttributeValue {
            .string("ACTOR#\(actor)#\(kind.rawValue)")
        }
    }
}

extension Query {
    /// The entries of a type in the feed of a project, newest first.
    ///
    /// - Parameters:
    ///   - kind: The type of the entries.
    ///   - project: The project.
    ///   - position: Only entries before this one; `nil` is all.
    /// - Returns: The query.
    package static func feed(
        _ kind: CodexFlow.FeedPlace.Kind, of project: CodexFlow.Project.ID,
        before position: String?
    ) -> Self {
        Self(
            partition: CodexFlow.FeedPlace.partition(kind, of: project),
            sort: position.map { SortCondition.less(.string($0)) } ?? .any,
            index: CodexFlow.Index.gsi3
        ).reversed
    }

    /// The entries of a type in the feed of an actor, newest first.
    ///
    /// - Parameters:
    ///   - kind: The type of the entries.
    ///   - actor: The user.
    ///   - position: Only entries before this one; `nil` is all.
    /// - Returns: The query.
    package static func feed(
        _ kind: CodexFlow.FeedPlace.Kind, by actor: CodexFlow.User.ID,
        before position: String?
    ) -> Self {
        Self(
            partition: CodexFlow.FeedPlace.partition(kind, by: actor),
            sort: position.map { SortCondition.less(.string($0)) } ?? .any,
            index: CodexFlow.Index.gsi4
        ).reversed
    }
}
