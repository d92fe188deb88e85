/// The place of a change in a store's stream of changes.
///
/// Commits are numbered from 1 without gaps. A commit has the changes of one or more whole
/// transactions, in their order. A number is valid only in its own store.
public struct SequenceNumber: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The commit's number.
    public let commit: UInt64
    /// The change's place in its commit, from 0.
    public let ordinal: UInt32

    /// Creates the number of a change.
    ///
    /// - Parameters:
    ///   - commit: The commit's number.
    ///   - ordinal: The change's place in its commit. The default stands for the whole commit, and
    ///     comes after all its changes.
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

    /// Whether the number covers all changes of its commit.
    var isWholeCommit: Bool { ordinal == .max }

    /// The last commit whose changes are all covered.
    var lastWholeCommit: UInt64 { isWholeCommit ? commit : commit - min(1, commit) }

    /// The commit's number and, after a point, the change's place in it.
    public var description: String { isWholeCommit ? "\(commit)" : "\(commit).\(ordinal)" }

    /// Orders numbers by the order of their changes.
    public static func < (left: Self, right: Self) -> Bool {
        (left.commit, left.ordinal) < (right.commit, right.ordinal)
    }
}

/// A starting point in the stream of changes.
public struct StreamPosition: Sendable, Hashable {
    enum Kind: Hashable {
        case trimHorizon, latest
        case after(SequenceNumber)
    }
    let kind: Kind

    /// Before the oldest change that is retained (DynamoDB's `TRIM_HORIZON`).
    public static let trimHorizon = StreamPosition(kind: .trimHorizon)
    /// After the newest change (DynamoDB's `LATEST`): later commits only.
    public static let latest = StreamPosition(kind: .latest)

    /// After a change (DynamoDB's `AFTER_SEQUENCE_NUMBER`).
    public static func sequenceNumber(_ number: SequenceNumber) -> StreamPosition {
        StreamPosition(kind: .after(number))
    }
}

/// The images of an item in a stream's records (DynamoDB's `StreamViewType`).
public enum StreamView: String, Sendable, Hashable, Codable, CaseIterable {
    /// No image: the key only.
    case keysOnly = "KEYS_ONLY"
    /// The item after the change.
    case newImage = "NEW_IMAGE"
    /// The item before the change.
    case oldImage = "OLD_IMAGE"
    /// Both images.
    case newAndOldImages = "NEW_AND_OLD_IMAGES"
}

/// The changes that a stream has: a change must match all given conditions.
///
/// The tables and entities must exist, or have existed: a stream or consumer with an unknown name
/// is refused. So add a table before its consumer.
public struct ChangeFilter: Sendable, Hashable, Codable {
    /// The tables; `nil` is all.
    public var tables: Set<String>?
    /// The names of the entities of the item before or after; `nil` is all, raw items too.
    public var entities: Set<String>?
    /// The prefix of the partition key, which must be a string.
    public var partitionKeyPrefix: String?
    /// The prefix of the sort key, which must be a string.
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
