internal import CodexCore
internal import FoundationEssentials

/// The limit and the window of a limiter, and the slots in which uses are counted.
///
/// A slot is a sixtieth of the window; slots are numbered from 1970. A permit may be used until the
/// end of its slot, and counts until the end of the sixtieth slot after it. So no window has more
/// uses than the limit, at any time of use.
struct RateRule: Sendable {
    let limit: Int
    /// The length of a slot.
    let slotSeconds: Double
    /// The maximum number of slots from the present one to a permit's slot.
    let aheadMax: Int

    /// The number of slots in a window.
    static let slotCount = 60
    /// The longest commit whose permits are still valid.
    private static let commitSecondsMax = 60.0
    /// The range of times in calculations: some 3,000 years before and after 1970.
    private static let secondsMax = 1e11
    private static let slotMax = 1e13

    /// Creates the rule of a limiter, whose window is a second to a day.
    init(limit: Int, window: Duration) {
        self.limit = limit
        slotSeconds = window.seconds / Double(Self.slotCount)
        aheadMax = Int((Self.commitSecondsMax / slotSeconds).rounded(.up))
    }

    /// The length of the window.
    var windowSeconds: Double { Double(Self.slotCount) * slotSeconds }

    /// The time from the start of a slot until its counts lapse.
    var lapseSeconds: Double { windowSeconds + slotSeconds }

    // MARK: Times

    /// The time of a clock, in seconds since 1970, bounded so that calculations cannot overflow.
    static func time(_ date: Date) -> Double { bounded(date.timeIntervalSince1970, secondsMax) }

    /// The slot of a time.
    func slot(_ time: Double) -> Int {
        Int(Self.bounded((time / slotSeconds).rounded(.down), Self.slotMax))
    }

    /// The start of a slot.
    func start(_ slot: Int) -> Double { Double(slot) * slotSeconds }

    private static func bounded(_ value: Double, _ bound: Double) -> Double {
        value.isNaN ? 0 : max(-bound, min(bound, value))
    }

    // MARK: Commits

    /// The number of slots between the present one and the one in which requested permits count.
    ///
    /// Permits are valid only if the commit ends before their slot does. The last attempt expects
    /// the longest commit.
    ///
    /// - Parameters:
    ///   - attempt: The number of the attempt, from 1.
    ///   - pace: The length of recent commits in slots.
    /// - Returns: A number of slots.
    func ahead(_ attempt: Int, pace: Double) -> Int {
        let slots =
            switch attempt {
            case 1: (2 * pace).rounded()
            case 2: (4 * pace).rounded(.up) + 1
            default: Double(aheadMax)
            }
        return Int(Self.bounded(slots, Double(aheadMax)))
    }

    /// The length of a commit in slots, bounded by the longest expected commit.
    func pace(from start: Double, to end: Double) -> Double {
        max(0, Self.bounded((end - start) / slotSeconds, Double(aheadMax)))
    }

    // MARK: Answers

    func permission(remaining: Int) -> RateLimiter.Verdict {
        RateLimiter.Verdict(isAllowed: true, limit: limit, remaining: remaining, retryAfter: nil)
    }

    /// A refusal until `end` or the end of the slot: by then other processes may have returned
    /// permits.
    func refusal(at instant: RateInstant, until end: Double = .infinity) -> RateLimiter.Verdict {
        let seconds = max(0.001, min(end, start(instant.slot + 1)) - instant.time)
        let milliseconds = Self.bounded((seconds * 1000).rounded(.up), Self.slotMax)
        return RateLimiter.Verdict(
            isAllowed: false, limit: limit, remaining: 0,
            retryAfter: .milliseconds(Int(milliseconds)))
    }
}
