public import CodexCore

/// Limits how often each of many subjects may do something in a window of time.
///
/// The limit holds in all processes together and across restarts.
///
/// ```swift
/// let limiter = try RateLimiter(
///     store, windows: RequestCounts.self, name: "api", limit: 100, window: .seconds(60))
/// let verdict = try await limiter.acquire(for: "123")
/// guard verdict.isAllowed else { return tooManyRequests(after: verdict.retryAfter) }
/// ```
///
/// The window slides: no period of its length has more uses than the limit. The store keeps the
/// window as counts of its sixtieths (``RateWindowEntity``). The oldest sixtieth counts as a whole,
/// so a permit is free at most a sixtieth of the window late.
///
/// A process takes permits from the store in a transaction. A frequent subject gets some more
/// permits at once, valid for the current sixtieth. The next transaction returns the unused ones.
/// So a subject with a thousand requests a second costs a few commits a second, and not a thousand.
/// If several processes share a limit, each may hold some permits that the others lack meanwhile.
///
/// A permit is invalid once its sixtieth is over. If commits take that long, permits are taken for
/// a later sixtieth, and may be used until then. A call waits for six commits at most: three of
/// another call that is already asking, and three of its own request or of one on its behalf. A
/// commit of more than a minute may end in a refusal.
///
/// A jump of the wall clock frees nothing, in a process that has the limiter by then. Time follows
/// the monotonic clock until both clocks have agreed for a window, unless
/// ``StoreOptions/clockConfirmation`` is zero. After a clock is set back, uses may count for two
/// windows and a minute. A process that starts after a jump trusts its clock.
///
/// Any number of tasks may use a limiter.
public final class RateLimiter: Sendable {
    /// The answer of a limiter to one request.
    public struct Verdict: Sendable, Hashable {
        /// Whether the use is allowed.
        public let isAllowed: Bool
        /// The limit.
        public let limit: Int
        /// The number of further uses that are free now, as far as this process knows.
        public let remaining: Int
        /// The time to wait before the next request; `nil` if this one is allowed.
        public let retryAfter: Duration?
    }

    /// The maximum number of uses in a window.
    public let limit: Int
    /// The length of the window.
    public let window: Duration
    private let name: String
    private let store: Store
    /// The entity type of the stored windows.
    private let windows: any RateWindowEntity.Type
    private let rule: RateRule
    private let state: Locked<RateState>

    /// The maximum number of commits for one request.
    private static let attemptCountMax = 3

    /// Creates a limiter.
    ///
    /// - Parameters:
    ///   - store: The store that has the windows.
    ///   - windows: The entity type of the windows, which the store's schema has.
    ///   - name: The limit's name. Limiters with the same name share the windows of a subject, and
    ///     must have the same limit and window.
    ///   - limit: The maximum number of uses in a window, 1 to 1,000,000,000.
    ///   - window: The length of the window, a second to a day.
    /// - Throws: ``CodexError/Code/invalidArgument``, ``CodexError/Code/invalidIdentifier`` for a
    ///   name that no key may contain.
    public init(
        _ store: Store, windows: any RateWindowEntity.Type, name: String, limit: Int,
        window: Duration = .seconds(60)
    ) throws(CodexError) {
        guard (1...1_000_000_000).contains(limit), window >= .seconds(1),
            window <= .seconds(86_400)
        else {
            throw CodexError(
                .invalidArgument,
                "A limit is 1 to 1,000,000,000 in a window of a second to a day.")
        }
        try KeyTemplate.requirePart(name, name: "the limit")
        self.store = store
        self.windows = windows
        self.name = name
        self.limit = limit
        self.window = window
        let rule = RateRule(limit: limit, window: window)
        self.rule = rule
        let trustsWall = store.core.options.clockConfirmation == .zero
        state = Locked(RateState(rule, windows.definition, trustsWall: trustsWall))
    }

    /// Requests one use for a subject; if it is allowed, it counts.
    ///
    /// - Parameter subject: The subject: text that a key may contain.
    /// - Returns: The verdict.
    /// - Throws: ``CodexError/Code/invalidIdentifier`` for a subject that no key may contain, and
    ///   as ``Store/write(_:)-(_)``.
    public func acquire(for subject: String) async throws -> Verdict {
        var step = decide(subject)
        if step == nil { step = await waitForStep(subject) }
        switch step {
        case .verdict(let verdict)?: return verdict
        case .failure(let error)?: throw error
        case .ask?, nil: return try await ask(subject)
        }
    }

    /// Returns this process's unused permits to the store, for example before the process ends.
    ///
    /// Permits that are not returned count as used until the window is over.
    ///
    /// - Throws: As ``Store/write(_:)-(_)``.
    public func releaseUnused() async throws {
        for subject in state.withLock({ $0.names }) {
            let request = withSubject(subject) { subject, instant, _ in
                subject.release(at: instant)
            }
            guard let request else { continue }
            do {
                _ = try await answer(to: request, for: subject)
            } catch {
                withSubject(subject) { subject, _, _ in subject.restore(request, after: error) }
                throw error
            }
        }
    }

    // MARK: In this process

    /// The next step of a request; `nil` means to wait, and adds the waiter.
    private func decide(_ subject: String, _ waiter: RateSubject.Waiter? = nil) -> RateStep? {
        let rule = rule
        return withSubject(subject) { subject, instant, _ in
            let step = subject.step(at: instant, rule)
            if step == nil, let waiter { subject.wait(waiter) }
            return step
        }
    }

    private func waitForStep(_ subject: String) async -> RateStep {
        await withCheckedContinuation { continuation in
            if let step = decide(subject, continuation) { continuation.resume(returning: step) }
        }
    }

    /// Asks the store, and retries if a commit took so long that its permits are no longer valid.
    private func ask(_ subject: String) async throws -> Verdict {
        var attempt = 1
        while true {
            let request = makeRequest(for: subject, attempt)
            do {
                try KeyTemplate.requirePart(subject, name: "the subject")
                let answer = try await answer(to: request, for: subject)
                if let verdict = receive(answer, to: request, for: subject, attempt) {
                    return verdict
                }
            } catch {
                fail(request, for: subject, error)
                throw error
            }
            attempt += 1
        }
    }

    private func makeRequest(for subject: String, _ attempt: Int) -> RateRequest {
        let rule = rule
        return withSubject(subject) { subject, instant, pace in
            subject.request(
                at: instant, isFirst: attempt == 1, ahead: rule.ahead(attempt, pace: pace))
        }
    }

    /// Handles an answer; `nil` means to ask again.
    private func receive(
        _ answer: RateAnswer, to request: RateRequest, for subject: String, _ attempt: Int
    ) -> Verdict? {
        let (rule, isLast) = (rule, attempt == Self.attemptCountMax)
        let received = withState { state, instant in
            state.committed(from: answer.instant, to: instant)
            return state.withSubject(subject, at: instant) { subject in
                subject.receive(answer, to: request, at: instant, isLast: isLast, rule)
            }
        }
        guard let received else { return nil }
        Self.resume(received.others)
        return received.verdict
    }

    private func fail(_ request: RateRequest, for subject: String, _ error: any Error) {
        Self.resume(withSubject(subject) { subject, _, _ in subject.fail(error, request) })
    }

    private static func resume(_ others: [RateSubject.Resumption]) {
        for other in others { other.waiter.resume(returning: other.step) }
    }

    /// Calls `body` with a subject, the instant, and the length of commits in slots.
    @discardableResult
    private func withSubject<R>(
        _ name: String, _ body: (inout RateSubject, RateInstant, Double) -> R
    ) -> R {
        withState { state, instant in
            let pace = state.pace
            return state.withSubject(name, at: instant) { body(&$0, instant, pace) }
        }
    }

    private func withState<R>(_ body: (inout RateState, RateInstant) -> R) -> R {
        let (reading, catalog) = (readClocks(), store.core.catalog)
        return state.withLock { state in
            let instant = state.instant(reading, catalog)
            return body(&state, instant)
        }
    }

    /// Reads the clocks with no lock held, because they may be the host's.
    private func readClocks() -> RateReading {
        let core = store.core
        return RateReading(
            wall: RateRule.time(core.options.now()),
            elapsed: core.options.parts.monotonic().seconds)
    }

    // MARK: In the store

    private func answer(
        to request: RateRequest, for subject: String
    ) async throws -> RateAnswer {
        try await answer(windows, to: request, for: subject)
    }

    private func answer<Window: RateWindowEntity>(
        _ type: Window.Type, to request: RateRequest, for subject: String
    ) async throws -> RateAnswer {
        try await store.write { [self] transaction in
            let (reading, catalog) = (readClocks(), transaction.context.catalog)
            let instant = state.withLock { $0.instant(reading, catalog) }
            let stored = try RateWindowRead(transaction.context).window(
                Window.self, name, of: subject)
            var counts = RateCounts(stored, at: instant, rule)
            if instant.basis == request.basis { counts.apply(request.settlement) }
            let answer = counts.answer(request)
            if counts.isChanged {
                try transaction.put(counts.window(Window.self, name, of: subject))
            }
            return answer
        }
    }
}

/// Reads windows in a write transaction.
private struct RateWindowRead {
    private let context: WriteContext

    init(_ context: WriteContext) { self.context = context }

    /// The stored window, even if the wall clock considers it expired.
    ///
    /// By the time that has really passed it may not be expired.
    func window<Window: RateWindowEntity>(
        _ type: Window.Type, _ name: String, of subject: String
    ) throws -> Window? {
        let bound = try context.binding(type)
        var window: Window?
        try context.withKey(Window.primaryKey(of: subject, limit: name), bound.table) { key in
            _ = try context.withStoredBytes(bound.table, key) { bytes in
                try context.withFieldReader(bound, bytes) { reader throws(CodexError) in
                    window = try Window(reading: reader)
                }
            }
        }
        return window
    }
}
