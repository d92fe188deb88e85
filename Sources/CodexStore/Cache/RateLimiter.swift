public import CodexCore
internal import FoundationEssentials
internal import Synchronization

/// Lets something be done so often in any time of some length, by each of many subjects, in all
/// processes together and across restarts.
///
/// ```swift
/// let limiter = try RateLimiter(store, name: "api", limit: 100, window: .seconds(60))
/// let verdict = try await limiter.take(for: "123")
/// guard verdict.isAllowed else { return tooManyRequests(after: verdict.retryAfter) }
/// ```
///
/// The window slides: in no time of its length is more let through than the limit. It is kept in the
/// store as counts by sixtieths of the window (``CodexFlow/RateWindow``), of which the oldest counts as a
/// whole, so at most a sixtieth of the window passes until something is free again.
///
/// A process takes permits from the store in a transaction; who asks often gets some more at once, good
/// for the current sixtieth, and what is left of them is given back with the next. So a subject that
/// asks a thousand times a second costs some commits a second, and not a thousand. Where several
/// processes share a limit, each may hold some that the others lack meanwhile.
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
    private let slotSeconds: Double

    private static let slotCount = 60
    private static let subjectCountMax = 10_000

    /// What this process knows of a subject.
    private struct Subject {
        /// The slot that the rest is about.
        var slot = 0
        /// Permits that are not used yet.
        var permits = 0
        /// Permits that were not used in their slots.
        var unused: [Int: Int] = [:]
        /// How many more than are needed are taken.
        var batch = 0
        /// What is free in the store besides.
        var free = 0
        /// Until when there is nothing, as the store said; in this slot only.
        var isEmpty = false
        var emptyUntil = 0.0
        var isAsking = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }
    private struct State {
        var subjects: [String: Subject] = [:]
        /// How many there may be before those are forgotten that do not matter.
        var countMax = RateLimiter.subjectCountMax
    }
    private let state = Locked(State())

    /// Creates a limiter.
    ///
    /// - Parameters:
    ///   - store: Where the windows are.
    ///   - name: The limit's name: those with the same name and subject share their windows.
    ///   - limit: The most that is let through in a window, 1 or more.
    ///   - window: The window, a second to a day.
    /// - Throws: ``CodexError/Code/invalidArgument``, ``CodexError/Code/invalidIdentifier`` for a name
    ///   that cannot stand in a key.
    public init(
        _ store: Store, name: String, limit: Int, window: Duration = .seconds(60)
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
        self.name = name
        self.limit = limit
        self.window = window
        slotSeconds = window.seconds / Double(Self.slotCount)
    }

    /// Whether a subject may do it once more; if it may, it counts.
    ///
    /// - Parameter subject: Who does it: text that can stand in a key.
    /// - Returns: The verdict.
    /// - Throws: ``CodexError/Code/invalidIdentifier`` for a subject that cannot stand in a key, and as
    ///   ``Store/write(_:)-(_)``.
    public func take(for subject: String) async throws -> Verdict {
        while true {
            let now = store.core.options.now().timeIntervalSince1970
            switch decide(subject, now) {
            case .verdict(let verdict): return verdict
            case .wait: await waitForAnswer(subject)
            case .ask(let unused, let batch):
                try KeyTemplate.requirePart(subject, name: "the subject")
                do {
                    let answer = try await ask(subject, now, giveBack: unused, extra: batch)
                    receive(answer, for: subject, now)
                } catch {
                    receive(nil, for: subject, now, lost: unused)
                    throw error
                }
            }
        }
    }

    /// Gives back what this process took and did not use: before it ends, say.
    ///
    /// What is not given back counts as used until the window is over.
    ///
    /// - Throws: As ``Store/write(_:)-(_)``.
    public func giveBack() async throws {
        let held = state.withLock { state -> [String: [Int: Int]] in
            var held: [String: [Int: Int]] = [:]
            for (name, subject) in state.subjects where !subject.isAsking {
                var unused = subject.unused
                if subject.permits > 0 { unused[subject.slot, default: 0] += subject.permits }
                state.subjects[name]?.permits = 0
                state.subjects[name]?.unused = [:]
                if !unused.isEmpty { held[name] = unused }
            }
            return held
        }
        let now = store.core.options.now().timeIntervalSince1970
        for (subject, unused) in held {
            _ = try await ask(subject, now, giveBack: unused, extra: 0, needed: 0)
        }
    }

    // MARK: In this process

    private enum Step {
        case verdict(Verdict)
        /// Somebody asks the store already.
        case wait
        case ask(giveBack: [Int: Int], extra: Int)
    }

    private func decide(_ name: String, _ now: Double) -> Step {
        let slot = slot(now)
        return state.withLock { state in
            if state.subjects.count >= state.countMax, state.subjects[name] == nil {
                // Those that asked for nothing in a window hold nothing that counts.
                state.subjects = state.subjects.filter {
                    $0.value.isAsking || $0.value.slot > slot - Self.slotCount
                }
                state.countMax = max(Self.subjectCountMax, 2 * state.subjects.count)
            }
            var subject = state.subjects[name] ?? Subject()
            defer { state.subjects[name] = subject }
            if subject.isAsking { return .wait }
            if subject.slot != slot {
                if subject.permits > 0 {
                    subject.unused[subject.slot, default: 0] += subject.permits
                }
                subject.unused = subject.unused.filter { $0.key > slot - Self.slotCount - 1 }
                (subject.slot, subject.permits, subject.batch) = (slot, 0, 0)
                subject.isEmpty = false
            }
            if subject.permits > 0 {
                subject.permits -= 1
                return .verdict(
                    Verdict(
                        isAllowed: true, limit: limit, remaining: subject.permits + subject.free,
                        retryAfter: nil))
            }
            if subject.isEmpty {
                // No earlier than the next slot: others may have given back.
                let wait = max(0.001, min(subject.emptyUntil, Double(slot + 1) * slotSeconds) - now)
                return .verdict(
                    Verdict(
                        isAllowed: false, limit: limit, remaining: 0,
                        retryAfter: .milliseconds(Int((wait * 1000).rounded(.up)))))
            }
            subject.isAsking = true
            defer { subject.unused = [:] }
            return .ask(giveBack: subject.unused, extra: subject.batch)
        }
    }

    private func waitForAnswer(_ name: String) async {
        await withCheckedContinuation { continuation in
            let isWaiting = state.withLock { state in
                guard state.subjects[name]?.isAsking == true else { return false }
                state.subjects[name]?.waiters.append(continuation)
                return true
            }
            if !isWaiting { continuation.resume() }
        }
    }

    private func receive(
        _ answer: Answer?, for name: String, _ asked: Double, lost: [Int: Int] = [:]
    ) {
        let waiters = state.withLock { state in
            var subject = state.subjects[name] ?? Subject()
            defer { state.subjects[name] = subject }
            subject.isAsking = false
            subject.unused.merge(lost) { $0 + $1 }
            if let answer {
                subject.permits += answer.granted
                subject.free = answer.free
                subject.isEmpty = answer.granted == 0
                subject.emptyUntil = answer.freeAt
                // Who comes again in the same slot will come more often.
                subject.batch = min(max(1, subject.batch * 2), limit)
            }
            defer { subject.waiters = [] }
            return subject.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    // MARK: In the store

    private struct Answer {
        let granted: Int
        let free: Int
        /// When the oldest that counts does not any more, in seconds since 1970.
        let freeAt: Double
    }

    private func slot(_ now: Double) -> Int {
        Int(max(-1e15, min(1e15, (now / slotSeconds).rounded(.down))))
    }

    private func ask(
        _ subject: String, _ now: Double, giveBack unused: [Int: Int], extra: Int, needed: Int = 1
    ) async throws -> Answer {
        let (name, limit, slotSeconds, window) = (name, limit, slotSeconds, window.seconds)
        let slot = slot(now)
        return try await store.write { transaction in
            let stored = try transaction.get(.rateWindow(name, of: subject))
            // Clocks of processes differ by some slots; what is further ahead is none of this window.
            let slots = slot - Self.slotCount...slot + Self.slotCount
            var counts = (stored?.counts ?? [:]).filter { slots.contains($0.key) }
            for (slot, count) in unused {
                guard let known = counts[slot] else { continue }
                counts[slot] = known > count ? known - count : nil
            }
            let used = counts.values.reduce(0) { sum, count in
                let (total, overflows) = sum.addingReportingOverflow(max(0, count))
                return overflows ? .max : total
            }
            let free = max(0, limit - min(used, limit))
            // The others' share is left to them.
            let granted = min(free, needed + min(extra, free / 8))
            if granted > 0 { counts[slot] = max(0, counts[slot] ?? 0) + granted }
            if counts != stored?.counts ?? [:] {
                let end = (now + window + slotSeconds).rounded(.up)
                try transaction.put(
                    CodexFlow.RateWindow(
                        subject: subject, name: name, counts: counts, expiresAt: Int(end)))
            }
            let oldest = counts.keys.min() ?? slot
            return Answer(
                granted: granted, free: free - granted,
                freeAt: Double(oldest + Self.slotCount + 1) * slotSeconds)
        }
    }
}
