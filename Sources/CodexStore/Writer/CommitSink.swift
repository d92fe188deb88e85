package import CodexCore

/// A change of one item, as a commit record has it.
package struct ItemChange: Sendable {
    package let table: String
    package let key: PrimaryKey
    package let old: Item?
    package let new: Item?
}

/// What one group of writes changed.
package struct CommitRecord: Sendable {
    /// The store's own number of the commit: one more than the last one's.
    package let sequence: UInt64
    /// The changes in their order; empty if the sink does not want them.
    package let changes: [ItemChange]
}

/// What makes a group durable before LMDB's commit makes it visible: the seam for a log.
package protocol CommitSink: Sendable {
    /// Whether records are to carry the changes.
    var wantsChanges: Bool { get }

    /// Called by the writer after a group's bodies ran and before LMDB commits. If it throws, the
    /// transaction is aborted and the group's callers get the error.
    func prepare(_ record: CommitRecord) throws(CodexError)
}

/// LMDB's own synchronous commit: nothing is to be done before it.
package struct SynchronousCommit: CommitSink {
    package var wantsChanges: Bool { false }
    package func prepare(_ record: CommitRecord) throws(CodexError) {}
}
