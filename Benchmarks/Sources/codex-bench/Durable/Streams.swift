import CDurablePeers
import CodexCore
import CodexStore
import Foundation

/// Consumers of changes: how fast they read what is there, and how soon they see what is new.
func measureStreams(_ store: Store, _ workload: Workload, _ settings: Settings) async throws {
    // A record of its own at the end, so that the last commit has one.
    try await store.put(marker(), in: CodexFlow.table)
    var (bare, decoded): ([Double], [Double]) = ([], [])
    for round in 0..<settings.rounds {
        let first = try await readLog(store, decodes: false)
        let second = try await readLog(store, decodes: true)
        note("streams, round \(round + 1): \(first.count) records")
        bare.append(first.rate)
        decoded.append(second.rate)
    }
    let idle = try await measureLag(store, settings.seconds)
    async let writes = runWriters(store, workload, for: settings.seconds + 1, seed: 2000)
    let busy = try await measureLag(store, settings.seconds)
    let rate = try await writes.rate
    note("streams: lag beside \(text(rate)) updates/s")

    say("\nChange streams")
    row("records/s from the log", bare, goal: ">= 500000")
    row("records/s from the log, new images decoded", decoded)
    for (name, lag, goal) in [("alone", idle, "< 10"), ("beside 64 writers", busy, "")] {
        row("lag at the tail, \(name), p50, ms", [lag.quantile(0.5) / 1e6])
        row("lag at the tail, \(name), p99, ms", [lag.quantile(0.99) / 1e6], goal: goal)
        row("lag at the tail, \(name), longest, ms", [Double(lag.longest) / 1e6])
    }
}

/// Reads from the oldest record to the end of the log.
private func readLog(
    _ store: Store, decodes: Bool
) async throws -> (count: Int, rate: Double) {
    let last = try store.stats().sequence
    let start = durable_now()
    var (count, attributeCount) = (0, 0)
    for try await record in store.changes(after: .trimHorizon, view: .newImage) {
        count += 1
        if decodes { attributeCount += try record.newImage?.count ?? 0 }
        if record.sequenceNumber.commit >= last { break }
    }
    guard !decodes || attributeCount > 0 else { fatalError("no record has an image") }
    return (count, Double(count) / (Double(durable_now() - start) / 1e9))
}

/// An item that says when it was written.
func marker() -> Item {
    ["PK": "MARKER", "SK": "0", "writtenAt": .number(Number(Int(durable_now())))]
}

/// How long it takes from a write's body, and so with its commit, to a consumer at the tail.
private func measureLag(_ store: Store, _ seconds: Double) async throws -> Latencies {
    let end = durable_now() + UInt64(seconds * 1e9)
    return try await withThrowingTaskGroup(of: Latencies.self) { group in
        group.addTask {
            while !Task.isCancelled {
                do {
                    try await store.write { transaction in
                        _ = try transaction.put(marker(), in: CodexFlow.table)
                    }
                    try await Task.sleep(for: .milliseconds(2))
                } catch {
                    guard Task.isCancelled else { throw error }
                }
            }
            return Latencies()
        }
        group.addTask {
            var lag = Latencies()
            for try await record in store.changes(after: .latest, view: .newImage) {
                let now = durable_now()
                guard let writtenAt = try record.newImage?["writtenAt"]?.number?.int64 else {
                    continue
                }
                lag.add(now - min(now, UInt64(writtenAt)))
                if now > end { break }
            }
            return lag
        }
        var all = Latencies()
        for try await lag in group {
            all.merge(lag)
            // The consumer ends first; the one that writes goes on until it is told.
            group.cancelAll()
        }
        return all
    }
}
