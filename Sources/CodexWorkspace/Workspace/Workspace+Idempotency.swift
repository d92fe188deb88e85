public import CodexCore

extension CodexFlow.Workspace {
    /// The same workspace, whose next command happens at most once.
    ///
    /// A command that is sent again with the same key and the same arguments, after its answer was
    /// lost for example, gives its first result and changes nothing. No rule is checked again: a
    /// claim that the first command had may have ended. A command that failed is not remembered,
    /// and may be sent again.
    ///
    /// ```swift
    /// try await workspace.idempotent("6f1c…").logWork(2, on: "a", in: "engine", by: "ada")
    /// ```
    ///
    /// The key is kept for ``CodexFlow/Limits/idempotencySeconds``, in the same commit as the
    /// changes, on the embedded store and on a remote table. Give each command another key, a UUID
    /// for example. Commands on many elements remember each commit: send them again with the same
    /// elements and the same `batchCount`. A commit whose result is too large to be stored throws
    /// ``CodexError/Code/itemTooLarge``.
    ///
    /// The closures of commands are compared by what they make of the same entity: of a new one, or
    /// of the entity as it was before the change. So a closure must make the same each time, and
    /// must not use the present time or random values. If the entity before and after the change
    /// does not fit into the stored result, the closures of changes are not compared.
    ///
    /// - Parameter key: The key, of 1 to ``CodexFlow/Limits/idempotencyKeyByteCountMax`` bytes.
    /// - Returns: A workspace for one command. Its commands throw
    ///   ``CodexError/Code/idempotencyMismatch`` if the key came with another command or other
    ///   arguments, and ``CodexError/Code/invalidArgument`` if the key is not valid. Commands that
    ///   take no key throw that too: your own (``commit(_:)``), ``expireClaims(in:limit:)``,
    ///   ``repairQueue(of:by:batchCount:onFailure:)``, ``verifyQueue(of:onFailure:)`` and
    ///   ``adoptHistory(of:by:batchCount:onFailure:)``. Reads, ``session(token:)``,
    ///   ``resumeDeletions()`` and ``resumeLeaving(of:in:)`` neither use nor refuse a key.
    public func idempotent(_ key: String) -> Self { idempotent(key, comparing: [:]) }

    /// The same workspace, whose next command happens at most once and compares more arguments.
    ///
    /// A program may have commands of several commits, with arguments that this command does not
    /// take. A repetition with other values of them is refused, as with other arguments of the
    /// command itself (``idempotent(_:)``).
    ///
    /// - Parameters:
    ///   - key: The key, of 1 to ``CodexFlow/Limits/idempotencyKeyByteCountMax`` bytes.
    ///   - arguments: The further arguments. Their hash alone is stored. An empty map is the same
    ///     as none.
    /// - Returns: A workspace for one command, as ``idempotent(_:)`` returns it.
    public func idempotent(_ key: String, comparing arguments: AttributeMap) -> Self {
        var copy = self
        copy.idempotencyKey = key
        copy.comparedArguments = arguments
        return copy
    }

    /// The same workspace, whose next command happens only before another one, which has a key.
    ///
    /// A program may have commands of several commits. It makes the last commit with
    /// ``idempotent(_:)``, and the ones before it with this. They look for the key in their own
    /// commits. So they change nothing once the whole command has happened, also if two processes
    /// send it at once. A command that failed is not remembered. If it is sent again, its earlier
    /// commits are decided again, and may have other arguments.
    ///
    /// - Parameter key: The key of the last commit.
    /// - Returns: A workspace for one command. It throws ``CodexError/Code/conditionFailed`` if the
    ///   command with the key is remembered, and ``CodexError/Code/invalidArgument`` if the key is
    ///   not valid. Reads and ``resumeDeletions()`` do not look for it.
    public func preceding(_ key: String) -> Self {
        var copy = self
        copy.precededKey = key
        return copy
    }

    /// The use of the key for a command; `nil` if the workspace has none.
    func use(
        for call: () throws -> CommandCall, part: Int? = nil
    ) throws -> CommandUse? {
        guard let idempotencyKey else { return nil }
        return try CommandUse(
            of: idempotencyKey, for: try call().comparing(comparedArguments), part: part)
    }

    /// Runs a command, at most once if the workspace has an idempotency key.
    ///
    /// - Parameters:
    ///   - call: The command with its arguments.
    ///   - known: What the command is known to read.
    ///   - isComplete: Whether the outcome is that of the whole command, and not of a part of it
    ///     that further commits continue.
    ///   - decide: The decision.
    /// - Returns: The outcome, or that of the first command with the key.
    /// - Throws: As ``commit(_:)``, ``CodexError/Code/idempotencyMismatch``,
    ///   ``CodexError/Code/invalidArgument`` for an invalid key.
    func run<Outcome: CommandOutcome>(
        _ call: @autoclosure () throws -> CommandCall, reading known: KnownReads = .none,
        isComplete: @escaping @Sendable (Outcome) -> Bool = { _ in true },
        _ decide: @escaping @Sendable (CodexFlow.DecisionContext) throws -> Outcome
    ) async throws -> Outcome {
        guard let once = try use(for: call) else {
            return try await decided(reading: known, decide)
        }
        return try await decided(reading: known.and { try once.readRecord($0) }) { context in
            if let known = try once.known(in: context, as: Outcome.self) { return known }
            let outcome = try decide(context)
            if isComplete(outcome) { try once.remember(outcome, in: context) }
            return outcome
        }
    }

    /// Runs a command whose closure changes an entity; see ``run(_:reading:isComplete:_:)``.
    ///
    /// - Parameters:
    ///   - call: The command with its arguments.
    ///   - known: What the command is known to read.
    ///   - body: The closure. A repetition with a closure of another effect is refused.
    ///   - decide: The decision, which returns the entity before and after the change.
    /// - Returns: The entity after the change.
    /// - Throws: As ``run(_:reading:isComplete:_:)``, and the errors of `body`.
    func runChange<E: Entity & CommandOutcome>(
        _ call: @autoclosure () throws -> CommandCall, reading known: KnownReads = .none,
        _ body: @escaping @Sendable (inout E) throws -> Void,
        _ decide: @escaping @Sendable (CodexFlow.DecisionContext) throws -> (before: E, after: E)
    ) async throws -> E {
        let outcome = try await run(try call(), reading: known) { context -> ChangeOutcome<E> in
            let (before, after) = try decide(context)
            return ChangeOutcome(after, from: before, by: body)
        }
        try outcome.requireSame(body)
        return outcome.entity
    }

    /// Runs a command in as many commits as it needs until it has an outcome; see
    /// ``run(_:reading:isComplete:_:)``.
    ///
    /// - Parameters:
    ///   - call: The command with its arguments.
    ///   - known: What each commit is known to read.
    ///   - decide: The decision; `nil` is a commit that others follow.
    /// - Returns: The outcome.
    /// - Throws: As ``run(_:reading:isComplete:_:)``; `CancellationError`.
    func runWhole<Outcome: CommandOutcome>(
        _ call: @autoclosure () throws -> CommandCall, reading known: KnownReads,
        _ decide: @escaping @Sendable (CodexFlow.DecisionContext) throws -> Outcome?
    ) async throws -> Outcome {
        while true {
            try _Concurrency.Task.checkCancellation()
            let outcome = try await run(
                try call(), reading: known,
                isComplete: { (outcome: Outcome?) in outcome != nil }, decide)
            if let outcome { return outcome }
        }
    }

    /// Runs a command without a result; see ``run(_:reading:isComplete:_:)``.
    func perform(
        _ call: @autoclosure () throws -> CommandCall, reading known: KnownReads = .none,
        _ decide: @escaping @Sendable (CodexFlow.DecisionContext) throws -> Void
    ) async throws {
        _ = try await run(try call(), reading: known) { context -> Bool in
            try decide(context)
            return true
        }
    }
}
