internal import CodexCore

/// The corrections of a window's counts since its permits were taken.
struct RateSettlement: Sendable {
    /// Unused permits, by the slot that they count in.
    private(set) var unused: [Int: Int] = [:]
    /// Permits that were used before their slots, by the slot of their use, in which they count.
    private(set) var used: [Int: Int] = [:]

    var isEmpty: Bool { unused.isEmpty && used.isEmpty }

    /// The last slot that it corrects.
    var lastSlot: Int? { unused.keys.max() }

    mutating func release(_ count: Int, from slot: Int) {
        if count > 0 { unused[slot, default: 0] += count }
    }

    mutating func move(from slot: Int, to use: Int) {
        release(1, from: slot)
        used[use, default: 0] += 1
    }

    mutating func add(_ other: RateSettlement) {
        unused.merge(other.unused) { $0 + $1 }
        used.merge(other.used) { $0 + $1 }
    }
}

/// The counts of a window at an instant, by slot, without lapsed ones.
struct RateCounts {
    private(set) var bySlot: [Int: Int] = [:]
    /// Whether the window must be stored.
    private(set) var isChanged = false
    private let instant: RateInstant
    private let rule: RateRule

    /// Takes over the counts of a stored window.
    ///
    /// Lapsed counts are left out. A slot that is further ahead than any process takes permits for
    /// comes from a clock that was set back since. Its counts count in the present slot.
    init(_ stored: (any RateWindowEntity)?, at instant: RateInstant, _ rule: RateRule) {
        self.instant = instant
        self.rule = rule
        for (slot, count) in stored?.counts ?? [:] { add(count, in: slot) }
        // A sweep by a clock that was set ahead would remove it.
        if let stored, !bySlot.isEmpty, Double(stored.expiresAt) <= instant.time {
            isChanged = true
        }
    }

    /// The last slot in which another process may have permits, if its clock differs by some slots.
    private var lastSlot: Int { instant.slot + rule.aheadMax + RateRule.slotCount }

    private mutating func add(_ count: Int, in slot: Int) {
        guard count > 0, slot >= instant.passedSlot - RateRule.slotCount else { return }
        let isAhead = slot > lastSlot
        if isAhead { isChanged = true }
        let place = isAhead ? instant.slot : slot
        bySlot[place] = Self.sum(bySlot[place] ?? 0, count)
    }

    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflows) = left.addingReportingOverflow(right)
        return overflows ? .max : sum
    }

    /// Subtracts unused permits, and adds used ones in the slots of their use.
    mutating func apply(_ settlement: RateSettlement) {
        for (slot, count) in settlement.unused {
            // If a slot has fewer, the counts are of other processes, and stay.
            guard let known = bySlot[slot], known >= count else { continue }
            bySlot[slot] = known == count ? nil : known - count
            isChanged = true
        }
        for (slot, count) in settlement.used { add(count, in: slot) }
        if !settlement.used.isEmpty { isChanged = true }
    }

    /// Takes the requested permits, as far as they are free.
    mutating func answer(_ request: RateRequest) -> RateAnswer {
        let used = bySlot.values.reduce(0, Self.sum)
        let free = max(0, rule.limit - min(used, rule.limit))
        // An eighth of the free permits is the most in advance: the rest is for other processes.
        let granted = min(free, request.needed + min(request.extra, free / 8))
        let slot = instant.slot + request.ahead
        if granted > 0 {
            add(granted, in: slot)
            isChanged = true
        }
        let oldest = bySlot.keys.min() ?? instant.slot
        return RateAnswer(
            granted: granted, slot: slot, free: free - granted,
            freeAt: rule.start(oldest) + rule.lapseSeconds + (instant.time - instant.passed),
            instant: instant)
    }

    /// The window to store, which expires when all its counts have lapsed.
    func window<Window: RateWindowEntity>(
        _ type: Window.Type, _ name: String, of subject: String
    ) -> Window {
        let last = rule.start(bySlot.keys.max() ?? instant.slot)
        let end = max(last, instant.time) + rule.lapseSeconds
        return Window(
            subject: subject, name: name, counts: bySlot, expiresAt: Int(end.rounded(.up)))
    }
}
