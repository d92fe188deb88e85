import ArgumentParser
import CodexCore
import CodexStore
import MeasuredPaths

/// What 64 writers did alone, and beside an observer of a hundred tasks that nobody changes.
struct ObserverFigures {
    fileprivate var alone: [WriterRun] = []
    fileprivate var observed: [WriterRun] = []

    /// Writes the part of the report.
    func report() {
        say("\n64 writers beside an observer of \(observedCount) tasks, of which none changes")
        row("alone, updates/s", alone.map(\.rate))
        row("observed, updates/s", observed.map(\.rate))
        row(
            "observed / alone", ratios(observed.map(\.rate), alone.map(\.rate)), goal: ">= 0.99")
    }

    /// Adds the headline's figure.
    func add(to headline: inout HeadlineReport) {
        headline.add(
            Figure(
                "durable-update beside an observer, 64 writers", ours: observed.map(\.rate),
                peer: alone.map(\.rate), peerName: "Codex without an observer",
                unit: "updates/s", goal: 0.99, isRate: true))
    }
}

/// How many tasks are observed.
private let observedCount = 100

/// Lets 64 writers write alone, and beside an observer, in turn.
///
/// - Parameters:
///   - store: The store, with the tasks of the workload. It gets the observed tasks.
///   - workload: What is updated.
///   - rounds: How often both sides take their turn.
///   - seconds: How long the writers write in a turn.
/// - Returns: The figures.
/// - Throws: The errors of the store.
func measureObserver(
    _ store: Store, _ workload: Workload, rounds: Int, seconds: Double
) async throws -> ObserverFigures {
    for number in 0..<observedCount {
        var task = try SampleTasks.task(number)
        (task.projectID, task.number) = ("observed", number + 1)
        try await store.put(task)
    }
    var figures = ObserverFigures()
    for round in 0..<rounds {
        for turn in 0..<2 {
            let seed = UInt64(2 * round + turn)
            if (round + turn).isMultiple(of: 2) {
                settle()
                figures.alone.append(
                    try await runWriters(store, workload, for: seconds, seed: seed))
            } else {
                figures.observed.append(
                    try await runBesideObserver(store, workload, seconds, seed))
            }
        }
    }
    return figures
}

/// Writers beside an observer that has seen the tasks.
private func runBesideObserver(
    _ store: Store, _ workload: Workload, _ seconds: Double, _ seed: UInt64
) async throws -> WriterRun {
    let (began, begin) = AsyncStream<Int>.makeStream()
    let observer = Task.detached {
        var count = 0
        for try await tasks in store.observe(.tasks(in: "observed")) {
            count += 1
            if count == 1 { begin.yield(tasks.count) }
        }
    }
    for await count in began {
        guard count == observedCount else {
            throw ValidationError("The observer sees \(count).")
        }
        break
    }
    settle()
    let run = try await runWriters(store, workload, for: seconds, seed: seed)
    observer.cancel()
    _ = await observer.result
    return run
}
