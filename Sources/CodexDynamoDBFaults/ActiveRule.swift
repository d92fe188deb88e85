internal import CodexDynamoDB
internal import CodexStore

/// A rule in use: its count of matching requests, its generator, and the states that it needs.
final class ActiveRule: Sendable {
    private struct Progress {
        var dice: FaultDice
        var requestCount = 0
    }

    let rule: FaultRule
    /// The past states of a rule with `staleIndex`.
    let states: PastStates?
    private let progress: Locked<Progress>

    /// Starts a rule of a plan.
    ///
    /// - Parameters:
    ///   - rule: The rule.
    ///   - index: Its place in the plan.
    ///   - seed: The plan's seed.
    ///   - elapsed: The time since any fixed instant.
    init(
        _ rule: FaultRule, at index: Int, seed: UInt64, elapsed: @escaping @Sendable () -> Duration
    ) {
        self.rule = rule
        progress = Locked(Progress(dice: FaultDice(seed: seed, rule: index)))
        if case .staleIndex(let milliseconds) = rule.fault {
            states = PastStates(age: .milliseconds(milliseconds), elapsed: elapsed)
        } else {
            states = nil
        }
    }

    /// Counts a request that the rule matches.
    ///
    /// Each such request takes the same numbers of the generator, so that the choices for one
    /// request do not depend on earlier ones.
    ///
    /// - Parameter request: The request.
    /// - Returns: The generator for the fault's choices; `nil` if the fault does not hit it.
    func dice(for request: FaultedRequest) -> FaultDice? {
        guard rule.isAbout(request.operation) else { return nil }
        if let tables = rule.tables, request.outline.tables.isDisjoint(with: tables) { return nil }
        return progress.withLock { progress in
            progress.requestCount += 1
            let fraction = progress.dice.fraction()
            let seed = progress.dice.next()
            guard rule.schedule.chooses(progress.requestCount, fraction) else { return nil }
            return FaultDice(seed: seed)
        }
    }
}

/// A request that faults may hit; its body is read when a rule first needs that.
///
/// Only the request's task uses it.
final class FaultedRequest {
    let operation: String
    private let body: [UInt8]
    private let budget: RequestBudget

    private(set) lazy var outline = RequestOutline(body, budget)

    init(_ operation: String, _ body: [UInt8], _ budget: RequestBudget) {
        (self.operation, self.body, self.budget) = (operation, body, budget)
    }

    /// Whether the request is a transaction, whose errors have a reason for each action.
    var isTransaction: Bool {
        ["TransactGetItems", "TransactWriteItems", "ExecuteTransaction"].contains(operation)
    }

    /// Whether it may write items.
    var mayWrite: Bool {
        [
            "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems",
            "ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction",
        ].contains(operation)
    }

    /// Whether it may change tables or their indexes.
    var mayChangeTables: Bool {
        ["CreateTable", "UpdateTable", "DeleteTable", "UpdateTimeToLive"].contains(operation)
    }

    /// Whether it works on tables or streams, and not on items.
    var isAboutTables: Bool {
        !isTransaction && !mayWrite
            && !["GetItem", "BatchGetItem", "Query", "Scan"].contains(operation)
    }
}
