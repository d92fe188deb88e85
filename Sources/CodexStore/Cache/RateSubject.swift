internal import CodexCore

/// A process's request to the store.
struct RateRequest: Sendable {
    /// The number of callers that wait for a permit.
    let needed: Int
    /// The number of further permits to take in advance.
    let extra: Int
    /// The number of slots between the present one and the permits' slot.
    let ahead: Int
    let settlement: RateSettlement
    /// The basis of the settlement.
    let basis: RateBasis
}

/// The store's answer.
struct RateAnswer: Sendable {
    /// The number of permits that were taken.
    let granted: Int
    /// The slot that they count in.
    let slot: Int
    /// The number of permits that are still free.
    let free: Int
    /// The time at which the oldest count lapses.
    let freeAt: Double
    /// The instant of the transaction.
    let instant: RateInstant
}

/// The next step for a caller.
enum RateStep: Sendable {
    case verdict(RateLimiter.Verdict)
    case failure(any Error)
    /// The caller must ask the store.
    case ask
}

/// The state of a subject in a process: its permits and its waiting callers.
///
/// One caller asks the store, for all that wait by then. Callers that come meanwhile wait, and one
/// of them asks next, for all of them.
struct RateSubject {
    typealias Waiter = CheckedContinuation<RateStep, Never>
    typealias Resumption = (waiter: Waiter, step: RateStep)

    /// Permits that were taken and are not used yet.
    private struct Held {
        var count: Int
        /// Their slot: they are valid until its end.
        let slot: Int
        /// The time at which they become invalid, by the monotonic clock.
        let end: Double
    }
    private var held: Held?
    private var settlement = RateSettlement()
    /// The time at which the settlement becomes useless, by the monotonic clock.
    private var settlementEnd = 0.0
    /// The number of permits to take in advance.
    private var batch = 0
    /// The number of further free permits in the store.
    private var free = 0
    /// The slot in which nothing was free, and the end of that state.
    private var empty: (slot: Int, end: Double)?
    private var basis: RateBasis?
    private var isAsking = false
    private var waiters: [Waiter] = []

    /// Whether its removal would lose something.
    func matters(at instant: RateInstant) -> Bool {
        if isAsking { return true }
        guard basis == instant.basis else { return false }
        let slots = [held?.slot, settlement.lastSlot].compactMap { $0 }
        return slots.contains { $0 > instant.passedSlot - RateRule.slotCount }
    }

    // MARK: Asking

    /// The next step for a caller; `nil` means to wait for the caller that is asking.
    mutating func step(at instant: RateInstant, _ rule: RateRule) -> RateStep? {
        if isAsking { return nil }
        refresh(at: instant)
        if let verdict = use(at: instant, rule) { return .verdict(verdict) }
        if let empty, empty.slot == instant.slot {
            return .verdict(rule.refusal(at: instant, until: empty.end))
        }
        isAsking = true
        return .ask
    }

    mutating func wait(_ waiter: Waiter) { waiters.append(waiter) }

    /// The request to the store, on behalf of all waiting callers.
    mutating func request(at instant: RateInstant, isFirst: Bool, ahead: Int) -> RateRequest {
        refresh(at: instant)
        return RateRequest(
            needed: 1 + waiters.count, extra: isFirst ? batch : 0, ahead: ahead,
            settlement: takeSettlement(), basis: instant.basis)
    }

    /// The request that returns unused permits to the store; `nil` if there are none.
    mutating func release(at instant: RateInstant) -> RateRequest? {
        if isAsking { return nil }
        refresh(at: instant)
        dropHeld()
        guard !settlement.isEmpty else { return nil }
        return RateRequest(
            needed: 0, extra: 0, ahead: 0, settlement: takeSettlement(), basis: instant.basis)
    }

    private mutating func takeSettlement() -> RateSettlement {
        defer { settlement = RateSettlement() }
        return settlement
    }

    // MARK: Permits

    /// Uses a permit, if there is a valid one.
    private mutating func use(at instant: RateInstant, _ rule: RateRule) -> RateLimiter.Verdict? {
        guard let slot = held?.slot, let count = held?.count, count > 0 else { return nil }
        held?.count = count - 1
        if instant.slot < slot { settlement.move(from: slot, to: instant.slot) }
        return rule.permission(remaining: count - 1 + free)
    }

    /// Drops permits and settlements that are no longer valid.
    private mutating func refresh(at instant: RateInstant) {
        if basis != instant.basis || instant.elapsed > settlementEnd {
            // The counts may be of another window now: taken permits count until they lapse.
            held = nil
            settlement = RateSettlement()
            empty = nil
            batch = 0
            basis = instant.basis
        }
        guard let held else { return }
        if instant.slot > held.slot { batch = 0 }
        if instant.slot > held.slot || instant.elapsed > held.end { dropHeld() }
    }

    private mutating func dropHeld() {
        if let held { settlement.release(held.count, from: held.slot) }
        held = nil
    }

    // MARK: Answers

    /// Handles an answer: the verdicts of the waiting callers, and the next caller to ask.
    ///
    /// Permits whose slot is over are invalid. They are requested again, unless it was the last
    /// attempt.
    ///
    /// - Returns: The verdict of the caller that asked, and the steps of the others; `nil` if that
    ///   caller must ask again.
    mutating func receive(
        _ answer: RateAnswer, to request: RateRequest, at instant: RateInstant, isLast: Bool,
        _ rule: RateRule
    ) -> (verdict: RateLimiter.Verdict, others: [Resumption])? {
        refresh(at: instant)
        let isSame = instant.basis == request.basis && instant.basis == answer.instant.basis
        let isLate = answer.granted > 0 && (instant.slot > answer.slot || !isSame)
        if isSame {
            let ahead = Double(answer.slot - answer.instant.slot) * rule.slotSeconds
            settlementEnd = answer.instant.elapsed + ahead + rule.lapseSeconds
            if isLate { settlement.release(answer.granted, from: answer.slot) }
        }
        if isLate, !isLast { return nil }
        let isEmpty = !isLate && answer.granted < request.needed
        if !isLate { take(answer, rule) }
        if isEmpty { empty = (instant.slot, answer.freeAt) }
        let refusal = rule.refusal(at: instant, until: isEmpty ? answer.freeAt : .infinity)
        let verdict = use(at: instant, rule) ?? refusal
        return (verdict, serve(request, isEmpty: isEmpty, refusal, at: instant, rule))
    }

    private mutating func take(_ answer: RateAnswer, _ rule: RateRule) {
        free = answer.free
        guard answer.granted > 0 else { return }
        let slots = Double(answer.slot - answer.instant.slot + 2)
        held = Held(
            count: answer.granted, slot: answer.slot,
            end: answer.instant.elapsed + slots * rule.slotSeconds)
        // A subject that returns in the same slot will probably return more often.
        batch = min(max(1, batch * 2), rule.limit)
    }

    /// Answers the callers that the request included, and others as far as there are permits.
    private mutating func serve(
        _ request: RateRequest, isEmpty: Bool, _ refusal: RateLimiter.Verdict,
        at instant: RateInstant, _ rule: RateRule
    ) -> [Resumption] {
        var resumptions: [Resumption] = []
        for (place, waiter) in waiters.enumerated() {
            if let verdict = use(at: instant, rule) {
                resumptions.append((waiter, .verdict(verdict)))
            } else if isEmpty || place < request.needed - 1 {
                resumptions.append((waiter, .verdict(refusal)))
            } else {
                break
            }
        }
        waiters.removeFirst(resumptions.count)
        return resumptions + handOver()
    }

    /// Makes the next waiting caller ask, for all of them.
    private mutating func handOver() -> [Resumption] {
        isAsking = !waiters.isEmpty
        return isAsking ? [(waiters.removeFirst(), .ask)] : []
    }

    /// Ends a failed request: all waiting callers fail, unless only the asking task was cancelled.
    mutating func fail(_ error: any Error, _ request: RateRequest) -> [Resumption] {
        restore(request, after: error)
        if error is CancellationError || (error as? CodexError)?.code == .cancelled {
            return handOver()
        }
        defer { (waiters, isAsking) = ([], false) }
        return waiters.map { ($0, .failure(error)) }
    }

    /// Restores the request's settlement, unless the store may have applied it.
    mutating func restore(_ request: RateRequest, after error: any Error) {
        guard (error as? CodexError)?.code != .outcomeUnknown, basis == request.basis else {
            return
        }
        settlement.add(request.settlement)
    }
}
