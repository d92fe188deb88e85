/// What happened in histories, counted.
package struct Statistics: Sendable, Hashable {
    /// How many histories ran.
    package var historyCount = 0
    /// How many steps they had.
    package var stepCount = 0
    /// How many commands were answered.
    package var commandCount = 0
    /// How many writes were acknowledged.
    package var acknowledgedCount = 0
    /// How many attempts to write ended without a known outcome.
    package var unknownCount = 0
    /// How many attempts were refused by conditions or unique values.
    package var refusedCount = 0
    /// How many power cuts there were, those at the ends included.
    package var powerCutCount = 0
    /// How many processes were killed at a call.
    package var killCount = 0
    /// How many calls failed on demand.
    package var failedCallCount = 0
    /// How many writes were cut short.
    package var shortWriteCount = 0
    /// How often a process was stopped for some time.
    package var pauseCount = 0
    /// How many groups of writes were sent.
    package var groupCount = 0
    /// How many parts of builds were done.
    package var buildStepCount = 0
    /// How many reads were under way when a write was acknowledged.
    package var overlappedReadCount = 0
    /// How many values observations delivered.
    package var deliveryCount = 0
    /// How many openings began while another process compacted the store.
    package var openingInCompactionCount = 0

    // What was not checked.

    /// How many histories gave up the beginning of their stream, so that it was not replayed.
    package var trimmedCount = 0
    /// How many commands were left out, since there was no backup yet.
    package var skippedCommandCount = 0
    /// How many restores may have ended before their archive, which may have a gap.
    package var weakRestoreCount = 0
    /// How many scans found an index that was being built.
    package var unreadyScanCount = 0

    /// Creates zeros.
    package init() {}

    /// Adds those of other histories.
    package mutating func add(_ other: Statistics) {
        let counts: [WritableKeyPath<Statistics, Int>] = [
            \.historyCount, \.stepCount, \.commandCount, \.acknowledgedCount, \.unknownCount,
            \.refusedCount, \.powerCutCount, \.killCount, \.failedCallCount, \.shortWriteCount,
            \.pauseCount, \.groupCount, \.buildStepCount, \.overlappedReadCount, \.deliveryCount,
            \.openingInCompactionCount, \.trimmedCount, \.skippedCommandCount,
            \.weakRestoreCount, \.unreadyScanCount,
        ]
        for count in counts { self[keyPath: count] += other[keyPath: count] }
    }
}
