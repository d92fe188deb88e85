/// The place of a change in a store's stream of changes.
///
/// Commits are numbered from 1 without gaps; a commit has the changes of one or more transactions,
/// whole ones, in their order. Numbers are the store's own and mean nothing in another.
public struct SequenceNumber: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The commit's number.
    public let commit: UInt64
    /// The change's place in its commit, from 0.
    public let ordinal: UInt32

    /// Creates the number of a change.
    ///
    /// - Parameters:
    ///   - commit: The commit's number.
    ///   - ordinal: The change's place in it; unless given, that of the whole commit, which comes
    ///     after all its changes.
    public init(commit: UInt64, ordinal: UInt32 = .max) {
        self.commit = commit
        self.ordinal = ordinal
    }

    /// Reads ``description``; `nil` for other text.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let commit = UInt64(parts[0]) else { return nil }
        guard parts.count == 2 else {
            self.init(commit: commit)
            return
        }
        guard let ordinal = UInt32(parts[1]) else { return nil }
        self.init(commit: commit, ordinal: ordinal)
    }

    /// Whether all changes of the commit are meant.
    var isWholeCommit: Bool { ordinal == .max }

    /// The last commit all of whose changes are meant.
    var lastWholeCommit: UInt64 { isWholeCommit ? commit : commit - min(1, commit) }

    /// The commit's number and, after a point, the change's place in it.
    public var description: String { isWholeCommit ? "\(commit)" : "\(commit).\(ordinal)" }

    /// Orders numbers as the changes happened.
    public static func < (left: Self, right: Self) -> Bool {
        (left.commit, left.ordinal) < (right.commit, right.ordinal)
    }
}

/// Where in the stream of changes to begin.
public struct StreamPosition: Sendable, Hashable {
    enum Kind: Hashable {
        case trimHorizon, latest
        case after(SequenceNumber)
    }
    let kind: Kind

    /// Before the oldest change that is retained (DynamoDB's `TRIM_HORIZON`).
    public static let trimHorizon = StreamPosition(kind: .trimHorizon)
    /// After the newest change (DynamoDB's `LATEST`): what is committed from now on.
    public static let latest = StreamPosition(kind: .latest)

    /// After a change (DynamoDB's `AFTER_SEQUENCE_NUMBER`).
    public static func sequenceNumber(_ number: SequenceNumber) -> StreamPosition {
        StreamPosition(kind: .after(number))
    }
}

/// Which images of an item a stream's records have (DynamoDB's `StreamViewType`).
public enum StreamView: String, Sendable, Hashable, Codable, CaseIterable {
    /// None: the key only.
    case keysOnly = "KEYS_ONLY"
    /// The item as the change left it.
    case newImage = "NEW_IMAGE"
    /// The item as it was before the change.
    case oldImage = "OLD_IMAGE"
    /// Both.
    case newAndOldImages = "NEW_AND_OLD_IMAGES"
}

/// Which changes a stream has: those that fulfil all that is given.
public struct ChangeFilter: Sendable, Hashable, Codable {
    /// The tables; `nil` is all.
    public var tables: Set<String>?
    /// The names of the entities of which the item is, or was; `nil` is all, raw items too.
    public var entities: Set<String>?
    /// What the partition key, a string, begins with.
    public var partitionKeyPrefix: String?
    /// What the sort key, a string, begins with.
    public var sortKeyPrefix: String?
    /// The kinds of changes; `nil` is all.
    public var kinds: Set<ChangeRecord.Kind>?

    /// All changes.
    public static let all = ChangeFilter()

    /// Creates a filter.
    public init(
        tables: Set<String>? = nil, entities: Set<String>? = nil,
        partitionKeyPrefix: String? = nil, sortKeyPrefix: String? = nil,
        kinds: Set<ChangeRecord.Kind>? = nil
    ) {
        self.tables = tables
        self.entities = entities
        self.partitionKeyPrefix = partitionKeyPrefix
        self.sortKeyPrefix = sortKeyPrefix
        self.kinds = kinds
    }
}
