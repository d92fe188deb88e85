internal import CodexCore

/// What a process asks the store for.
struct RateRequest: Sendable {
    /// How many wait for a permit.
    let needed: Int
    /// How many more are to be taken in advance.
    let extra: Int
    /// How many slots ahead they are to count.
    let ahead: Int
    let settlement: RateSettlement
    /// What the settlement is of.
    let basis: RateBasis
}

/// What the store answered.
struct RateAnswer: Sendable {
    /// How many permits were taken.
    let granted: Int
    /// The slot that they count in.
    let slot: Int
    /// What else is free.
    let free: Int
    /// When the oldest that counts does not any more.
    let freeAt: Double
    /// The moment of the transaction.
    let instant: RateInstant
}

/// What is to be done for one who asks.
enum RateStep: Sendable {
    case verdict(RateLimiter.Verdict)
    case failure(any Error)
    /// The caller is the one that asks the store.
    case ask
}

/// What a process knows of a subject, and who waits for it to know more.
///
/// One of those who want a permit asks the store, for all that wait by then. Those that come
/// meanwhile wait, and one of them asks next, for all of them.
struct RateSubject {
    typealias Waiter = CheckedContinuation<RateStep, Never>
    typealias Resumption = (waiter: Waiter, step: RateStep)

    /// Permits that were taken and not used yet.
    private struct Held {
        var count: Int
        /// The slot that they count in, to whose end they are good.
        let slot: Int
        /// When they are good no more by the monotonic clock.
        let end: Double
    }
    private var held: Held?
    private var settlement = RateSettlement()
    /// When the settlement is of no use any more, by the monotonic clock.
    private var settlementEnd = 0.0
    /// How many more than are needed are taken.
    private var batch = 0
    /// What else is free in the store.
    private var free = 0
    /// The slot in which nothing was free, and until when.
    private var empty: (slot: Int, end: Double)?
    private var basis: RateBasis?
    private var isAsking = false
    private var waiters: [Waiter] = []

    /// Whether something is lost if it is forgotten.
    func matters(at instant: RateInstant) -> Bool {
        if isAsking { return true }
        guard basis == instant.basis else { return false }
        let slots = [held?.slot, settlement.lastSlot].compactMap { $0 }
        return slots.contains { $0 > instant.passedSlot - RateRule.slotCount }
    }

    // MARK: Asking

    /// What to do for one who wants a permit; `nil` is to wait for those who ask already.
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

    /// What to ask the store for, for all that wait.
    mutating func request(at instant: RateInstant, isFirst: Bool, ahead: Int) -> RateRequest {
        refresh(at: instant)
        return RateRequest(
            needed: 1 + waiters.count, extra: isFirst ? batch : 0, ahead: ahead,
            settlement: takeSettlement(), basis: instant.basis)
    }

    /// What to tell the store so that it has back what is not needed; `nil` if that is nothing.
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

    /// Uses a permit, if there is one.
    private mutating func use(at instant: RateInstant, _ rule: RateRule) -> RateLimiter.Verdict? {
        guard let slot = held?.slot, let count = held?.count, count > 0 else { return nil }
        held?.count = count - 1
        if instant.slot < slot { settlement.move(from: slot, to: instant.slot) }
        return rule.permission(remaining: count - 1 + free)
    }

    /// Lets go of what is not good any more.
    private mutating func refresh(at instant: RateInstant) {
        if basis != instant.basis || instant.elapsed > settlementEnd {
            // The counts may be others' by now: what was taken stays counted until it lapses.
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

    /// Takes an answer: who gets which verdict, and who asks next.
    ///
    /// Permits whose slot is over are of no use. They are asked for once more then, unless it was
    /// the last attempt.
    ///
    /// - Returns: The verdict of the one that asked, and what the others are to do; `nil` if it is
    ///   to ask again.
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
        // Who comes again in the same slot will come more often.
        batch = min(max(1, batch * 2), rule.limit)
    }

    /// Answers those who wait and were asked for, and others as far as there are permits.
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

    /// Lets the next of those who wait ask, for all of them.
    private mutating func handOver() -> [Resumption] {
        isAsking = !waiters.isEmpty
        return isAsking ? [(waiters.removeFirst(), .ask)] : []
    }

    /// Ends a request that failed: all fail who waited, unless it was only taken back.
    mutating func fail(_ error: any Error, _ request: RateRequest) -> [Resumption] {
        restore(request, after: error)
        if error is CancellationError || (error as? CodexError)?.code == .cancelled {
            return handOver()
        }
        defer { (waiters, isAsking) = ([], false) }
        return waiters.map { ($0, .failure(error)) }
    }

    /// Keeps what was to be settled, unless it may have been.
    mutating func restore(_ request: RateRequest, after error: any Error) {
        guard (error as? CodexError)?.code != .outcomeUnknown, basis == request.basis else {
            return
        }
        settlement.add(request.settlement)
    }
}
