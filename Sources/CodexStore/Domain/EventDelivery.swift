public import CodexCore
internal import FoundationEssentials

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
    /// An event whose handler keeps throwing is parked with its error if the policy says so (a dead
    /// letter), and delivery goes on: see ``parkedChanges(of:view:after:limit:)`` and
    /// ``retryParkedEvents(of:matching:_:)``.
    ///
    /// - Parameters:
    ///   - subscription: The subscription's name.
    ///   - pattern: Which events it gets.
    ///   - policy: What to do about an event that `handler` throws for.
    ///   - handler: Gets the events, in the order of their commits.
    /// - Throws: `CancellationError`; ``CodexError/Code/unknownConsumer``,
    ///   ``CodexError/Code/changesTrimmed``; what `handler` threw, if it is not parked;
    ///   ``CodexError/Code/tooManyParked``; as ``write(_:)-(_)``.
    public func deliverEvents(
        to subscription: String, matching pattern: CodexFlow.EventPattern = .all,
        onFailure policy: ConsumerFailurePolicy = .park,
        _ handler: @escaping @Sendable (CodexFlow.Event) async throws -> Void
    ) async throws {
        try policy.validate()
        let consumer = ParkableConsumer(store: self, name: subscription)
        try await consumer.consume(view: .newAndOldImages, batchCount: 100) {
            consumption, batch, done in
            var done = done
            for (index, change) in batch.enumerated() {
                let failure = try await delivered(change, pattern, policy, handler)
                if let failure {
                    guard policy.parks else { throw failure }
                    do {
                        try await consumption.park(change, failure, policy, from: done)
                    } catch let error as CodexError where error.code == .tooManyParked {
                        // Those before it were handled, and need not come again.
                        if index > 0, done < batch[index - 1].sequenceNumber {
                            try await consumption.checkpoint(at: batch[index - 1], from: done)
                        }
                        throw error
                    }
                    done = change.sequenceNumber
                } else if index == batch.count - 1 {
                    try await consumption.checkpoint(at: change, from: done)
                }
            }
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
            var delay = policy.delay.bounded
            for attempt in 1... {
                try _Concurrency.Task.checkCancellation()
                do {
                    try await handler(event)
                    break
                } catch {
                    // What the handler itself calls cancelled is a failure as any other.
                    try _Concurrency.Task.checkCancellation()
                    if attempt == policy.attemptCount { return error }
                }
                try await _Concurrency.Task.sleep(for: delay)
                delay = delay.doubled
            }
        }
        return nil
    }

    /// Delivers the events of parked changes again; those that are handled are parked no more, the others
    /// stay with one attempt more and the new error.
    ///
    /// - Parameters:
    ///   - subscription: The subscription's name.
    ///   - pattern: Which events it gets: as for its delivery.
    ///   - handler: Gets the events.
    /// - Returns: How many changes succeeded, and how many failed again and stay parked.
    /// - Throws: ``CodexError/Code/unknownConsumer``, `CancellationError`, and as ``write(_:)-(_)``.
    @discardableResult
    public func retryParkedEvents(
        of subscription: String, matching pattern: CodexFlow.EventPattern,
        _ handler: @escaping @Sendable (CodexFlow.Event) async throws -> Void
    ) async throws -> (successCount: Int, failureCount: Int) {
        var counts = (successCount: 0, failureCount: 0)
        let once = ConsumerFailurePolicy(attemptCount: 1)
        var pages = try ParkedPages(core, subscription, .newAndOldImages)
        while let parked = try pages.next() {
            try _Concurrency.Task.checkCancellation()
            if let failure = try await delivered(parked.change, pattern, once, handler) {
                if try await parkAgain(parked, failure, of: subscription) {
                    counts.failureCount += 1
                }
            } else {
                try await discardParkedChange(parked.change.sequenceNumber, of: subscription)
                counts.successCount += 1
            }
        }
        return counts
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
            let (old, new) = (try opened(entry.old), try opened(entry.new))
            // What cannot be read might be what an event is about.
            if let name = old?.sealedName ?? new?.sealedName { throw .keyUnavailable(name) }
            return try CodexFlow.Event.events(
                of: entity, old: old, new: new, time: time,
                origin: commit.tables.storeID.uuidString, sequence: sequenceNumber.description,
                isExpiry: isExpiry)
        }
    }
}
