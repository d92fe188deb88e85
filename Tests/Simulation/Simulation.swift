internal import Dispatch
internal import Foundation

#if os(Linux)
    internal import SimulatedCalls
#endif

/// Runs histories.
package struct Simulation: Sendable {
    /// The path of the program `codex-simulated`.
    package var executable: String
    /// Where the directories of histories are made.
    package var parent = Simulation.defaultParent
    /// Whether a history's directory stays.
    package var keepsFiles = false
    /// Whether traces keep their lines.
    package var keepsLines = false

    /// Memory as a file system, if there is one: nothing waits for a device.
    package static var defaultParent: String {
        FileManager.default.isWritableFile(atPath: "/dev/shm")
            ? "/dev/shm" : NSTemporaryDirectory()
    }

    /// Whether histories can run: calls are interposed on Linux, and not in builds for sanitizers of
    /// threads and addresses.
    package static var isAvailable: Bool {
        #if os(Linux)
            simulated_is_available() != 0
        #else
            false
        #endif
    }

    /// Creates a simulation.
    ///
    /// - Parameter executable: The path of the program `codex-simulated`.
    package init(executable: String) { self.executable = executable }

    /// The program `codex-simulated` beside this one, where the package is built.
    package static var executableBesideThis: String {
        let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: path ?? CommandLine.arguments[0])
            .deletingLastPathComponent().appendingPathComponent("codex-simulated").path
    }

    /// The names of the faults that `codex-simulated` can plant in its stores.
    package static let plantedFaults = [
        "skippedDelete", "staleProjection", "staleReference", "missedMove", "miscount",
        "lostOverflow", "noLog", "noFlush", "noDataFlush", "noReaderInRedo", "noRedo", "noGate",
        "shownExpired", "staleBuild", "noBuildCheckpoint", "unmarkedFailure",
        "keptSchema", "resumeAfterCommit", "splitRead",
    ]

    /// What a history showed.
    package struct Result: Sendable {
        /// The program.
        package var program: Program
        /// What is wrong.
        package var findings: [Finding] = []
        /// The faults that met no call.
        package var unspentFaults: [Fault] = []
        /// What happened.
        package var trace = Trace()
        /// How often what happened.
        package var statistics = Statistics()
        /// The directory, if it stays.
        package var directory: String?
    }

    /// Runs a program.
    ///
    /// - Parameter program: The program.
    /// - Returns: What it showed.
    /// - Throws: An error of the simulation's own files or processes.
    package func run(_ program: Program) throws -> Result {
        var result = Result(program: program)
        #if os(Linux)
            let directory = parent + "/codex-simulation-" + UUID().uuidString
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: false)
            defer {
                if !keepsFiles { try? FileManager.default.removeItem(atPath: directory) }
            }
            if keepsFiles { result.directory = directory }
            let driver = try Driver(
                program, executable: executable, directory: directory, keepingLines: keepsLines)
            do {
                try driver.run()
                result.findings = Checker.findings(in: driver.history)
            } catch let finding as Finding {
                result.findings = [finding]
            }
            (result.trace, result.statistics) = (driver.trace, driver.statistics)
            result.unspentFaults = driver.unspentFaults
        #endif
        return result
    }

    // MARK: Many

    /// Which histories run.
    package struct Plan: Sendable {
        /// The seed of the first; the others have those that follow.
        package var seed: UInt64
        /// How many at most.
        package var historyCount: Int
        /// How many at once.
        package var jobCount = 1
        /// How many processes each has.
        package var processCount = 3
        /// The fault that is planted in each.
        package var planted: String?
        /// Seconds of real time after which none begins; `nil` is no bound.
        package var seconds: Double?
        /// How many histories with findings end the run.
        package var findingCountMax = 1

        /// Plans histories.
        package init(seed: UInt64, historyCount: Int) {
            (self.seed, self.historyCount) = (seed, historyCount)
        }
    }

    /// What many histories showed.
    package struct Summary: Sendable {
        /// How often what happened.
        package var statistics = Statistics()
        /// The histories with findings, by seed.
        package var failures: [Result] = []
        /// What the simulation itself failed with.
        package var errors: [String] = []
        /// Seconds of real time that it took.
        package var seconds = 0.0

        /// The seed of the first history with a finding.
        package var firstSeed: UInt64? { failures.first?.program.seed }
    }

    /// Runs the histories of a plan, some at once.
    ///
    /// - Parameters:
    ///   - plan: Which ones.
    ///   - ran: Called after each history, on the thread that ran it.
    /// - Returns: What they showed.
    package func run(
        _ plan: Plan, _ ran: @escaping @Sendable (Result) -> Void = { _ in }
    ) -> Summary {
        let start = Date()
        let board = Board()
        let jobs = (0..<max(1, plan.jobCount)).map { _ in
            let done = DispatchSemaphore(value: 0)
            let thread = Thread {
                while let number = board.next(plan, since: start) {
                    let program = ProgramGenerator.program(
                        seed: plan.seed &+ UInt64(number), processCount: plan.processCount,
                        planted: plan.planted)
                    do {
                        let result = try self.run(program)
                        board.add(result, plan)
                        ran(result)
                    } catch {
                        board.fail("seed \(program.seed): \(error)")
                    }
                }
                done.signal()
            }
            thread.stackSize = 8 << 20
            thread.start()
            return done
        }
        for job in jobs { job.wait() }
        var summary = board.summary
        summary.failures.sort { $0.program.seed < $1.program.seed }
        summary.seconds = Date().timeIntervalSince(start)
        return summary
    }

    /// What the jobs share.
    private final class Board: @unchecked Sendable {
        private let lock = NSLock()
        // Guarded by `lock`.
        private var taken = 0
        private var isOver = false
        private var collected = Summary()

        var summary: Summary { lock.withLock { collected } }

        /// The number of the next history; `nil` if none is to begin.
        func next(_ plan: Plan, since start: Date) -> Int? {
            lock.withLock {
                let isLate = plan.seconds.map { Date().timeIntervalSince(start) >= $0 } ?? false
                guard !isOver, !isLate, taken < plan.historyCount else { return nil }
                taken += 1
                return taken - 1
            }
        }

        func add(_ result: Result, _ plan: Plan) {
            lock.withLock {
                collected.statistics.add(result.statistics)
                guard !result.findings.isEmpty else { return }
                collected.failures.append(result)
                if collected.failures.count >= plan.findingCountMax { isOver = true }
            }
        }

        func fail(_ message: String) {
            lock.withLock {
                collected.errors.append(message)
                isOver = true
            }
        }
    }
}
