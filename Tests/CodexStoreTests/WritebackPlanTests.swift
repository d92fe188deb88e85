import TestSupport
import Testing

@testable import CodexStore

/// When the data file is written out between two flushes, and in which parts.
@Suite("Parts of the data file that are written out")
struct WritebackPlanTests {
    private static let page = 4096
    private static let used = 1000 * page
    private static let step = 10 * page

    /// A plan that knows the size of the file, and has nothing to write out.
    private func makePlan(step: Int = Self.step) -> WritebackPlan {
        var plan = WritebackPlan(stepByteCount: step, pageByteCount: Self.page)
        _ = plan.recordCommit(0, usedByteCount: Self.used)
        return plan
    }

    /// Whether a commit that writes some bytes is the first one after which a pass is due.
    private func recordCommit(_ byteCount: Int, _ used: Int, _ plan: inout WritebackPlan) -> Bool {
        plan.recordCommit(byteCount, usedByteCount: used)
    }

    /// The parts of the pass that is due.
    private func pass(_ plan: inout WritebackPlan) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        while let part = plan.next() { parts.append(part) }
        return parts
    }

    @Test("A pass is due from the bytes of a step on", arguments: [-1, 0, 1])
    func limit(excess: Int) {
        var plan = makePlan()
        let becameDue = plan.recordCommit(Self.step + excess, usedByteCount: Self.used)
        #expect(becameDue == (excess >= 0))
        #expect(plan.isDue == becameDue)
        #expect((plan.next() != nil) == becameDue)
    }

    @Test("A commit reports once that a pass is due")
    func oneReport() {
        var plan = makePlan()
        #expect(recordCommit(Self.step, Self.used, &plan))
        #expect(!recordCommit(Self.step, Self.used, &plan))
        #expect(!pass(&plan).isEmpty)
        #expect(recordCommit(Self.step, Self.used, &plan))
    }

    @Test("Growth of the file counts as written, and its first known size does not")
    func growth() {
        var plan = WritebackPlan(stepByteCount: Self.step, pageByteCount: Self.page)
        #expect(!recordCommit(0, Self.used, &plan))
        #expect(!recordCommit(0, Self.used + Self.step - 1, &plan))
        #expect(recordCommit(0, Self.used + Self.step, &plan))
    }

    @Test("A pass has a part for each step that was written, up to the maximum")
    func partCounts() {
        for (steps, expected) in [
            (1, 1), (2, 2), (63, 63), (64, 64), (65, 64), (10_000, 64),
        ] {
            var plan = makePlan()
            _ = plan.recordCommit(steps * Self.step, usedByteCount: Self.used)
            // A part has whole pages, so there may be fewer parts.
            #expect((expected / 2 + 1...expected).contains(pass(&plan).count))
            #expect(!plan.isDue)
        }
        var plan = makePlan()
        _ = plan.recordCommit(Self.step + 1, usedByteCount: Self.used)
        #expect(pass(&plan).count == 2)
    }

    @Test("The parts of a pass cover all pages but the meta pages, once and in order")
    func coverage() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(seed: seed)
        for _ in 0..<500 {
            let used = Int.random(in: 3...5000, using: &random) * Self.page
            let written = Int.random(in: 1...Self.step * 80, using: &random)
            var plan = WritebackPlan(stepByteCount: Self.step, pageByteCount: Self.page)
            _ = plan.recordCommit(0, usedByteCount: used)
            guard plan.recordCommit(written, usedByteCount: used) else { continue }
            let parts = pass(&plan)
            var end = 2 * Self.page
            for part in parts {
                #expect(part.lowerBound == end && !part.isEmpty, "seed \(seed)")
                #expect(part.lowerBound % Self.page == 0, "seed \(seed)")
                end = part.upperBound
            }
            #expect(end >= used && parts.count <= WritebackPlan.partCountMax, "seed \(seed)")
        }
    }

    @Test("What is written during a pass belongs to the next pass")
    func writesDuringPass() {
        var plan = makePlan()
        _ = plan.recordCommit(3 * Self.step, usedByteCount: Self.used)
        #expect(plan.next() != nil)
        _ = plan.recordCommit(Self.step - 1, usedByteCount: Self.used)
        #expect(pass(&plan).count == 2)
        #expect(!plan.isDue)
        #expect(recordCommit(1, Self.used, &plan))
    }

    @Test("A flush ends the pass")
    func flush() {
        var plan = makePlan()
        _ = plan.recordCommit(3 * Self.step, usedByteCount: Self.used)
        #expect(plan.next() != nil)
        #expect(!plan.lastPart.isEmpty)
        plan.recordFlush()
        #expect(!plan.isDue && plan.next() == nil)
        #expect(plan.writtenByteCount == 0 && plan.lastPart.isEmpty)
        #expect(recordCommit(Self.step, Self.used, &plan))
    }

    @Test("No part is due without a step, after the end, and in a pause")
    func never() {
        var plan = makePlan(step: 0)
        #expect(!recordCommit(1 << 40, Self.used, &plan))
        plan = makePlan()
        _ = plan.recordCommit(Self.step, usedByteCount: Self.used)
        plan.pause()
        #expect(!plan.isDue && plan.next() == nil)
        plan.resume()
        #expect(!recordCommit(0, Self.used / 2, &plan))
        #expect(recordCommit(Self.step, Self.used / 2, &plan))
        plan.stop()
        #expect(!plan.isDue && plan.next() == nil)
    }

    @Test("A file without pages after the meta pages has no part")
    func emptyFile() {
        var plan = WritebackPlan(stepByteCount: 1, pageByteCount: Self.page)
        _ = plan.recordCommit(1, usedByteCount: Self.page)
        #expect(plan.isDue)
        #expect(plan.next() == nil)
        #expect(!plan.isDue)
    }
}
