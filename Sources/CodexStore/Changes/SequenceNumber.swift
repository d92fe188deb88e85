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
