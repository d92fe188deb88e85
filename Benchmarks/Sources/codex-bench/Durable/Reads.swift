import CDurablePeers
import CodexCore
import CodexStore
import Foundation

/// How long gets by key took.
private struct ReadRun: Sendable {
    var typed = Latencies()
    var raw = Latencies()
}

/// Gets by key from one thread: alone, and beside 64 writers.
func measureReads(_ store: Store, _ workload: Workload, _ settings: Settings) async throws {
    var (alone, beside): ([ReadRun], [ReadRun]) = ([], [])
    for round in 0..<settings.rounds {
        let seed = UInt64(round)
        settle()
        alone.append(
            try await onThread { try readTasks(store, workload, settings.seconds, seed) })
        async let writes = runWriters(
            store, workload, for: settings.seconds, seed: 500 + UInt64(round))
        beside.append(
            try await onThread { try readTasks(store, workload, settings.seconds, seed) })
        let rate = try await writes.rate
        note("reads, round \(round + 1): beside \(text(rate)) updates/s")
    }
    say("\nGets by key from one thread, µs")
    for (name, kind) in [("typed", \ReadRun.typed), ("raw", \ReadRun.raw)] {
        func quantiles(_ runs: [ReadRun], _ share: Double) -> [Double] {
            runs.map { $0[keyPath: kind].quantile(share) / 1000 }
        }
        row("\(name), alone, p50", quantiles(alone, 0.5))
        row("\(name), alone, p99", quantiles(alone, 0.99))
        row("\(name), beside 64 writers, p50", quantiles(beside, 0.5))
        row("\(name), beside 64 writers, p99", quantiles(beside, 0.99))
        row(
            "\(name), p99 beside / alone", ratios(quantiles(beside, 0.99), quantiles(alone, 0.99)),
            goal: "<= 2")
    }
}

private func readTasks(
    _ store: Store, _ workload: Workload, _ seconds: Double, _ seed: UInt64
) throws -> ReadRun {
    var (run, random) = (ReadRun(), seed)
    let end = durable_now() + UInt64(seconds * 1e9)
    while durable_now() < end {
        let first = workload.key(durable_below(&random, workload.count))
        let second = workload.key(durable_below(&random, workload.count))
        let lookup = Lookup<CodexFlow.Task>(.primaryKey(first))
        let start = durable_now()
        let task = try store.get(lookup)
        let middle = durable_now()
        let item = try store.item(in: CodexFlow.table, key: second)
        let stop = durable_now()
        guard task != nil, item != nil else { fatalError("a task is missing") }
        run.typed.add(middle - start)
        run.raw.add(stop - middle)
    }
    return run
}

/// Runs `body` on a thread of its own, off those that run the writers' tasks.
private func onThread<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread {
            let result = Result { try body() }
            continuation.resume(with: result)
        }
    }
}
