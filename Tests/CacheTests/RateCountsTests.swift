import Codex
import CodexCore
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// The arithmetic of rate windows, for stored counts and clocks that are anything.
@Suite("Rate windows")
struct RateCountsTests {
    private let rule = RateRule(limit: 10, window: .seconds(60))
    private let basis = RateBasis(era: 0, table: 1)

    private func instant(_ time: Double, passed: Double? = nil) -> RateInstant {
        RateInstant(
            time: time, slot: rule.slot(time), passed: passed ?? time,
            passedSlot: rule.slot(passed ?? time), elapsed: time, basis: basis)
    }

    private func counts(
        _ counts: [Int: Int], at instant: RateInstant, expiresAt: Int = .max
    ) -> RateCounts {
        let window = CodexFlow.RateWindow(
            subject: "s", name: "n", counts: counts, expiresAt: expiresAt)
        return RateCounts(window, at: instant, rule)
    }

    private func request(
        _ needed: Int, extra: Int = 0, ahead: Int = 0, _ settlement: RateSettlement = .init()
    ) -> RateRequest {
        RateRequest(
            needed: needed, extra: extra, ahead: ahead, settlement: settlement, basis: basis)
    }

    @Test("A slot counts until sixty others are over")
    func lapse() {
        for (slot, counted) in [(939, 0), (940, 4), (1000, 4), (1120, 4)] {
            #expect(counts([slot: 4], at: instant(1000)).bySlot.values.reduce(0, +) == counted)
        }
        // By the earlier of two times.
        #expect(counts([700: 4], at: instant(1000, passed: 760)).bySlot == [700: 4])
        #expect(counts([700: 4], at: instant(1000, passed: 761)).bySlot.isEmpty)
    }

    @Test("What is further ahead than anybody takes permits for counts from now on")
    func ahead() {
        let read = counts([1121: 4, .max: 2, 1000: 1], at: instant(1000))
        #expect(read.bySlot == [1000: 7] && read.isChanged)
        #expect(!counts([1120: 4], at: instant(1000)).isChanged)
        // Or it would be swept.
        #expect(counts([990: 1], at: instant(1000), expiresAt: 1000).isChanged)
        #expect(!counts([900: 1], at: instant(1000), expiresAt: 1000).isChanged)
    }

    @Test("Whatever is stored, sums stay sums")
    func overflow() {
        var read = counts([1000: .max, 999: .max, 998: -5, 997: .min], at: instant(1000))
        let refused = read.answer(request(1))
        #expect(refused.granted == 0 && refused.free == 0 && !read.isChanged)
        var ahead = counts([.max: .max, .max - 1: .max], at: instant(1000))
        #expect(ahead.bySlot == [1000: .max])
        #expect(ahead.answer(request(1)).granted == 0)
    }

    @Test("The others' share is left to them, but what is needed is had")
    func grants() {
        var empty = RateCounts(nil, at: instant(1000), rule)
        let first = empty.answer(request(1, extra: 100))
        #expect(first.granted == 2 && first.free == 8 && first.slot == 1000)
        let second = empty.answer(request(20, extra: 5, ahead: 3))
        #expect(second.granted == 8 && second.free == 0 && second.slot == 1003)
        #expect(empty.bySlot == [1000: 2, 1003: 8])
        #expect(empty.window(CodexFlow.RateWindow.self, "n", of: "s").expiresAt == 1064)
        let third = empty.answer(request(1))
        #expect(third.granted == 0 && third.freeAt == 1061)
    }

    @Test("Only what is there is given back; what was used early counts there")
    func settlements() {
        var settlement = RateSettlement()
        settlement.release(2, from: 990)
        settlement.release(0, from: 991)
        settlement.release(5, from: 995)
        settlement.move(from: 1003, to: 1001)
        #expect(settlement.unused == [990: 2, 995: 5, 1003: 1] && settlement.used == [1001: 1])
        var read = counts([990: 2, 995: 4, 1003: 3], at: instant(1002))
        read.apply(settlement)
        #expect(read.bySlot == [995: 4, 1003: 2, 1001: 1] && read.isChanged)
        var empty = counts([:], at: instant(1002))
        empty.apply(RateSettlement())
        #expect(!empty.isChanged)
    }

    @Test("Rules of windows from a second to a day, and times that are anything")
    func rules() {
        for seconds in [1, 7, 60, 3600, 86_400] {
            let rule = RateRule(limit: 1, window: .seconds(seconds))
            #expect((59.999...1500).contains(Double(rule.aheadMax) * rule.slotSeconds))
            for attempt in 1...3 {
                for pace in [0, 0.1, 3, 1e9, .infinity, .nan] as [Double] {
                    #expect((0...rule.aheadMax).contains(rule.ahead(attempt, pace: pace)))
                }
            }
            for time in [0, -1, 1e11, -1e11, 1e300, -.infinity, .infinity, .nan] as [Double] {
                let slot = rule.slot(time)
                #expect(abs(slot) <= 10_000_000_000_000)
                let instant = RateInstant(
                    time: time, slot: slot, passed: time, passedSlot: slot, elapsed: time,
                    basis: basis)
                let verdict = rule.refusal(at: instant)
                #expect(!verdict.isAllowed && (verdict.retryAfter ?? .zero) > .zero)
            }
        }
        for seconds in [1e300, -1e300, .infinity, -.infinity, .nan] as [Double] {
            #expect(abs(RateRule.time(Date(timeIntervalSince1970: seconds))) <= 1e11)
        }
    }

    @Test("A clock goes on without a jump until both have agreed for a window and a slot")
    func clock() {
        var clock = RateClock(rule)
        func times(_ wall: Double, _ elapsed: Double) -> [Double] {
            let times = clock.times(at: RateReading(wall: wall, elapsed: elapsed))
            return [times.passed, times.latest]
        }
        #expect(times(1000, 0) == [1000, 1000])
        #expect(times(1010, 10) == [1010, 1010])
        // Ahead, and agreed from then on.
        #expect(times(2011, 11) == [1011, 2011])
        #expect(times(2060, 60) == [1060, 2060])
        #expect(times(2071, 71) == [1071, 2071])
        #expect(times(2072, 72) == [2072, 2072])
        #expect(clock.era == 0)
        // Back by a little, and by much.
        #expect(times(2043, 73) == [2043, 2073])
        #expect(times(2104, 134) == [2104, 2104])
        #expect(clock.era == 0)
        #expect(times(1105, 135) == [1105, 2105])
        #expect(clock.era == 0)
        #expect(times(1166, 196) == [1166, 1166])
        #expect(clock.era == 1)
        // One that is wrong for a moment.
        #expect(times(9167, 197) == [1167, 9167])
        #expect(times(1168, 198) == [1168, 1168])
        #expect(clock.era == 2)
        var trusting = RateClock(rule, trustsWall: true)
        _ = trusting.times(at: RateReading(wall: 1000, elapsed: 0))
        let after = trusting.times(at: RateReading(wall: 9000, elapsed: 1))
        #expect(after.passed == 9000 && after.latest == 9000)
    }
}
