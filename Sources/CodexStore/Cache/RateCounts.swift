internal import CodexCore

/// What is to change in the counts of a window since its permits were taken.
struct RateSettlement: Sendable {
    /// Permits that were not used in the slots that they count in, by slot.
    private(set) var unused: [Int: Int] = [:]
    /// Permits that were used before those slots, by the slot of their use: there they count.
    private(set) var used: [Int: Int] = [:]

    var isEmpty: Bool { unused.isEmpty && used.isEmpty }

    /// The last slot that it is about.
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

/// The counts of a window at a moment, by slot: those that count.
struct RateCounts {
    private(set) var bySlot: [Int: Int] = [:]
    /// Whether they are to be stored.
    private(set) var isChanged = false
    private let instant: RateInstant
    private let rule: RateRule

    /// Takes over what is stored, whatever it is.
    ///
    /// What is over is left out. A slot that is further ahead than any process takes permits for is
    /// of a clock that was set back since: what counts there counts from now on.
    init(_ stored: (any RateWindowEntity)?, at instant: RateInstant, _ rule: RateRule) {
        self.instant = instant
        self.rule = rule
        for (slot, count) in stored?.counts ?? [:] { add(count, in: slot) }
        // By a clock that was set ahead it would be swept.
        if let stored, !bySlot.isEmpty, Double(stored.expiresAt) <= instant.time {
            isChanged = true
        }
    }

    /// The last slot that somebody may have taken permits for whose clock differs by some slots.
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

    /// Gives back what was not used, and counts what was used where it was.
    mutating func apply(_ settlement: RateSettlement) {
        for (slot, count) in settlement.unused {
            // What does not have as much is not what it was: others' counts stay.
            guard let known = bySlot[slot], known >= count else { continue }
            bySlot[slot] = known == count ? nil : known - count
            isChanged = true
        }
        for (slot, count) in settlement.used { add(count, in: slot) }
        if !settlement.used.isEmpty { isChanged = true }
    }

    /// Takes permits, as many as are free.
    mutating func answer(_ request: RateRequest) -> RateAnswer {
        let used = bySlot.values.reduce(0, Self.sum)
        let free = max(0, rule.limit - min(used, rule.limit))
        // The others' share is left to them.
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

    /// The window to be stored, which expires when nothing of it counts any more.
    func window<Window: RateWindowEntity>(
        _ type: Window.Type, _ name: String, of subject: String
    ) -> Window {
        let last = rule.start(bySlot.keys.max() ?? instant.slot)
        let end = max(last, instant.time) + rule.lapseSeconds
        return Window(
            subject: subject, name: name, counts: bySlot, expiresAt: Int(end.rounded(.up)))
    }
}
