internal import CodexDynamoDB

/// What all faults that hit a request do to it.
struct FaultEffects {
    /// The time by which the answer comes later.
    private(set) var delay = Duration.zero
    /// The answer in place of the request's; the request is not performed.
    private(set) var refusal: DynamoDBResponse?
    /// Whether the request is performed, and its answer lost.
    private(set) var losesAnswer = false
    /// The states in which indexes are seen.
    private(set) var states: PastStates?
    /// Chooses the elements of a batch that stay unprocessed.
    private(set) var unprocessed: (@Sendable (_ count: Int) -> Set<Int>)?
    /// The generator for the records of a stream that come again.
    private(set) var repetition: FaultDice?
    /// The number of shards of a stream.
    private(set) var shardCount: Int?

    /// Adds the effect of a rule; of several effects of one kind, the first counts.
    ///
    /// - Parameters:
    ///   - rule: The rule.
    ///   - request: The request.
    ///   - dice: The generator for the fault's choices.
    ///   - isOnDemand: Whether a table is paid by request.
    mutating func add(
        _ rule: ActiveRule, _ request: FaultedRequest, _ dice: inout FaultDice,
        _ isOnDemand: (String) -> Bool
    ) {
        switch rule.rule.fault {
        case .latency(let range):
            let count = range.upperBound - range.lowerBound + 1
            delay += .milliseconds(range.lowerBound + dice.below(count))
        case .throttle(let exception):
            refuse { DynamoDBResponse.throttled(exception, request, &dice, isOnDemand) }
        case .transactionConflict: refuse { DynamoDBResponse.conflict(request, &dice) }
        case .internalError(let outcome):
            let isAfter = outcome == .after || outcome == .either && dice.below(2) == 1
            if isAfter {
                losesAnswer = true
            } else {
                refuse { DynamoDBResponse.internalError }
            }
        case .staleIndex: states = states ?? rule.states
        case .unprocessed(let share):
            unprocessed = unprocessed ?? Self.choosing(share, dice)
        case .duplicateRecords: repetition = repetition ?? dice
        case .splitStream(let count): shardCount = shardCount ?? count
        }
    }

    private mutating func refuse(_ response: () -> DynamoDBResponse?) {
        if refusal == nil { refusal = response() }
    }

    /// Chooses a share of a batch, but neither none nor all of it.
    private static func choosing(
        _ share: Double, _ dice: FaultDice
    ) -> @Sendable (_ count: Int) -> Set<Int> {
        return { count in
            guard count > 1 else { return [] }
            var dice = dice
            let wanted = Int((Double(count) * share).rounded())
            return dice.places(min(max(1, wanted), count - 1), of: count)
        }
    }
}

// MARK: Answers

extension DynamoDBResponse {
    /// The answer of a request that failed for an unknown reason.
    ///
    /// Its text is DynamoDB's (aws-sdk-js#3891).
    static var internalError: DynamoDBResponse {
        .error("InternalServerError", "Internal server error", status: 500)
    }

    /// The answer to a request whose item another transaction works on.
    ///
    /// The texts are in "TransactionCanceledException" of DynamoDB's API reference.
    ///
    /// - Returns: The answer; `nil` for a transaction without actions, which the service refuses.
    fileprivate static func conflict(
        _ request: FaultedRequest, _ dice: inout FaultDice
    ) -> DynamoDBResponse? {
        let message = "Transaction is ongoing for the item"
        guard request.isTransaction else {
            return Self.error("TransactionConflictException", message)
        }
        return cancelled(request, "TransactionConflict", message, &dice)
    }

    /// The answer to a request that is refused for its rate.
    ///
    /// - Returns: The answer; `nil` for a transaction without actions, which the service refuses.
    fileprivate static func throttled(
        _ exception: Fault.Throttling?, _ request: FaultedRequest, _ dice: inout FaultDice,
        _ isOnDemand: (String) -> Bool
    ) -> DynamoDBResponse? {
        if let exception {
            let text = exception.text(isAboutTables: request.isAboutTables)
            return Self.error(exception.rawValue, text)
        }
        let isProvisioned =
            !request.isAboutTables && request.outline.tables.contains { !isOnDemand($0) }
        let usual = isProvisioned ? Fault.Throttling.provisionedThroughput : .rate
        let text = usual.text(isAboutTables: request.isAboutTables)
        guard request.isTransaction else { return Self.error(usual.rawValue, text) }
        let code = isProvisioned ? "ProvisionedThroughputExceeded" : "ThrottlingError"
        return cancelled(request, code, text, &dice)
    }

    /// The error of a transaction that one of its actions cancels.
    private static func cancelled(
        _ request: FaultedRequest, _ code: String, _ message: String, _ dice: inout FaultDice
    ) -> DynamoDBResponse? {
        let count = request.outline.actionCount
        guard count > 0 else { return nil }
        let place = dice.below(count)
        let reasons: [(code: String, message: String?)] = (0..<count).map { index in
            if index == place { return (code: code, message: message) }
            return (code: "None", message: nil)
        }
        return Self.cancellation(reasons)
    }
}

extension Fault.Throttling {
    /// DynamoDB's text.
    ///
    /// Sources: "Error handling with DynamoDB" in its developer guide,
    /// "TransactionCanceledException" in its API reference, and answers that users of the service
    /// quote in benhutchins/dyngoose#668 and aws-appsync-community#336.
    fileprivate func text(isAboutTables: Bool) -> String {
        switch self {
        case .provisionedThroughput:
            "The level of configured provisioned throughput for the table was exceeded. Consider "
                + "increasing your provisioning level with the UpdateTable API."
        case .rate where isAboutTables: "Rate of requests exceeds the allowed throughput."
        case .rate:
            "Throughput exceeds the current capacity of your table or index. DynamoDB is "
                + "automatically scaling your table or index so please try again shortly. If "
                + "exceptions persist, check if you have a hot key: "
                + "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
                + "bp-partition-key-design.html"
        case .account:
            "Throughput exceeds the current throughput limit for your account. Please contact AWS "
                + "Support at https://aws.amazon.com/support to request a limit increase"
        }
    }
}
