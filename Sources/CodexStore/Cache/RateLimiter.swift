public import CodexCore

/// Lets something be done so often in any time of some length, by each of many subjects, in all
/// processes together and across restarts.
///
/// ```swift
/// let limiter = try RateLimiter(
///     store, windows: RequestCounts.self, name: "api", limit: 100, window: .seconds(60))
/// let verdict = try await limiter.acquire(for: "123")
/// guard verdict.isAllowed else { return tooManyRequests(after: verdict.retryAfter) }
/// ```
///
/// The window slides: in no time of its length is more let through than the limit. It is kept in
/// the store as counts by sixtieths of the window (``RateWindowEntity``). The oldest counts as a
/// whole, so at most a sixtieth of the window passes until something is free again.
///
/// A process takes permits from the store in a transaction. Who asks often gets some more at once,
/// good for the current sixtieth, and what is left of them is given back with the next. So a
/// subject that asks a thousand times a second costs some commits a second, and not a thousand.
/// Where several processes share a limit, each may hold some that the others lack meanwhile.
///
/// A permit is of no use once its sixtieth is over. Where commits take that long, permits are taken
/// for a later sixtieth, and may be used until then. A call waits for six commits at most: three of
/// another call that asks already, and three of its own, or of one that asks for it. A commit of
/// more than a minute may end in a refusal.
///
/// A jump of the wall clock frees nothing, in a process that has the limiter by then. Time passes
/// by the monotonic clock until both clocks have agreed for a window, unless
/// ``StoreOptions/clockConfirmation`` is zero. After a clock is set back, what was counted may
/// count for two windows and a minute. A process that begins after a jump trusts its clock.
///
/// It may be used by any number of tasks.
public final class RateLimiter: Sendable {
    /// Whether something may be done.
    public struct Verdict: Sendable, Hashable {
        /// Whether it may.
        public let isAllowed: Bool
        /// The limit.
        public let limit: Int
        /// How often more it may be done at once, as far as this process knows.
        public let remaining: Int
        /// When to ask again; `nil` if it may be done.
        public let retryAfter: Duration?
    }

    /// The most that is let through in a window.
    public let limit: Int
    /// The window.
    public let window: Duration
    private let name: String
    private let store: Store
    /// The entity that the windows are stored as.
    private let windows: any RateWindowEntity.Type
    private let rule: RateRule
    private let state: Locked<RateState>

    /// Most commits of one request.
    private static let attemptCountMax = 3

    /// Creates a limiter.
    ///
    /// - Parameters:
    ///   - store: Where the windows are.
    ///   - windows: The entity that they are stored as, which the store's schema has.
    ///   - name: The limit's name: those with the same name and subject share their windows, and
    ///     are to have the same limit and window.
    ///   - limit: The most that is let through in a window, 1 or more.
    ///   - window: The window, a second to a day.
    /// - Throws: ``CodexError/Code/invalidArgument``, ``CodexError/Code/invalidIdentifier`` for a name
    ///   that cannot stand in a key.
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

    /// Whether a subject may do it once more; if it may, it counts.
    ///
    /// - Parameter subject: Who does it: text that can stand in a key.
    /// - Returns: The verdict.
    /// - Throws: ``CodexError/Code/invalidIdentifier`` for a subject that cannot stand in a key, and as
    ///   ``Store/write(_:)-(_)``.
    public func acquire(for subject: String) async throws -> Verdict {
        var step = decide(subject)
        if step == nil { step = await waitForStep(subject) }
        switch step {
        case .verdict(let verdict)?: return verdict
        case .failure(let error)?: throw error
        case .ask?, nil: return try await ask(subject)
        }
    }

    /// Gives back what this process took and did not use: before it ends, say.
    ///
    /// What is not given back counts as used until the window is over.
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

    /// What to do now; `nil` is to wait, which a waiter does from now on.
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

    /// Asks the store, again if a commit took so long that its permits are of no use any more.
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

    /// Takes an answer; `nil` is to ask again.
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

    /// Calls `body` with a subject, this moment, and how many slots commits take.
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

    /// Reads the clocks, which are the host's: with no lock held.
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

    /// The stored window, also one that the wall clock takes for expired.
    ///
    /// By the time that has passed it may not be.
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
