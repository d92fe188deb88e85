#if Remote
    import ArgumentParser
    import Foundation

    /// What remote tables cost, beside their goals.
    ///
    /// It starts `codexflow serve` itself, on loopback, two servers at most at a time. Their stores
    /// end with them. The parts have limits of time, and all together take six minutes at most.
    @main
    struct RemoteBench: AsyncParsableCommand {
        /// A part of the run.
        enum Part: String, CaseIterable, ExpressibleByArgument, Sendable {
            case client, agents, stream

            /// The longest time of the part.
            ///
            /// Then its tasks are cancelled, and its servers end.
            var limit: Duration {
                switch self {
                case .client: .seconds(150)
                case .agents: .seconds(120)
                case .stream: .seconds(80)
                }
            }
        }

        static let configuration = CommandConfiguration(
            commandName: "codex-bench-remote",
            abstract: "The remote client beside a bare one, agents at 4 ms a request, a consumer.")

        @Option(help: "The program codexflow, which serves the tables.")
        var codexflow: String
        @Option(help: "One part alone: client, agents or stream.")
        var only: Part?
        @Flag(help: "Fewer rounds, fewer tasks and a shorter stream.")
        var quick = false

        func run() async throws {
            EndingSignals.watch()
            var report = Report()
            // What was measured before an error is part of the report.
            defer { report.print() }
            for part in only.map({ [$0] }) ?? Part.allCases {
                note("measuring: \(part.rawValue)")
                let (program, isQuick) = (codexflow, quick)
                let start = ContinuousClock.now
                let figures = try await limited(to: part.limit) {
                    try await Self.figures(of: part, program, isQuick: isQuick)
                }
                let seconds = Int((ContinuousClock.now - start) / .seconds(1))
                note("measured in \(seconds) s: \(part.rawValue)")
                report.add(figures, of: part, isQuick: quick)
            }
        }

        private static func figures(
            of part: Part, _ program: String, isQuick: Bool
        ) async throws -> [Figure] {
            switch part {
            case .client:
                try await ClientRun(program: program, isQuick: isQuick).figures()
            case .agents:
                try await AgentRun(program: program, isQuick: isQuick).figures()
            case .stream:
                try await StreamRun(program: program, seconds: isQuick ? 5 : 30).figures()
            }
        }
    }

    /// Runs `body`, and cancels it when the time is over.
    ///
    /// - Throws: ``BenchFailure`` when the time is over; the errors of `body`.
    func limited<Value: Sendable>(
        to limit: Duration, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: limit)
                throw BenchFailure("This part took longer than \(limit).")
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }
#else
    /// Without the trait, there is nothing to measure.
    @main
    enum RemoteBench {
        static func main() { print("Build codex-bench-remote with --traits Remote.") }
    }
#endif
