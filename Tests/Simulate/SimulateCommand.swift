import Foundation
import Simulation

/// The program `codex-simulate`: its options, and what it prints.
struct SimulateCommand {
    /// An argument that the program does not know.
    struct UsageError: Error {
        let message: String
    }

    static let usage = """
        usage: codex-simulate [--histories N] [--seed S] [--jobs J] [--processes K] [--seconds T]
                              [--planted NAME|all] [--findings N] [--trace] [--keep] [--no-shrink]
               codex-simulate --replay FILE [--trace] [--keep]
        """

    private var plan = Simulation.Plan(
        seed: UInt64.random(in: 1..<1_000_000_000), historyCount: 200)
    private var simulation = Simulation(executable: Simulation.executableBesideThis)
    private var replayed: Program?
    private var planted: String?
    private var shrinks = true

    /// Reads the options, and the program that is replayed.
    ///
    /// - Throws: ``UsageError``; `ProgramFileError` if the file has no program.
    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        var replayedPath: String?
        func value(_ option: String) throws -> String {
            guard let value = rest.popFirst() else {
                throw UsageError(message: "\(option) needs a value")
            }
            return value
        }
        func number<Number: LosslessStringConvertible>(_ option: String) throws -> Number {
            let text = try value(option)
            guard let number = Number(text) else {
                throw UsageError(message: "\(option) needs a number, not \(text)")
            }
            return number
        }
        while let option = rest.popFirst() {
            switch option {
            case "--histories": plan.historyCount = try number(option)
            case "--seed": plan.seed = try number(option)
            case "--jobs": plan.jobCount = try number(option)
            case "--processes": plan.processCount = try number(option)
            case "--seconds":
                let seconds: Double = try number(option)
                plan.seconds = seconds
            case "--findings": plan.findingCountMax = try number(option)
            case "--planted": planted = try value(option)
            case "--replay": replayedPath = try value(option)
            case "--trace": simulation.keepsLines = true
            case "--keep": simulation.keepsFiles = true
            case "--no-shrink": shrinks = false
            default: throw UsageError(message: "unknown option \(option)")
            }
        }
        guard Program.processCounts.contains(plan.processCount), plan.jobCount >= 1,
            plan.historyCount >= 1
        else {
            throw UsageError(message: "1 to 8 processes, at least one job and one history")
        }
        if let planted, planted != "all", !Simulation.plantedFaults.contains(planted) {
            throw UsageError(
                message: "planted faults are all, "
                    + Simulation.plantedFaults.joined(separator: ", "))
        }
        if let replayedPath { replayed = try Program(contentsOfFile: replayedPath) }
    }

    /// Does what the options tell; ends the program with 1 after a finding, or if nothing can run.
    func run() throws {
        guard Simulation.isAvailable else {
            print(
                "nothing was checked: histories run on Linux, without the sanitizers of threads "
                    + "and addresses")
            exit(1)
        }
        if let replayed { return try replay(replayed) }
        switch planted {
        case nil: runPlan()
        case "all"?: runAllPlanted()
        case let name?: if !findPlanted(name) { exit(1) }
        }
    }

    // MARK: One

    private func replay(_ program: Program) throws {
        let result = try simulation.run(program)
        show(result)
        if !result.findings.isEmpty { exit(1) }
    }

    private func show(_ result: Simulation.Result) {
        for line in result.trace.lines { print(line) }
        print(
            "seed \(result.program.seed): \(result.statistics.stepCount) steps, trace "
                + String(result.trace.hash, radix: 16))
        for finding in result.findings.prefix(10) { print("  \(finding)") }
        if !result.findings.isEmpty, replayed == nil {
            print("  again: codex-simulate \(result.program.arguments)")
        }
        if let directory = result.directory { print("  files: \(directory)") }
    }

    // MARK: Many

    private func runPlan() {
        print("seed \(plan.seed), \(plan.historyCount) histories, \(plan.jobCount) at once")
        let keepsLines = simulation.keepsLines || simulation.keepsFiles
        let summary = simulation.run(plan) { result in
            // Those with findings are shown below.
            if keepsLines, result.findings.isEmpty { self.show(result) }
        }
        show(summary)
        for failure in summary.failures {
            show(failure)
            if shrinks, let finding = failure.findings.first { shrink(failure.program, finding) }
        }
        if !summary.failures.isEmpty || !summary.errors.isEmpty { exit(1) }
    }

    private func show(_ summary: Simulation.Summary) {
        let counts = summary.statistics
        let rate = Double(counts.historyCount) / max(0.001, summary.seconds)
        print(
            "\(counts.historyCount) histories in \(text(summary.seconds)) s (\(text(rate))/s): "
                + "\(counts.stepCount) steps, \(counts.commandCount) commands, "
                + "\(counts.acknowledgedCount) writes acknowledged, "
                + "\(counts.refusedCount) refused, \(counts.unknownCount) unknown")
        print(
            "\(counts.powerCutCount) power cuts, \(counts.killCount) kills, "
                + "\(counts.failedCallCount) failed calls, \(counts.shortWriteCount) short writes, "
                + "\(counts.pauseCount) pauses, \(counts.groupCount) groups of writes, "
                + "\(counts.buildStepCount) parts of builds")
        print(
            "\(counts.overlappedReadCount) reads beside writes, "
                + "\(counts.openingInCompactionCount) openings in compactions, "
                + "\(counts.deliveryCount) values of observations")
        print(
            "not checked: \(counts.trimmedCount) histories without replay, "
                + "\(counts.skippedCommandCount) commands without a backup, "
                + "\(counts.weakRestoreCount) ends of restores, "
                + "\(counts.unreadyScanCount) indexes of scans that were being built")
        print("\(summary.failures.count) histories with findings")
        for error in summary.errors { print("error: \(error)") }
    }

    private func text(_ number: Double) -> String { String(format: "%.1f", number) }

    private func shrink(_ program: Program, _ finding: Finding) {
        var quiet = simulation
        (quiet.keepsFiles, quiet.keepsLines) = (false, false)
        let found = Shrinker.smallest(program, showing: finding) { program in
            (try? quiet.run(program).findings) ?? []
        }
        guard let smallest = found else {
            print("the finding did not come again: the history depends on more than its seed")
            return
        }
        print(
            "the smallest program that shows it has \(smallest.commands.count) commands and "
                + "\(smallest.faults.count) faults:")
        print(smallest.json)
    }

    // MARK: Planted faults

    /// Whether a planted fault is found.
    private func findPlanted(_ name: String) -> Bool {
        var planted = plan
        planted.planted = name
        let summary = simulation.run(planted)
        show(summary)
        guard let failure = summary.failures.first else {
            print("\(name) was not found in \(summary.statistics.historyCount) histories")
            return false
        }
        show(failure)
        print("\(name) was found after \(summary.statistics.historyCount) histories")
        return true
    }

    /// Looks for each planted fault from several seeds, and prints a table.
    private func runAllPlanted() {
        let roundCount = 5
        print("seed \(plan.seed), \(roundCount) rounds of up to \(plan.historyCount) histories")
        print("| planted fault | found | mean histories | first finding |\n|---|---|---|---|")
        var isAllFound = true
        for name in Simulation.plantedFaults {
            var (foundCount, historyCount, first) = (0, 0, "")
            for round in 0..<roundCount {
                var planted = plan
                planted.planted = name
                planted.seed = plan.seed &+ UInt64(round) &* 1_000_000
                let summary = simulation.run(planted)
                historyCount += summary.statistics.historyCount
                guard let failure = summary.failures.first else { continue }
                foundCount += 1
                guard first.isEmpty else { continue }
                first = failure.findings.first.map { "\($0.kind)" } ?? ""
            }
            let mean = foundCount == 0 ? "-" : text(Double(historyCount) / Double(foundCount))
            print("| `\(name)` | \(foundCount) of \(roundCount) | \(mean) | \(first) |")
            if foundCount == 0 { isAllFound = false }
        }
        guard isAllFound else {
            print("a planted fault was found in none of its \(roundCount) rounds")
            exit(1)
        }
        print("each planted fault was found in at least one of \(roundCount) rounds")
    }
}
