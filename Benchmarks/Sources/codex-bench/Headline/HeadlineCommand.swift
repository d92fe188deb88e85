import ArgumentParser
import CodexCore
import CodexStore
import Foundation
import GRDB
import MeasuredPaths

/// The headline set: one table, one file, the charts; with `--full`, what takes longer too.
struct Headline: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "The headline set: reads, loads, sizes, durable writes, caches, YCSB, growth, endpoint."
    )

    @OptionGroup var scratch: Scratch
    @Option(help: "Where headline.json and the charts are written.")
    var results = "Benchmarks/results"
    @Option(help: "How many tasks there are, seven digits at most.")
    var count = 1_000_000
    @Flag(help: "Small and short, to see whether it works.")
    var quick = false
    @Flag(help: "With 10 million tasks.")
    var full = false
    @Option(help: "What Scripts/bench-dynamodb measured of the endpoint: its file.")
    var endpoint: String?
    @Option(help: "Measure these parts alone.")
    var only: [Part] = []

    enum Part: String, CaseIterable, ExpressibleByArgument {
        case reads, loads, titles, writes, observers, backups, followers, tail, caches, ycsb, scale
        case endpoint
    }

    mutating func validate() throws {
        if quick { count = min(count, 25_000) }
        guard (2000...9_999_999).contains(count) else {
            throw ValidationError("There are 2000 to 9999999 tasks.")
        }
    }

    func run() async throws {
        var report = HeadlineReport()
        let parts = Set(only.isEmpty ? Part.allCases : only)
        try FileManager.default.createDirectory(
            atPath: results, withIntermediateDirectories: true)
        try await scratch.use { directory in
            // First, while the process has no memory of other parts.
            if parts.contains(.scale) { try await measureScale(directory, &report) }
            if parts.contains(.loads) { try await measureLoading(directory, &report) }
            if parts.contains(.reads) { try await measureReading(directory, &report) }
            try await measureWriting(directory, parts, &report)
            if parts.contains(.caches) {
                let pairs = CachePairs(
                    directory: directory, rounds: quick ? 2 : 7, readCount: quick ? 2000 : 20_000)
                try await pairs.measure(&report)
            }
            if parts.contains(.ycsb) {
                let run = YCSBRun(directory, recordCount: quick ? 5000 : 100_000)
                let figures = try run.measure(rounds: quick ? 2 : 3, seconds: quick ? 0.1 : 2)
                figures.add(to: &report)
                if !quick { try figures.writeCharts(to: results) }
            }
        }
        if parts.contains(.endpoint) { EndpointFigures(endpoint).add(to: &report) }
        report.printTable()
        if !quick { try report.write(to: results, replacing: only.isEmpty) }
    }

    private func measureScale(_ directory: String, _ report: inout HeadlineReport) async throws {
        let counts =
            quick ? [10_000, 20_000] : [10_000, 100_000, 1_000_000] + (full ? [10_000_000] : [])
        let run = try await ScaleRun.measure(counts, in: directory)
        run.printTable()
        run.add(to: &report)
        if !quick { try run.writeChart(to: results) }
    }

    private func measureLoading(_ directory: String, _ report: inout HeadlineReport) async throws {
        let loadCount = min(count, 200_000)
        let rounds = quick ? 1 : 3
        let bare = try await measureLoads(of: loadCount, rounds: rounds, in: directory)
        report.add(
            Figure(
                "bulk-load", ours: bare.ours, peer: bare.peer, peerName: "the same puts in C",
                unit: "items/s", goal: LoadRounds.goal, isRate: true))
        let typed = try await measureTypedLoads(of: loadCount, rounds: rounds, in: directory)
        report.add(
            Figure(
                "bulk-load", ours: typed.ours, peer: typed.peer,
                peerName: "GRDB, 20,000 a transaction", unit: "items/s", goal: 3.5, isRate: true))
    }

    private func measureReading(_ directory: String, _ report: inout HeadlineReport) async throws {
        let (path, copies) = (directory + "/references", directory + "/copies")
        note("loading \(count) tasks into Codex, with each layout of indexes, and into GRDB")
        try await fillStore(path, indexes: .references, count)
        try await fillStore(copies, indexes: .copies, count)
        let bare = directory + "/bare"
        try FileManager.default.copyItem(atPath: path, toPath: bare)
        let file = directory + "/tasks.sqlite"
        let pool = try openPool(file)
        try await pool.write { try TaskRow.createTable($0) }
        try insertTasks(count, into: pool)
        _ = try await pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }

        let (store, copiesStore) = (try Store(at: path), try Store(at: copies))
        let pairs = try ReadPairs(
            store, copies: copiesStore, bare: bare, pool, count: count, rounds: quick ? 3 : 11)
        try pairs.measure(&report)
        pairs.close()
        store.close()
        copiesStore.close()
        for name in [bare, copies] { try FileManager.default.removeItem(atPath: name) }
        try await measureSizes(directory, references: path, peer: file, &report)
        try pool.close()
        for name in [path, file] { try FileManager.default.removeItem(atPath: name) }
    }

    private func measureSizes(
        _ directory: String, references: String, peer: String, _ report: inout HeadlineReport
    ) async throws {
        let keysOnly = directory + "/keys-only"
        let store = try Store(at: keysOnly, schema: SampleTasks.makeSchema(projecting: .keysOnly))
        try await loadTasks(count, into: store)
        store.close()
        let bytes = try FileManager.default.attributesOfItem(atPath: peer)[.size] as? Int ?? 0
        for (name, path, goal) in [
            ("KEYS_ONLY", keysOnly, 0.9), ("ALL as references", references, 0.85),
        ] {
            let ours = try StoreSizes(path).dataByteCount
            report.add(
                Figure(
                    "stored-bytes, indexes \(name)", ours: [Double(ours) / 1_048_576],
                    peer: [Double(bytes) / 1_048_576], peerName: "GRDB's file", unit: "MiB",
                    goal: goal))
        }
        try FileManager.default.removeItem(atPath: keysOnly)
    }

    /// Measures the parts in which writers commit durably.
    private func measureWriting(
        _ directory: String, _ parts: Set<Part>, _ report: inout HeadlineReport
    ) async throws {
        var settings = try Settings.parse([])
        settings.rounds = quick ? 2 : 5
        settings.seconds = quick ? 0.2 : 4
        if parts.contains(.titles) {
            let figures = try await measureTitles(of: count / 2, in: directory, settings)
            figures.report()
            figures.add(to: &report)
        }
        guard !parts.isDisjoint(with: DurableParts.all) else { return }
        let run = DurableParts(
            directory: directory, workload: Workload(count: count), settings: settings,
            parts: parts)
        try await run.measure(&report)
    }
}
