public import CodexCore
public import CodexStore
public import CodexWorkspace

extension Store {
    /// Registers a subscription to CodexFlow's events: a consumer of the changes that produce them.
    ///
    /// - Parameters:
    ///   - name: The name of the subscription and of its consumer
    ///     (``addConsumer(_:after:filter:)``).
    ///   - position: The position where it starts.
    /// - Throws: As ``addConsumer(_:after:filter:)``.
    public func addSubscription(
        _ name: String, after position: StreamPosition = .latest
    ) async throws {
        try await addConsumer(
            name, after: position, filter: ChangeFilter(tables: [CodexFlow.table]))
    }

    /// Delivers CodexFlow's events to `handler`, one after the other, at least once each.
    ///
    /// Delivery continues from the subscription's checkpoint until its task is cancelled or an
    /// error is thrown. Only one process delivers at a time. After a crash, the most recent events
    /// are delivered again, with the same identifiers. For effects in the store itself, exactly
    /// once, see ``consume(_:view:batchCount:onFailure:_:)``.
    ///
    /// If the handler keeps throwing for an event, the policy may allow a dead letter. The store
    /// then keeps the event with its error, and delivery continues. See
    /// ``deadLetters(of:view:after:limit:)`` and ``retryDeadLetterEvents(of:matching:_:)``.
    ///
    /// - Parameters:
    ///   - subscription: The subscription's name.
    ///   - pattern: The events that the subscription receives.
    ///   - policy: What to do about an event that `handler` throws for.
    ///   - handler: Receives the events, in the order of their commits.
    /// - Throws: `CancellationError`; ``CodexError/Code/unknownConsumer``,
    ///   ``CodexError/Code/changesTrimmed``; an error of `handler`, unless the event becomes a dead
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

    /// Delivers a change's events; returns the error that the handler kept throwing.
    ///
    /// If the handler fails on the second of several events, a retry delivers the first one again.
    private func delivered(
        _ change: ChangeRecord, _ pattern: CodexFlow.EventPattern, _ policy: ConsumerFailurePolicy,
        _ handler: @Sendable (CodexFlow.Event) async throws -> Void
    ) async throws -> (any Error)? {
        let events: [CodexFlow.Event]
        do {
            events = try change.events
        } catch {
            // The item does not decode as a model although its key is a model's. Other items'
            // events continue.
            return error
        }
        for event in events where pattern.matches(event) {
            let failure = try await policy.attempt { try await handler(event) }
            if let failure { return failure }
        }
        return nil
    }

    /// Delivers the events of dead letters again.
    ///
    /// Handled dead letters are removed. The others stay, with one more attempt and the new error.
    ///
    /// - Parameters:
    ///   - subscription: The subscription's name.
    ///   - pattern: The events that the handler receives, as for the delivery.
    ///   - handler: Receives the events.
    /// - Returns: The number of changes that succeeded, and the number that failed again and stay.
    /// - Throws: ``CodexError/Code/unknownConsumer``, `CancellationError`, and as
    ///   ``write(_:)-(_)``.
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
    /// The CodexFlow events of the change; the record needs both images.
    ///
    /// - Throws: The errors of reading the models; ``CodexError/Code/keyUnavailable`` if fields are
    ///   encrypted and their keys are unavailable.
    public var events: [CodexFlow.Event] {
        get throws(CodexError) {
            guard table == CodexFlow.table else { return [] }
            let (old, new) = (try openedOldImage, try openedNewImage)
            // An event may depend on an attribute that cannot be decrypted.
            if let name = old?.sealedName ?? new?.sealedName { throw .keyUnavailable(name) }
            return try CodexFlow.Event.events(
                of: entity, old: old, new: new, time: time,
                origin: storeIdentifier, sequence: sequenceNumber.description,
                isExpiry: isExpiry)
        }
    }
}
