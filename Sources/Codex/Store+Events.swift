public import CodexCore
public import CodexStore
public import CodexWorkspace

extension Store {
    /// Registers a subscription to CodexFlow's events: a consumer of the changes that make them.
    ///
    /// - Parameters:
    ///   - name: The subscription's name: that of its consumer (``addConsumer(_:after:filter:)``).
    ///   - position: Where it begins.
    /// - Throws: As ``addConsumer(_:after:filter:)``.
    public func addSubscription(
        _ name: String, after position: StreamPosition = .latest
    ) async throws {
        try await addConsumer(
            name, after: position, filter: ChangeFilter(tables: [CodexFlow.table]))
    }

    /// Delivers CodexFlow's events to `handler`, one after the other, at least once each.
    ///
    /// It goes on from the subscription's checkpoint until its task is cancelled or something throws,
    /// in one process at a time. After a crash, events of the last moments come again, with the
    /// identifiers that they had; for effects in the store itself, exactly once, see
    /// ``consume(_:view:batchCount:onFailure:_:)``.
    ///
    /// An event whose handler keeps throwing is kept with its error if the policy allows it (a dead
    /// letter), and delivery goes on: see ``deadLetters(of:view:after:limit:)`` and
    /// ``retryDeadLetterEvents(of:matching:_:)``.
    ///
    /// - Parameters:
    ///   - subscription: The subscription's name.
    ///   - pattern: Which events it gets.
    ///   - policy: What to do about an event that `handler` throws for.
    ///   - handler: Gets the events, in the order of their commits.
    /// - Throws: `CancellationError`; ``CodexError/Code/unknownConsumer``,
    ///   ``CodexError/Code/changesTrimmed``; what `handler` threw, if it is not kept as a dead
    ///   letter; ``CodexError/Code/tooManyDeadLetters``; as ``write(_:)-(_)``.
    public func deliverEvents(
        to subscription: String, matching pattern: CodexFlow.EventPattern = .all,
        onFailure policy: ConsumerFailurePolicy = .deadLetter,
        _ handler: @escaping @Sendable (CodexFlow.Event) async throws -> Void
    ) async throws {
        try await deliverChanges(to: subscription, onFailure: policy) { change in
            try await delivered(change, pattern, policy, handler)
        }
    }

    /// Delivers a change's events; returns what the handler kept throwing.
    ///
    /// If that is the second of several events, the first comes again with it when it is retried.
    private func delivered(
        _ change: ChangeRecord, _ pattern: CodexFlow.EventPattern, _ policy: ConsumerFailurePolicy,
        _ handler: @Sendable (CodexFlow.Event) async throws -> Void
    ) async throws -> (any Error)? {
        let events: [CodexFlow.Event]
        do {
            events = try change.events
        } catch {
            // An item that is no model, though its key is one's: others' events go on.
            return error
        }
        for event in events where pattern.matches(event) {
            let failure = try await policy.attempt { try await handler(event) }
            if let failure { return failure }
        }
        return nil
    }

    /// Delivers the events of dead letters again; those that are handled are removed, the others
    /// stay with one attempt more and the new error.
    ///
    /// - Parameters:
    ///   - subscription: The subscription's name.
    ///   - pattern: Which events it gets: as for its delivery.
    ///   - handler: Gets the events.
    /// - Returns: How many changes succeeded, and how many failed again and stay.
    /// - Throws: ``CodexError/Code/unknownConsumer``, `CancellationError`, and as ``write(_:)-(_)``.
    @discardableResult
    public func retryDeadLetterEvents(
        of subscription: String, matching pattern: CodexFlow.EventPattern,
        _ handler: @escaping @Sendable (CodexFlow.Event) async throws -> Void
    ) async throws -> (successCount: Int, failureCount: Int) {
        let once = ConsumerFailurePolicy(attemptCount: 1)
        return try await redeliverDeadLetters(of: subscription) { change in
            try await delivered(change, pattern, once, handler)
        }
    }
}

extension ChangeRecord {
    /// The events of CodexFlow's that the change stands for; the record needs both images.
    ///
    /// - Throws: What reading the models throws; ``CodexError/Code/keyUnavailable`` if fields are encrypted
    ///   and their keys are not to be had.
    public var events: [CodexFlow.Event] {
        get throws(CodexError) {
            guard table == CodexFlow.table else { return [] }
            let (old, new) = (try openedOldImage, try openedNewImage)
            // What cannot be read might be what an event is about.
            if let name = old?.sealedName ?? new?.sealedName { throw .keyUnavailable(name) }
            return try CodexFlow.Event.events(
                of: entity, old: old, new: new, time: time,
                origin: storeIdentifier, sequence: sequenceNumber.description,
                isExpiry: isExpiry)
        }
    }
}
