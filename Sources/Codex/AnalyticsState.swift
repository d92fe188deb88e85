internal import CodexCore
internal import CodexStore

/// The rules by which the stored analytics are computed, and the rebuild that is in force.
///
/// It is an item of the table, outside of the projects' partitions.
struct AnalyticsState: Hashable, Sendable {
    /// The present rules; days of earlier releases have no state.
    static let currentRules = 2
    static let key = PrimaryKey("ANALYTICS", "STATE")

    /// The rules of the stored days; 0 if they must be rebuilt.
    private(set) var rules: Int
    /// The number of rebuilds that have begun to write.
    private(set) var generation: Int
    /// The number of transactions of a rebuild that is writing; `nil` if none is.
    private(set) var stepCount: Int?
    /// The checkpoint that the stored days and shares are of; `nil` if it is not known.
    ///
    /// If the consumer has another one, a program has moved it. The consumer would count changes
    /// twice, or miss some.
    var checkpoint: SequenceNumber?

    /// Reads the state's item; a missing one is the state of an earlier release.
    init(_ item: Item?) {
        func count(_ name: String) -> Int? {
            item?[name].flatMap(Int.init(attributeValue:)).map {
                max(0, min($0, CodexFlow.Limits.analyticsFigureMax - 1))
            }
        }
        rules = count("rules") ?? 0
        generation = count("generation") ?? 0
        stepCount = count("steps")
        checkpoint = item?["checkpoint"]?.string.flatMap { SequenceNumber($0) }
    }

    var item: Item {
        var item: Item = [
            "PK": Self.key.partition, "SK": "STATE", "rules": rules.attributeValue,
            "generation": generation.attributeValue,
        ]
        item["steps"] = stepCount?.attributeValue
        item["checkpoint"] = checkpoint.map { .string($0.description) }
        return item
    }

    /// Whether the stored days are of the present rules, and no rebuild is replacing them.
    var isPresent: Bool { rules == Self.currentRules }

    /// Makes the stored days invalid.
    mutating func invalidate() { rules = 0 }

    /// Begins the writes of a rebuild: until they end, the stored days are invalid.
    mutating func begin() {
        (rules, stepCount) = (0, 0)
        generation += 1
    }

    /// Counts a transaction of the rebuild with a generation.
    ///
    /// - Returns: Whether the rebuild is still in force, and may write.
    mutating func advance(_ generation: Int) -> Bool {
        guard generation == self.generation, let stepCount else { return false }
        self.stepCount = stepCount + 1
        return true
    }

    /// Ends the writes of a rebuild, whose days are valid from now on.
    mutating func end() { (rules, stepCount) = (Self.currentRules, nil) }
}

extension ReadableTransaction where Self: ~Copyable {
    /// The state of the analytics.
    var analyticsState: AnalyticsState {
        get throws { AnalyticsState(try item(in: CodexFlow.table, key: AnalyticsState.key)) }
    }
}

extension WriteTransaction {
    mutating func setAnalyticsState(_ state: AnalyticsState) throws {
        try put(state.item, in: CodexFlow.table)
    }
}

extension Snapshot {
    /// Whether the stored days are of the present rules, and the consumer continues them.
    ///
    /// One snapshot has the state and the checkpoint: a batch changes both at once.
    var hasPresentAnalytics: Bool {
        get throws {
            let state = try analyticsState
            guard state.isPresent, let consumer = try consumer(Store.analyticsConsumer) else {
                return false
            }
            return state.continues(consumer)
        }
    }
}

extension AnalyticsState {
    /// Whether a consumer has the present filter, and its checkpoint is that of the stored days.
    func continues(_ consumer: ConsumerPlace) -> Bool {
        consumer.filter == AnalyticsBatch.filter && consumer.checkpoint == checkpoint
    }
}
