import ArgumentParser
import CDurablePeers
import CodexCore
import CodexStore
import Foundation
import GRDB
import MeasuredPaths

/// The headline set: one table, one file, the charts; with `--full`, what takes longer too.
struct Headline: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "The headline set: reads, loads, sizes, durable writes, caches, YCSB, growth, the endpoint."
    )

    @OptionGroup var scratch: Scratch
    @Option(help: "Where headline.json and the charts are written.")
    var results = "Benchmarks/results"
    @Option(help: "How many tasks there are, seven digits at most.")
    var count = 1_000_000
    @Flag(help: "Small and short, to see whether it works.")
    var quick = false
    @Flag(help: "With 10 million tasks, and RocksDB among the peers.")
    var full = false
    @Option(help: "Figures of the endpoint that Scripts/bench-dynamodb wrote.")
    var endpoint: String?
    @Option(help: "Measure these parts alone.")
    var only: [Part] = []

    enum Part: String, CaseIterable, ExpressibleByArgument {
        case reads, loads, writes, caches, ycsb, scale
    }

    mutating func validate() throws {
        if quick { count = min(count, 50_000) }
        guard (2000...9_999_999).contains(count) else {
            throw ValidationError("There are 2000 to 9999999 tasks.")
        }
    }

    func run() async throws {
        var report = HeadlineReport()
        func includes(_ part: Part) -> Bool { only.isEmpty || only.contains(part) }
        try FileManager.default.createDirectory(
            atPath: results, withIntermediateDirectories: true)
        try await scratch.use { directory in
            // First, while the process has no memory of other parts.
            if includes(.scale) { try await measureScale(directory, &report) }
            if includes(.loads) { try await measureLoading(directory, &report) }
            if includes(.reads) { try await measureReading(directory, &report) }
            if includes(.writes) { try await measureWriting(directory, &report) }
            if includes(.caches) {
                try await CachePairs(directory: directory).measure(&report)
            }
            if includes(.ycsb) {
                let run = YCSBRun(directory, recordCount: quick ? 5000 : 100_000)
                let figures = try run.measure(rounds: quick ? 2 : 3, seconds: quick ? 0.2 : 2)
                figures.add(to: &report)
                if !quick { try figures.writeCharts(to: results) }
            }
        }
        if only.isEmpty { addEndpoint(to: &report) }
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

    /// Adds what the script measured: GetItem over HTTP.
    private func addEndpoint(to report: inout HeadlineReport) {
        if let endpoint, let data = try? Data(contentsOf: URL(fileURLWithPath: endpoint)),
            let figures = try? JSONDecoder().decode([Figure].self, from: data)
        {
            for figure in figures { report.add(figure) }
            return
        }
        for peer in ["ministack", "moto"] {
            report.add(.notMeasured("endpoint GetItem", peerName: peer, goal: 30))
        }
    }

    private func measureLoading(_ directory: String, _ report: inout HeadlineReport) async throws {
        let loadCount = min(count, 200_000)
        let bare = try await measureLoads(of: loadCount, rounds: 3, in: directory)
        report.add(
            Figure(
                "bulk-load", ours: bare.ours, peer: bare.peer, peerName: "the same puts in C",
                unit: "items/s", goal: 0.85, isRate: true))
        let typed = try await measureTypedLoads(of: loadCount, rounds: 3, in: directory)
        report.add(
            Figure(
                "bulk-load", ours: typed.ours, peer: typed.peer,
                peerName: "GRDB, 20,000 a transaction", unit: "items/s", goal: 1.5, isRate: true))
    }

    private func measureReading(_ directory: String, _ report: inout HeadlineReport) async throws {
        let path = directory + "/store"
        note("loading \(count) tasks into Codex and GRDB")
        try await Self.fill(path, SampleTasks.schema, count)
        let copy = directory + "/copy"
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        let file = directory + "/tasks.sqlite"
        let pool = try openPool(file)
        try await pool.write { try TaskRow.createTable($0) }
        try insertTasks(count, into: pool)
        _ = try await pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }

        let store = try Store(at: path)
        let pairs = try ReadPairs(store, copy: copy, pool, count: count, rounds: quick ? 3 : 11)
        try pairs.measure(&report)
        pairs.close()
        store.close()
        try await measureSizes(directory, all: path, peer: file, &report)
        try pool.close()
        for name in [path, copy, file] { try FileManager.default.removeItem(atPath: name) }
    }

    private func measureSizes(
        _ directory: String, all: String, peer: String, _ report: inout HeadlineReport
    ) async throws {
        let keysOnly = directory + "/keys-only"
        guard let table = SampleTasks.schema.tables.first else { return }
        let schema = Schema(
            tables: [
                TableDefinition(
                    table.name, partitionKey: table.partitionKey, sortKey: table.sortKey,
                    indexes: table.indexes.map { index in
                        IndexDefinition(
                            index.name, partitionKey: index.partitionKey, sortKey: index.sortKey,
                            projection: .keysOnly, isUnique: index.isUnique,
                            entities: index.entities)
                    })
            ],
            entities: CodexFlow.entities.map { $0.definition })
        try await Self.fill(keysOnly, schema, count)
        let bytes = try FileManager.default.attributesOfItem(atPath: peer)[.size] as? Int ?? 0
        for (name, path, goal) in [("KEYS_ONLY", keysOnly, 0.8), ("ALL", all, 0.4)] {
            let ours = try StoreSizes(path).dataByteCount
            report.add(
                Figure(
                    "stored-bytes, indexes \(name)", ours: [Double(ours) / 1_048_576],
                    peer: [Double(bytes) / 1_048_576], peerName: "GRDB's file", unit: "MiB",
                    goal: goal))
        }
        try FileManager.default.removeItem(atPath: keysOnly)
    }

    private static func fill(_ path: String, _ schema: Schema, _ count: Int) async throws {
        let store = try Store(at: path, schema: schema)
        try await loadTasks(count, into: store)
        store.close()
    }

    private func measureWriting(_ directory: String, _ report: inout HeadlineReport) async throws {
        var settings = try Settings.parse([])
        settings.rounds = quick ? 2 : 5
        settings.seconds = quick ? 0.3 : 4
        let workload = Workload(count: count)
        let store = try Store(at: directory + "/durable", schema: Workload.schema)
        try await workload.load(into: store)
        let peers = try Peers(in: directory, workload, withRocks: full)
        let figures = try await measureWrites(store, workload, peers, settings)
        peers.close()
        store.close()
        figures.report()
        var pairs: [(Side, Side, Double?)] = [
            (.codexOne, .lmdbOne, 2.5), (.codexOne, .grdbOne, 1),
            (.codexMany, .lmdbOne, 12), (.codexMany, .grdbMany, 1.6),
        ]
        // No goal was set for these.
        if full { pairs += [(.codexOne, .rocksOne, nil), (.codexMany, .rocksMany, nil)] }
        for (ours, peer, goal) in pairs {
            report.add(
                Figure(
                    "durable-update, \(ours == .codexOne ? "1 writer" : "64 writers")",
                    ours: figures[ours], peer: figures[peer], peerName: peer.rawValue,
                    unit: "updates/s", goal: goal, isRate: true))
        }
    }
}
