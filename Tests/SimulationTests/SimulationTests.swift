import Foundation
import Simulation
import TestSupport
import Testing

/// Histories of several processes with faults: see Docs/Simulation.md.
@Suite("Simulated histories", .serialized, .enabled(if: Simulation.isAvailable))
struct SimulationTests {
    /// The program of the processes, beside the test bundle.
    private static var simulation: Simulation {
        Simulation(
            executable: Agent.executable.deletingLastPathComponent()
                .appendingPathComponent("codex-simulated").path)
    }

    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test("Histories from a random seed keep all promises")
    func histories() {
        let seed =
            Self.number("CODEX_SIMULATION_SEED") ?? UInt64.random(in: 1..<1_000_000_000)
        let count = Self.number("CODEX_SIMULATION_HISTORIES").map { Int($0) } ?? 200
        print("simulated histories from seed \(seed)")
        var plan = Simulation.Plan(seed: seed, historyCount: count)
        plan.jobCount = 2
        let summary = Self.simulation.run(plan)
        let counts = summary.statistics
        print(
            "\(counts.historyCount) histories in \(summary.seconds) s; not checked: "
                + "\(counts.trimmedCount) histories without replay")
        for failure in summary.failures {
            for finding in failure.findings.prefix(5) {
                Issue.record("\(failure.program.arguments): \(finding)")
            }
        }
        for error in summary.errors { Issue.record("\(error)") }
        #expect(summary.statistics.historyCount == count || !summary.failures.isEmpty)
        #expect(summary.statistics.acknowledgedCount > count)
        // Most histories have faults.
        #expect(summary.statistics.powerCutCount > count / 4)
        #expect(summary.statistics.killCount > count / 10)
        #expect(counts.groupCount > count)
        #expect(counts.buildStepCount > count)
        #expect(counts.overlappedReadCount > count / 10)
        #expect(counts.deliveryCount > count / 10)
        #expect(counts.openingInCompactionCount > 0)
    }

    @Test("The same seed gives the same history", arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func replay(seed: UInt64) throws {
        let program = ProgramGenerator.program(seed: seed)
        let first = try Self.simulation.run(program)
        let second = try Self.simulation.run(program)
        #expect(first.trace.count > 100)
        #expect(first.trace.count == second.trace.count)
        #expect(first.trace.hash == second.trace.hash)
        #expect(first.findings == second.findings)
    }

    /// Programs that once had findings; Docs/Simulation.md tells what was found.
    @Test(
        "Programs of earlier findings keep all promises",
        arguments: [
            "full-disk-in-a-creation", "list-with-an-expired-item",
            "schema-change-during-a-build", "short-write-of-a-lease",
            "unflushed-name-of-an-archive",
        ])
    func kept(name: String) throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let file = folder.appendingPathComponent("Kept/\(name).json")
        let program = try Program(json: String(contentsOf: file, encoding: .utf8))
        let result = try Self.simulation.run(program)
        #expect(result.findings == [])
        // Another number of calls would let a fault meet none, and the program show nothing.
        #expect(result.unspentFaults == [], "faults of the program met no call")
    }

    @Test("A fault that meets no call is told")
    func unspentFault() throws {
        let commands = [1, 2].map { id in
            var request = Request(.write)
            (request.op, request.now) = (id, 1_762_300_800 + id)
            request.actions = [Action(put: ItemImage(ItemKey("a", id)))]
            return Command(id: id, process: 0, request: request)
        }
        let faults = [
            Fault(.pause, at: .command(1), call: 0, amount: 1),
            Fault(.die, at: .command(2), call: 100_000),
        ]
        let program = Program(
            seed: 1, processCount: 1, commands: commands, faults: faults)
        let result = try Self.simulation.run(program)
        #expect(result.findings == [])
        #expect(result.unspentFaults == [faults[1]])
    }

    @Test(
        "A planted fault is found",
        arguments: [
            "noFlush", "noLog", "skippedDelete", "staleBuild", "noBuildCheckpoint",
            "resumeAfterCommit", "splitRead",
        ])
    func planted(name: String) {
        var plan = Simulation.Plan(seed: 1, historyCount: 60)
        plan.jobCount = 2
        plan.planted = name
        let summary = Self.simulation.run(plan)
        #expect(summary.errors.isEmpty)
        #expect(!summary.failures.isEmpty)
    }
}
