import CDurablePeers
import CodexStore
import Foundation
import MeasuredPaths

/// What 64 writers and a program in C met in the rounds, with one way to write the data file out.
struct TailFigures {
    /// The bytes after which the data file is written out; `nil` is the default.
    let writebackByteCount: Int?
    fileprivate var rates: [Double] = []
    /// Quantiles of each round, in milliseconds.
    fileprivate var commits = TailQuantiles()
    fileprivate var flushes = TailQuantiles()
    fileprivate var peer = TailQuantiles()

    fileprivate var name: String {
        writebackByteCount.map { $0 == 0 ? "flushed by checkpoints" : "written out each \($0)" }
            ?? "the default"
    }

    /// Writes the part of the report.
    func report() {
        say("\n64 writers beside an append and flush in C; the data file: \(name)")
        row("updates/s", rates)
        commits.report("commit")
        flushes.report("its flush of the log")
        peer.report("append and flush in C")
        row("commit / C, p99.9", ratios(commits.high, peer.high), goal: "<= 2")
        row("flush of the log / C, p99.9", ratios(flushes.high, peer.high))
    }

    /// Adds the headline's figures: p99.9, and the longest, which has no goal.
    func add(to headline: inout HeadlineReport) {
        headline.add(
            Figure(
                "commit p99.9, 64 writers", ours: commits.high, peer: peer.high,
                peerName: "append and flush in C", unit: "ms", goal: 0.5))
        headline.add(
            Figure(
                "longest commit, 64 writers", ours: commits.longest, peer: peer.longest,
                peerName: "append and flush in C", unit: "ms", goal: nil))
    }
}

/// Quantiles of each round, in milliseconds.
private struct TailQuantiles {
    private static let shares = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("longest", 1.0)]
    private var rounds: [[Double]] = []

    mutating func add(_ latencies: Latencies) {
        rounds.append(Self.shares.map { latencies.quantile($0.1) / 1e6 })
    }

    /// The quantiles p99.9 of the rounds.
    var high: [Double] { rounds.map { $0[2] } }

    /// The longest of each round.
    var longest: [Double] { rounds.map { $0[3] } }

    func report(_ name: String) {
        for (place, share) in Self.shares.enumerated() {
            row("\(name), \(share.0), ms", rounds.map { $0[place] })
        }
    }
}

/// How long commits of 64 writers take, and their flushes, beside a program in C that appends and
/// flushes as many bytes as often, in turn.
///
/// - Parameters:
///   - path: The store, which is closed.
///   - workload: What is updated.
///   - directory: The folder for the file of the program in C.
///   - settings: The rounds.
///   - steps: The ways to write the data file out, which take turns: the bytes after which that
///     happens, `nil` for the store's default, and 0 for checkpoints alone.
/// - Returns: The figures of each way.
/// - Throws: The errors of the store.
func measureTail(
    _ path: String, _ workload: Workload, _ directory: String, _ settings: Settings,
    writeback steps: [Int?]
) async throws -> [TailFigures] {
    var runs = steps.map { TailFigures(writebackByteCount: $0) }
    for round in 0..<settings.rounds {
        for index in runs.indices {
            let place = (index + round) % runs.count
            try await measureRound(&runs[place], round, path, workload, directory, settings)
        }
    }
    return runs
}

private func measureRound(
    _ run: inout TailFigures, _ round: Int, _ path: String, _ workload: Workload,
    _ directory: String, _ settings: Settings
) async throws {
    let times = FlushTimes()
    let store = try Store(
        at: path, options: times.options(writebackByteCount: run.writebackByteCount))
    settle()
    let known = times.flushes.count
    let writers = try await runWriters(
        store, workload, for: settings.seconds, seed: UInt64(4000 + round))
    let flushes = times.flushes.dropFirst(known)
    store.close()
    run.rates.append(writers.rate)
    run.commits.add(writers.latencies)
    run.flushes.add(latencies(flushes))
    let byteCount = try meanRecordByteCount(path)
    let rate = Double(flushes.count) / writers.seconds
    settle()
    run.peer.add(try flushInC(directory + "/flushed", byteCount, rate, settings.seconds))
    note(
        "tail, round \(round + 1), \(run.name): \(text(writers.rate)) updates/s, "
            + "\(text(rate)) flushes/s of \(byteCount) bytes")
}

private func latencies(_ samples: some Sequence<UInt64>) -> Latencies {
    var latencies = Latencies()
    for sample in samples { latencies.add(sample) }
    return latencies
}

/// The bytes of a commit in the log, on average.
private func meanRecordByteCount(_ path: String) throws -> Int {
    let segments = try LogInspection(at: path).segments.suffix(2)
    let commitCount = segments.reduce(0) { $0 + $1.commitCount }
    // The header of a segment has 4 KiB.
    let byteCount = segments.reduce(0) { $0 + max(0, $1.usedByteCount - 4096) }
    return max(1, byteCount / max(1, commitCount))
}

private func flushInC(
    _ path: String, _ byteCount: Int, _ rate: Double, _ seconds: Double
) throws -> Latencies {
    let capacity = Int(rate * seconds) + 1
    var samples = [UInt64](repeating: 0, count: capacity)
    let count = durable_flush_times(path, byteCount, rate, seconds, &samples, capacity)
    return latencies(samples.prefix(count))
}
