import TestSupport
import Testing

@testable import CodexCore

/// The cache of parsed texts: its limits, what it evicts, and its use by several threads.
@Suite("Caches of plans")
struct PlanCacheTests {
    private static let countMax = 8

    private func cache(byteCountMax: Int = 1 << 20) -> PlanCache<Int> {
        PlanCache(countMax: Self.countMax, byteCountMax: byteCountMax)
    }

    /// Adds plans that are numbers, for texts that are the same numbers.
    private func insert(
        _ numbers: Range<Int>, _ plans: PlanCache<Int>, byteCount: Int = 1
    ) {
        for number in numbers { plans.insert(number, for: "\(number)", byteCount: byteCount) }
    }

    @Test("The number of plans is limited, and the oldest is evicted", arguments: -1...1)
    func counts(difference: Int) {
        let plans = cache()
        let count = Self.countMax + difference
        insert(0..<count, plans)
        #expect(plans.count == min(count, Self.countMax))
        #expect(plans.byteCount == plans.count)
        for number in 0..<count {
            let expected = number < difference ? nil : number
            #expect(plans.plan("\(number)") == expected)
        }
    }

    @Test("The bytes of the plans are limited together", arguments: -1...1)
    func bytes(difference: Int) {
        let plans = PlanCache<Int>(countMax: 100, byteCountMax: 1600)
        insert(0..<15, plans, byteCount: 100)
        plans.insert(15, for: "15", byteCount: 100 + difference)
        #expect((plans.plan("0") == nil) == (difference > 0))
        #expect(plans.count == (difference > 0 ? 15 : 16))
        #expect(plans.byteCount == 100 * plans.count + difference)
    }

    @Test("A plan of more than an eighth of the bytes is not kept", arguments: -1...1)
    func largePlans(difference: Int) {
        let plans = cache(byteCountMax: 800)
        plans.insert(1, for: "1", byteCount: 100 + difference)
        #expect((plans.plan("1") == nil) == (difference > 0))
    }

    @Test("A text of more than an eighth of the bytes is not looked for", arguments: -1...1)
    func longTexts(difference: Int) {
        let plans = cache(byteCountMax: 800)
        let text = String(repeating: "x", count: 100 + difference)
        plans.insert(1, for: text, byteCount: 100)
        #expect((plans.plan(text) == nil) == (difference > 0))
    }

    @Test("A plan that was found stays, and the next one is evicted")
    func marks() {
        let plans = cache()
        insert(0..<Self.countMax, plans)
        #expect(plans.plan("0") == 0)
        insert(100..<101, plans)
        #expect(plans.plan("0") == 0 && plans.plan("1") == nil && plans.plan("100") == 100)
    }

    @Test("Texts that occur once do not evict one that occurs again and again")
    func scans() {
        let plans = cache()
        insert(0..<1, plans)
        for number in 1..<1000 {
            insert(number..<(number + 1), plans)
            #expect(plans.plan("0") == 0)
        }
        #expect(plans.count == Self.countMax)
    }

    @Test("Texts differ by their bytes, and by their kinds")
    func keys() {
        let plans = cache()
        plans.insert(1, for: "\u{E9}", byteCount: 1)
        #expect("\u{E9}" == "e\u{301}" && plans.plan("e\u{301}") == nil)
        plans.insert(2, for: "e\u{301}", byteCount: 1)
        plans.insert(3, for: "\u{E9}", 1, byteCount: 1)
        plans.insert(4, for: "\u{E9}", byteCount: 1)
        #expect(plans.plan("\u{E9}") == 1 && plans.plan("e\u{301}") == 2)
        #expect(plans.plan("\u{E9}", 1) == 3)
    }

    @Test("Random insertions and lookups keep the limits and the sums")
    func random() {
        let seed = UInt64.random(in: .min ... .max)
        print("caches of plans: seed \(seed)")
        var random = SplitMix(seed: seed)
        for _ in 0..<100 {
            let plans = PlanCache<Int>(
                countMax: 1 + random.below(10), byteCountMax: 8 + random.below(200))
            for _ in 0..<300 {
                let number = random.below(30)
                if random.chance(50) {
                    #expect(plans.plan("\(number)") ?? number == number)
                } else {
                    plans.insert(number, for: "\(number)", byteCount: 1 + number)
                }
            }
            let found = (0..<30).filter { plans.plan("\($0)") != nil }
            #expect(plans.count == found.count)
            #expect(plans.byteCount == found.reduce(0) { $0 + 1 + $1 })
        }
    }

    @Test("Several threads find the right plans, or none")
    func threads() async {
        let plans = cache()
        let wrongCount = await withTaskGroup(of: Int.self) { group in
            for task in 0..<8 {
                group.addTask {
                    var random = SplitMix(seed: UInt64(task))
                    var wrongCount = 0
                    for _ in 0..<5000 {
                        let number = random.below(2 * Self.countMax)
                        if let plan = plans.plan("\(number)"), plan != number { wrongCount += 1 }
                        plans.insert(number, for: "\(number)", byteCount: 1)
                    }
                    return wrongCount
                }
            }
            return await group.reduce(0, +)
        }
        #expect(wrongCount == 0)
        #expect(plans.count == Self.countMax && plans.byteCount == Self.countMax)
    }
}
