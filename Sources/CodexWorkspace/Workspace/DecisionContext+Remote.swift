internal import CodexCore

// What a transaction on a remote table has no room for, and what it must have a condition on.

extension CodexFlow.DecisionContext {
    /// Notes that the decision relies on the content of a dependency that a query returned.
    ///
    /// The predicate lock of a task's dependencies tells that the same dependencies exist. It does
    /// not tell that they are unchanged.
    func rely(on dependency: CodexFlow.Dependency) throws {
        try protectingReader?.rely(on: dependency)
    }

    /// Throws if a command on a remote table concerns more of something than a transaction has room
    /// for; a store in this process has room for all.
    ///
    /// - Parameters:
    ///   - count: How many there are.
    ///   - name: What they are.
    ///   - max: The most of them.
    ///   - advice: What the caller can do.
    /// - Throws: ``CodexError/Code/transactionTooLarge``.
    func requireRemoteRoom(
        _ count: Int, of name: String, upTo max: Int, _ advice: String
    ) throws(CodexError) {
        guard isRemote, count > max else { return }
        throw CodexError(
            .transactionTooLarge,
            "On a remote table, the command takes \(max) \(name) at most, and there are \(count). "
                + "Nothing was written. \(advice)")
    }
}
