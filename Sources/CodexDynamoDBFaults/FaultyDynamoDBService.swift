public import CodexCore
public import CodexDynamoDB
internal import CodexStore

/// A service that shows faults which DynamoDB's clients must expect.
///
/// ```swift
/// let plan = FaultPlan(seed: 7, rules: [
///     FaultRule(.throttle(nil), operations: ["PutItem"], schedule: .rate(0.1))
/// ])
/// let service = try FaultyDynamoDBService(DynamoDBService(store), plan: plan)
/// ```
///
/// Errors have DynamoDB's types and texts. Requests without a known operation get no fault.
///
/// Any number of tasks may use it at once. Then the order of requests, and with it the requests
/// that are hit, is not the same in each run.
public final class FaultyDynamoDBService: DynamoDBResponder {
    private let service: DynamoDBService
    private let rules: [ActiveRule]
    private let sleep: @Sendable (Duration) async -> Void

    /// Wraps a service.
    ///
    /// - Parameters:
    ///   - service: The service.
    ///   - plan: The faults.
    ///   - elapsed: The time since any fixed instant, for the age of indexes; `nil` is the time
    ///     since this call.
    ///   - sleep: Waits for a latency to pass.
    /// - Throws: ``CodexError/Code/invalidArgument`` with the path of a wrong value of the plan.
    public init(
        _ service: DynamoDBService, plan: FaultPlan,
        elapsed: (@Sendable () -> Duration)? = nil,
        sleep: @escaping @Sendable (Duration) async -> Void = {
            // A task that is cancelled goes on at once.
            try? await _Concurrency.Task.sleep(for: $0)
        }
    ) throws(CodexError) {
        try plan.validate()
        let start = ContinuousClock.now
        let elapsed = elapsed ?? { ContinuousClock.now - start }
        self.service = service
        self.sleep = sleep
        rules = plan.rules.enumerated().map { index, rule in
            ActiveRule(rule, at: index, seed: plan.seed, elapsed: elapsed)
        }
    }

    /// Performs a request, with the faults that hit it.
    ///
    /// - Parameters:
    ///   - target: The header `X-Amz-Target`, such as `DynamoDB_20120810.GetItem`.
    ///   - body: The request's body.
    ///   - budget: The limits on the request's time and memory. A latency counts as its time.
    /// - Returns: The response, also for an error.
    public func response(
        target: String?, body: [UInt8], budget: RequestBudget = RequestBudget()
    ) async -> DynamoDBResponse {
        guard let operation = DynamoDBService.operationName(ofTarget: target) else {
            return await service.response(target: target, body: body, budget: budget)
        }
        let request = FaultedRequest(operation, body, budget)
        let effects = effects(on: request)
        if effects.delay > .zero { await sleep(effects.delay) }
        if let refusal = effects.refusal { return refusal }
        if request.mayWrite { keepStates() }
        var budget = budget
        budget.faults.indexState = effects.states?.state
        budget.faults.unprocessed = effects.unprocessed
        if let count = effects.shardCount { budget.faults.splitStreams(into: count) }
        let response = await service.response(target: target, body: body, budget: budget)
        if request.mayChangeTables { for rule in rules { rule.states?.removeAll() } }
        guard response.status == 200 else { return response }
        if effects.losesAnswer { return .internalError }
        return repeating(response, effects, budget)
    }

    // MARK: Effects

    private func effects(on request: FaultedRequest) -> FaultEffects {
        var effects = FaultEffects()
        for rule in rules {
            guard var dice = rule.dice(for: request) else { continue }
            effects.add(rule, request, &dice) { service.isOnDemand($0) }
        }
        return effects
    }

    private func repeating(
        _ response: DynamoDBResponse, _ effects: FaultEffects, _ budget: RequestBudget
    ) -> DynamoDBResponse {
        guard var dice = effects.repetition else { return response }
        let repeated = try? response.repeatingRecords(budget) { count in
            let end = 1 + dice.below(count)
            return dice.below(end)..<end
        }
        return repeated ?? response
    }

    // MARK: Past states

    /// Holds the present state for all rules that need it, and ends it in time.
    private func keepStates() {
        for rule in rules {
            guard let states = rule.states, states.keep({ try service.holdState() }) else {
                continue
            }
            // The state must end even if no further request comes.
            _Concurrency.Task { [sleep] in
                await sleep(states.age)
                states.removeOld()
            }
        }
    }
}
