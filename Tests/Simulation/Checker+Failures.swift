// Rule 1 after a failed flush: the store takes no write until a recovery.

extension Checker {
    /// Checks that no write was acknowledged that was sent after a failed flush, before all
    /// processes had closed the store.
    mutating func checkFailedFlushes() {
        for failure in history.failedFlushes {
            for (op, write) in history.writes.sorted(by: { $0.key < $1.key }) {
                let isFound = write.attempts.contains { attempt in
                    attempt.outcome == .acknowledged
                        && isBetween(attempt.invoked, attempt.completed, failure)
                }
                if isFound {
                    add(
                        .presence, "a write is acknowledged after a failed flush",
                        "\(op), the flush of step \(failure.answered)")
                }
            }
            for consumption in history.consumptions
            where isBetween(consumption.invoked, consumption.completed, failure) {
                add(
                    .presence, "a consumer is moved after a failed flush",
                    "\(consumption.consumer), step \(consumption.invoked)")
            }
            for sweep in history.sweeps
            where sweep.count ?? 0 > 0 && isBetween(sweep.invoked, sweep.completed, failure) {
                add(
                    .presence, "items are removed after a failed flush",
                    "step \(sweep.invoked)")
            }
        }
    }

    private func isBetween(
        _ invoked: Int, _ completed: Int, _ failure: History.FailedFlush
    ) -> Bool {
        failure.answered < invoked && completed < failure.closed
    }
}
