import ArgumentParser
import CDurablePeers
import CodexCore
import CodexStore
import Foundation

/// How many tasks write to Codex at once, and how many updates the peers have in a transaction.
let writerCount = 64

/// Who writes in a phase of a round, and how.
enum Side: String, CaseIterable, Sendable {
    case codexOne = "Codex, one writer"
    case lmdbOne = "LMDB, one by one"
    case sqliteOne = "SQLite, one by one"
    case grdbOne = "GRDB, one by one"
    case rocksOne = "RocksDB, one by one"
    case codexMany = "Codex, 64 writers"
    case lmdbMany = "LMDB, 64 a commit"
    case sqliteMany = "SQLite, 64 a transaction"
    case grdbMany = "GRDB, 64 a transaction"
    case rocksMany = "RocksDB, 64 threads"
}

extension Side: ExpressibleByArgument {
    /// The side that is called so in the source.
    init?(argument: String) {
        guard let side = Self.allCases.first(where: { "\($0)" == argument }) else { return nil }
        self = side
    }

    static var allValueStrings: [String] { allCases.map { "\($0)" } }
}

/// Lets all sides write in turn.
func measureWrites(
    _ store: Store, _ workload: Workload, _ peers: Peers, _ settings: Settings
) async throws -> WriteFigures {
    var figures: [Side: [Double]] = [:]
    var latencies = Latencies()
    for round in 0..<settings.rounds {
        for index in Side.allCases.indices {
            // The pace of a disk drifts: each round begins with another side.
            let side = Side.allCases[(index + round) % Side.allCases.count]
            guard settings.side.map({ $0 == side }) ?? true else { continue }
            // All sides draw the same updates.
            var random = UInt64(round)
            let figure: Double
            settle()
            switch side {
            case .codexOne:
                figure = try writeOneByOne(store, workload, settings.seconds, &random)
            case .lmdbOne:
                figure = rate(settings.seconds) { peers.updateLMDB(1, &random) }
            case .sqliteOne:
                figure = rate(settings.seconds) { peers.updateSQLite(1, &random) }
            case .grdbOne:
                figure = try rate(settings.seconds) { try peers.grdb.update(1, &random) }
            case .rocksOne:
                figure = rate(settings.seconds) { peers.updateRocks(1, &random) }
            case .rocksMany:
                figure = peers.runRocks(threads: writerCount, settings.seconds, random)
            case .codexMany:
                let run = try await runWriters(
                    store, workload, for: settings.seconds, seed: random)
                latencies.merge(run.latencies)
                figure = run.rate
            case .lmdbMany:
                figure = rate(settings.seconds, updateCount: writerCount) {
                    peers.updateLMDB(writerCount, &random)
                }
            case .sqliteMany:
                figure = rate(settings.seconds, updateCount: writerCount) {
                    peers.updateSQLite(writerCount, &random)
                }
            case .grdbMany:
                figure = try rate(settings.seconds, updateCount: writerCount) {
                    try peers.grdb.update(writerCount, &random)
                }
            }
            note("round \(round + 1): \(side.rawValue): \(text(figure)) updates/s")
            figures[side, default: []].append(figure)
        }
    }
    return WriteFigures(rates: figures, latencies: latencies)
}

/// What the sides did, in updates per second of each round.
struct WriteFigures {
    let rates: [Side: [Double]]
    /// Of the commits of one of 64 writers.
    let latencies: Latencies

    subscript(side: Side) -> [Double] { rates[side] ?? [] }

    /// Two sides, and what their ratio is to be at least; no goal was set for some.
    private typealias Pair = (ours: Side, peer: Side, goal: Double?)

    /// The pairs of the headline set.
    private static let headlinePairs: [Pair] = [
        (.codexOne, .lmdbOne, 1.8), (.codexOne, .grdbOne, 1.5), (.codexOne, .rocksOne, 0.9),
        (.codexMany, .lmdbOne, 12), (.codexMany, .grdbMany, 3), (.codexMany, .rocksMany, 1.1),
    ]

    /// The pairs that the text alone has.
    private static let furtherPairs: [Pair] = [
        (.codexOne, .sqliteOne, 0.85), (.codexMany, .lmdbMany, nil), (.codexMany, .sqliteMany, 1.4),
    ]

    /// Writes the part of the report.
    func report() {
        report("One writer", [.codexOne, .lmdbOne, .sqliteOne, .grdbOne, .rocksOne])
        report("64 writers", [.codexMany, .lmdbMany, .sqliteMany, .grdbMany, .rocksMany])
        codex_bench.report(latencies)
    }

    /// Writes what sides did, the first of which is Codex, and its ratios.
    private func report(_ title: String, _ sides: [Side]) {
        say("\n\(title), each commit durable, updates/s")
        for side in sides where !self[side].isEmpty { row(side.rawValue, self[side]) }
        for pair in Self.headlinePairs + Self.furtherPairs where pair.ours == sides.first {
            row(
                "Codex / \(pair.peer.rawValue)", ratios(self[pair.ours], self[pair.peer]),
                goal: pair.goal.map { String(format: ">= %g", $0) } ?? "")
        }
    }

    /// Adds the headline's figures.
    func add(to headline: inout HeadlineReport) {
        for pair in Self.headlinePairs {
            headline.add(
                Figure(
                    "durable-update, \(pair.ours == .codexOne ? "1 writer" : "64 writers")",
                    ours: self[pair.ours], peer: self[pair.peer], peerName: pair.peer.rawValue,
                    unit: "updates/s", goal: pair.goal, isRate: true))
        }
    }
}

/// Writes how long commits took for those who waited for them.
func report(_ latencies: Latencies) {
    guard latencies.count > 0 else { return }
    row("commit of one of 64 writers, p50, ms", [latencies.quantile(0.5) / 1e6])
    row("commit of one of 64 writers, p99.9, ms", [latencies.quantile(0.999) / 1e6])
    row("commit of one of 64 writers, longest, ms", [Double(latencies.longest) / 1e6])
}

/// Waits until nothing is left to be written that an earlier phase caused: each pays for its own.
func settle() { sync() }

/// Updates per second of calls with so many each.
private func rate(
    _ seconds: Double, updateCount: Int = 1, _ call: () throws -> Void
) rethrows -> Double {
    let start = durable_now()
    let end = start + UInt64(seconds * 1e9)
    var (now, count) = (start, 0)
    while now < end {
        try call()
        count += updateCount
        now = durable_now()
    }
    return Double(count) / (Double(now - start) / 1e9)
}

/// One writer that waits for each commit; not asynchronous, so that `write` is the blocking one.
private func writeOneByOne(
    _ store: Store, _ workload: Workload, _ seconds: Double, _ random: inout UInt64
) throws -> Double {
    try rate(seconds) {
        let change = workload.change(&random)
        try store.write { transaction in
            _ = try transaction.update(in: CodexFlow.table, key: change.key, change.update)
        }
    }
}

// MARK: 64 writers

/// What several writers did.
struct WriterRun: Sendable {
    var latencies = Latencies()
    var seconds = 0.0
    /// Updates per second.
    var rate: Double { Double(latencies.count) / seconds }
}

/// 64 tasks update random tasks, each waiting for its commits.
func runWriters(
    _ store: Store, _ updates: some UpdateSource, for seconds: Double, seed: UInt64
) async throws -> WriterRun {
    let start = durable_now()
    let end = start + UInt64(seconds * 1e9)
    return try await withThrowingTaskGroup(of: Latencies.self) { group in
        for writer in 0..<writerCount {
            group.addTask {
                var latencies = Latencies()
                // All writers go round one circle of numbers: each starts far from the others.
                var random = (seed << 6 | UInt64(writer)) &* 0xD134_2543_DE82_EF95
                while durable_now() < end {
                    let change = updates.change(&random)
                    let begin = durable_now()
                    try await store.update(in: CodexFlow.table, key: change.key, change.update)
                    latencies.add(durable_now() - begin)
                }
                return latencies
            }
        }
        var run = WriterRun()
        for try await latencies in group { run.latencies.merge(latencies) }
        run.seconds = Double(durable_now() - start) / 1e9
        return run
    }
}

/// 64 writers for long: what that does to the size of the store.
func measureLongRun(_ store: Store, _ workload: Workload, _ settings: Settings) async throws {
    let before = try StoreSizes(store.path)
    let end = durable_now() + UInt64(settings.minutes * 60e9)
    var (rates, latencies): ([Double], Latencies) = ([], Latencies())
    while durable_now() < end {
        let left = Double(end - min(end, durable_now())) / 1e9
        let run = try await runWriters(
            store, workload, for: min(10, left), seed: 1000 + UInt64(rates.count))
        rates.append(run.rate)
        latencies.merge(run.latencies)
        note("long run: \(text(run.rate)) updates/s, \(text(left)) s were left")
    }
    say("\n64 writers for \(text(settings.minutes)) minutes")
    row("updates/s, each 10 s", rates)
    report(latencies)
    report(
        "Sizes before and after, MiB", from: before, to: try StoreSizes(store.path), goal: "<= 2")
}
