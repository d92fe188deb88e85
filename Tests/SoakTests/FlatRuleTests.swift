import CrashSupport
import TestSupport
import Testing

/// The rule by which memory and files are flat, and what else a soak judges by itself.
@Suite("The rules of a soak")
struct FlatRuleTests {
    /// Thirds with a value each.
    private static func samples(_ values: Int..., count: Int = 20) -> [Int] {
        values.flatMap { [Int](repeating: $0, count: count) }
    }

    @Test("The last third may be so much above the middle one, and not a byte more")
    func bound() {
        for middle in [0, 1000, 1 << 30] {
            let bound = FlatRule.bound(middle)
            #expect(bound == middle + middle / 10 + FlatRule.allowance)
            for last in [0, bound - 1, bound, bound + 1] {
                let isFlat = FlatRule.isFlat(Self.samples(0, middle, last))
                #expect(isFlat == (last <= bound))
            }
        }
    }

    @Test("The first third may be anything, and single samples count for nothing")
    func outliers() {
        for first in [0, Int.max] {
            var samples = Self.samples(first, 1000, 1000)
            #expect(FlatRule.isFlat(samples) == true)
            // Fewer than half of the last third.
            for place in 51..<60 { samples[place] = .max }
            #expect(FlatRule.isFlat(samples) == true)
            samples[50] = .max
            #expect(FlatRule.isFlat(samples) == false)
        }
    }

    @Test("Too few samples tell nothing")
    func few() {
        for count in [0, 1, FlatRule.sampleCountMin - 1] {
            #expect(FlatRule.isFlat([Int](repeating: 1, count: count)) == nil)
        }
        for count in FlatRule.sampleCountMin...FlatRule.sampleCountMin + 3 {
            #expect(FlatRule.isFlat([Int](repeating: 1, count: count)) == true)
        }
    }

    @Test("A figure that grows is named; one that begins again is not judged by what was before")
    func findings() {
        var samples = SoakSamples()
        for value in Self.samples(0, 0, 1 << 30) { samples.add("file", value) }
        samples.add("file", nil)
        for value in Self.samples(0, 0, 1) { samples.add("memory", value) }
        #expect(samples.findings.count == 1)
        #expect(samples.findings.first?.hasPrefix("file grows") == true)
        samples.forget("file")
        #expect(samples.findings.isEmpty)
    }

    @Test("The memory of no file is read from the text that the system has of a process")
    func memory() {
        let status = "VmRSS:\t    3000 kB\nRssAnon:\t    2048 kB\nRssFile:\t   952 kB\n"
        #expect(ProcessMemory.anonymousByteCount(status) == 2 << 20)
        #expect(ProcessMemory.anonymousByteCount("VmRSS:\t 1 kB\n") == nil)
        #expect(ProcessMemory.anonymousByteCount("RssAnon:\n") == nil)
        #expect(ProcessMemory.byteCount(of: -1) == nil)
    }

    @Test("A consumer sees each tick once, in order")
    func ticks() throws {
        #expect(try SoakTables.requireOrder([], after: 7) == 7)
        #expect(try SoakTables.requireOrder([8, 9, 10], after: 7) == 10)
        for ticks in [[7], [9], [8, 8], [8, 10], [8, 7]] {
            #expect(throws: CrashFinding.self) {
                try SoakTables.requireOrder(ticks, after: 7)
            }
        }
    }
}
