public import CodexCore
internal import FoundationEssentials

extension CodexFlow {
    /// The removal of the guards that no command needs: the items of predicate locks that were not
    /// incremented for an hour.
    ///
    /// A command may read that there is no guard, and write on that condition. If another command
    /// made the guard, and a sweep removed it at once, the first one would not see the second one.
    /// So a guard goes in two steps:
    ///
    /// 1. It gets the mark of this sweep. Each increment removes the mark.
    /// 2. An hour later, by one clock of this process, it is removed if it has the mark.
    ///
    /// A command writes at most ten minutes after its first read, and its request takes effect at
    /// most 20 minutes after that (decision 48).
    struct GuardSweep: Sendable {
        let table: any TableBackend
        let definition: TableDefinition
        /// What marks the guards.
        let id: String

        /// The time between the two steps.
        static let age: Duration = .seconds(3600)
        /// The longest time from the first read of a command to its write.
        static let readAgeMax: Duration = .seconds(600)
        /// Most items of a page of a scan.
        private static let scannedCountMax = 1000

        private var mark: AttributeValue { .string(id) }

        /// Marks the guards, waits, and removes those that still have the mark.
        ///
        /// - Parameter wait: Waits for ``age``.
        /// - Returns: The number of guards that were removed.
        /// - Throws: The errors of the table and of `wait`.
        func run(_ wait: () async throws -> Void) async throws -> Int {
            try await forEachGuard { key, item in
                guard let number = item[PredicateLock.count.root] else { return }
                _ = try await perform(
                    .update(
                        table: definition.name, key: key,
                        Update([.set(PredicateLock.mark, .operand(.value(mark)))]),
                        condition: .compare(.path(PredicateLock.count), .equal, .value(number))))
            }
            try await wait()
            var count = 0
            try await forEachGuard { key, item in
                guard item[PredicateLock.mark.root] == mark else { return }
                let isRemoved = try await perform(
                    .delete(
                        table: definition.name, key: key,
                        condition: .compare(.path(PredicateLock.mark), .equal, .value(mark))))
                if isRemoved { count += 1 }
            }
            return count
        }

        private func forEachGuard(
            _ body: (PrimaryKey, Item) async throws -> Void
        ) async throws {
            try await table.forEachItem(
                of: definition.name, pageCount: Self.scannedCountMax
            ) { item in
                let key = try definition.primaryKey(of: item)
                if PredicateLock.isKey(key) { try await body(key, item) }
            }
        }

        /// Performs an action on a guard that a command may be changing.
        ///
        /// - Returns: Whether it was certainly performed. Another sweep does what is left.
        private func perform(_ action: WriteAction) async throws -> Bool {
            do {
                _ = try await table.perform(action, returning: .none)
                return true
            } catch let error as CodexError
                where error.isConflict || error.code == .outcomeUnknown
            {
                return false
            }
        }
    }
}

extension CodexFlow.TableWorkspaceBackend {
    /// Removes the guards of a remote table that no command needs any more.
    ///
    /// Each query of a command whose result other commands can change has a guard: an item of about
    /// 100 bytes, which stays when its task, user or project is gone. Call this now and then, when
    /// all programs that write the table have this release. Their commands may run meanwhile. An
    /// earlier release leaves the mark of a guard that it increments.
    ///
    /// - Returns: The number of guards that were removed.
    /// - Throws: `CancellationError`, and the errors of the table. Guards that keep the mark of an
    ///   interrupted call do no harm.
    /// - Complexity: Reads all items of the table twice, with an hour between, and writes each
    ///   guard.
    @discardableResult
    public func removeUnusedGuards() async throws -> Int {
        try await removeUnusedGuards {
            try await _Concurrency.Task.sleep(for: CodexFlow.GuardSweep.age)
        }
    }

    /// Removes guards, as ``removeUnusedGuards()``.
    ///
    /// - Parameter wait: Waits between the two steps.
    /// - Returns: The number of guards that were removed.
    /// - Throws: As ``removeUnusedGuards()``.
    package func removeUnusedGuards(
        _ wait: () async throws -> Void
    ) async throws -> Int {
        try await CodexFlow.GuardSweep(
            table: table, definition: try schema.table(CodexFlow.table), id: UUID().uuidString
        ).run(wait)
    }
}
