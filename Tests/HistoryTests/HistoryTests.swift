import CrashSupport
import Foundation
import Histories
import TestSupport
import Testing

/// What several processes see of a store while they write it, and are killed.
///
/// `make histories` runs it for as long as it is told, with the settings of the environment.
@Suite("Histories", .serialized)
struct HistoryTests {
    private static func setting(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment["CODEX_HISTORY_" + name].flatMap { UInt64($0) }
    }

    @Test("Writes and snapshots of all processes have one order, which respects the real time")
    func histories() throws {
        let seconds = Self.setting("SECONDS") ?? 12
        let seed = Self.setting("SEED") ?? UInt64.random(in: 1...1_000_000)
        print("histories: seed \(seed), \(seconds) seconds")
        var random = SplitMix(seed: seed)
        var total = HistoryReport()
        let end = ContinuousClock.now + .seconds(Int(seconds))
        repeat {
            var plan = HistoryRun.Plan(seed: random.next())
            plan.processCount = Self.setting("PROCESSES").map { Int($0) } ?? 2 + random.below(2)
            plan.threadCount = Self.setting("THREADS").map { Int($0) } ?? 1 + random.below(6)
            plan.lineCount = 60 + random.below(120)
            plan.fillsDisk = random.chance(70)
            let run = try HistoryRun(plan)
            let report = try run.run()
            total.add(report)
            if report.isClean {
                run.clean()
                continue
            }
            for finding in report.findings { Issue.record("\(finding)") }
            for complaint in report.complaints { Issue.record("\(complaint)") }
            print("histories: run \(total.runCount) of seed \(seed), events in \(run.directory)")
            break
        } while ContinuousClock.now < end
        print("histories: \(total)")
        #expect(total.operationCount > 1000)
    }

    @Test("A planted fault is found", arguments: HistoryFault.allCases)
    func plantedFault(fault: HistoryFault) throws {
        var total = HistoryReport()
        for seed in 1...8 where total.isClean {
            var plan = HistoryRun.Plan(seed: UInt64(seed), processCount: 2, threadCount: 4)
            plan.lineCount = 60
            plan.fillsDisk = false
            plan.fault = fault
            // Another process would have what is not in the log.
            if fault == .noLog { plan.processCount = 1 }
            let run = try HistoryRun(plan)
            total.add(try run.run())
            run.clean()
        }
        let kinds = Set(total.findings.map(\.kind.rawValue)).sorted()
        print("histories: \(fault) is found in run \(total.runCount): \(kinds)")
        if fault == .noLog {
            #expect(!total.isClean)
        } else {
            #expect(!total.findings.isEmpty)
        }
    }
}
