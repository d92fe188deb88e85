import CrashSupport
import Foundation
import TestSupport
import Testing

/// Hours of a mixed load in seconds: `make soak` runs it for as long as it is told.
@Suite("Soak", .serialized)
struct SoakTests {
    @Test("Under a load with kills and full disks nothing is lost, and memory and files stay flat")
    func soak() async throws {
        let plan = SoakPlan(ProcessInfo.processInfo.environment)
        print("soak: \(plan)")
        if !ProcessMemory.isAvailable { print("SKIPPED: the memory of a soak: no /proc tells it") }
        let report = try await SoakRun(plan).run()
        print("soak: \(report)")
        for finding in report.findings { Issue.record("\(finding)") }
        // A soak that does nothing would lose nothing.
        #expect(report.count("groups") > plan.seconds)
        #expect(report.count("sessions") >= plan.sessionCount)
    }

    @Test("A planted fault is found", arguments: SoakFault.allCases)
    func plantedFault(fault: SoakFault) async throws {
        if fault == .leak, !ProcessMemory.isAvailable { return }
        var findings: [String] = []
        for seed in 1...3 where findings.isEmpty {
            findings = try await SoakRun(SoakPlan(seed: UInt64(seed), fault: fault)).run().findings
        }
        print("soak: \(fault) is found: \(findings.prefix(2))")
        switch fault {
        case .leak: #expect(findings.contains { $0.hasPrefix("memory of worker 0 grows") })
        case .growth: #expect(findings.contains { $0.hasPrefix("data file grows") })
        case .lostGroup: #expect(!findings.isEmpty)
        }
    }
}
