internal import CodexCore
internal import FoundationEssentials

/// How often something may be done in what time, and the slots by which that is counted.
///
/// A slot is a sixtieth of the window; slots are numbered from 1970. A permit may be used until the
/// end of the slot that it counts in, and counts until the sixtieth slot after it has ended. So no
/// window has more than the limit, whenever a permit is used.
struct RateRule: Sendable {
    let limit: Int
    /// The length of a slot.
    let slotSeconds: Double
    /// Most slots from the present one to the one that a permit counts in.
    let aheadMax: Int

    /// The slots of a window.
    static let slotCount = 60
    /// The longest commit after which its permits are good.
    private static let commitSecondsMax = 60.0
    /// The times that are computed with: some 3,000 years before and after 1970.
    private static let secondsMax = 1e11
    private static let slotMax = 1e13

    /// Creates the rule of a limiter, whose window is a second to a day.
    init(limit: Int, window: Duration) {
        self.limit = limit
        slotSeconds = window.seconds / Double(Self.slotCount)
        aheadMax = Int((Self.commitSecondsMax / slotSeconds).rounded(.up))
    }

    /// The window.
    var windowSeconds: Double { Double(Self.slotCount) * slotSeconds }

    /// How long after the beginning of a slot something that counts in it counts.
    var lapseSeconds: Double { windowSeconds + slotSeconds }

    // MARK: Times

    /// What a clock shows, in seconds since 1970: something to compute with, whatever it shows.
    static func time(_ date: Date) -> Double { bounded(date.timeIntervalSince1970, secondsMax) }

    /// The slot of a time.
    func slot(_ time: Double) -> Int {
        Int(Self.bounded((time / slotSeconds).rounded(.down), Self.slotMax))
    }

    /// When a slot begins.
    func start(_ slot: Int) -> Double { Double(slot) * slotSeconds }

    private static func bounded(_ value: Double, _ bound: Double) -> Double {
        value.isNaN ? 0 : max(-bound, min(bound, value))
    }

    // MARK: Commits

    /// How far ahead the slot is in which permits count that are asked for.
    ///
    /// They are good only if the commit ends before that slot does. The last attempt expects the
    /// longest commit.
    ///
    /// - Parameters:
    ///   - attempt: Counts from 1.
    ///   - pace: How many slots commits take of late.
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

    /// How many slots a commit took, kept within what is expected of one.
    func pace(from start: Double, to end: Double) -> Double {
        max(0, Self.bounded((end - start) / slotSeconds, Double(aheadMax)))
    }

    // MARK: Answers

    func permission(remaining: Int) -> RateLimiter.Verdict {
        RateLimiter.Verdict(isAllowed: true, limit: limit, remaining: remaining, retryAfter: nil)
    }

    /// A refusal until `end`, but no longer than the slot lasts: others may have given back.
    func refusal(at instant: RateInstant, until end: Double = .infinity) -> RateLimiter.Verdict {
        let seconds = max(0.001, min(end, start(instant.slot + 1)) - instant.time)
        let milliseconds = Self.bounded((seconds * 1000).rounded(.up), Self.slotMax)
        return RateLimiter.Verdict(
            isAllowed: false, limit: limit, remaining: 0,
            retryAfter: .milliseconds(Int(milliseconds)))
    }
}
