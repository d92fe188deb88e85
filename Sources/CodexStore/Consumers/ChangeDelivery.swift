internal import CodexCore

extension Store {
    /// Hands a consumer's changes to `deliver`, one after the other, at least once each.
    ///
    /// It goes on from the consumer's checkpoint until its task is cancelled or something throws, in
    /// one process at a time. After a crash, the changes after the checkpoint come again.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - policy: What to do about a change that `deliver` returns an error for.
    ///   - deliver: Gets each change with both images, in the order of the commits. It returns the
    ///     error of a change that keeps failing. What it throws ends the delivery.
    /// - Throws: `CancellationError`; ``CodexError/Code/unknownConsumer``,
    ///   ``CodexError/Code/changesTrimmed``; what `deliver` returned, if it is not parked;
    ///   ``CodexError/Code/tooManyParked``; as ``write(_:)-(_)``.
    package func deliverChanges(
        to consumer: String, onFailure policy: ConsumerFailurePolicy,
        _ deliver: (ChangeRecord) async throws -> (any Error)?
    ) async throws {
        try policy.validate()
        let consumer = ParkableConsumer(store: self, name: consumer)
        try await consumer.consume(view: .newAndOldImages, batchCount: 100) {
            consumption, batch, done in
            var done = done
            for (index, change) in batch.enumerated() {
                let failure = try await deliver(change)
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

    /// Calls `deliver` again with parked changes.
    ///
    /// Those that succeed are parked no more. The others stay, with one more attempt and the new
    /// error.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - deliver: Gets each change with both images; it returns the error of one that fails again.
    /// - Returns: How many changes succeeded, and how many failed again and stay parked.
    /// - Throws: ``CodexError/Code/unknownConsumer``, `CancellationError`, and as ``write(_:)-(_)``.
    package func redeliverParkedChanges(
        of consumer: String, _ deliver: (ChangeRecord) async throws -> (any Error)?
    ) async throws -> (successCount: Int, failureCount: Int) {
        var counts = (successCount: 0, failureCount: 0)
        var pages = try ParkedPages(core, consumer, .newAndOldImages)
        while let parked = try pages.next() {
            try _Concurrency.Task.checkCancellation()
            if let failure = try await deliver(parked.change) {
                if try await parkAgain(parked, failure, of: consumer) {
                    counts.failureCount += 1
                }
            } else {
                try await discardParkedChange(parked.change.sequenceNumber, of: consumer)
                counts.successCount += 1
            }
        }
        return counts
    }
}

extension ConsumerFailurePolicy {
    /// Runs `body` until it succeeds, as often as the policy says, and waits in between.
    ///
    /// - Returns: What the last attempt threw; `nil` if one succeeded.
    /// - Throws: `CancellationError` if the task is cancelled.
    package func attempt(_ body: () async throws -> Void) async throws -> (any Error)? {
        var wait = delay.bounded
        for attempt in 1... {
            try _Concurrency.Task.checkCancellation()
            do {
                try await body()
                break
            } catch {
                // What the body itself calls cancelled is a failure as any other.
                try _Concurrency.Task.checkCancellation()
                if attempt == attemptCount { return error }
            }
            try await _Concurrency.Task.sleep(for: wait)
            wait = wait.doubled
        }
        return nil
    }
}
