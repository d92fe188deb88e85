import ArgumentParser
import Foundation

/// YCSB's workloads by themselves.
struct YCSB: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ycsb", abstract: "YCSB's core workloads A to F.")

    @OptionGroup var scratch: Scratch
    @Option(help: "How many records there are, of ten fields of 100 bytes.")
    var records = 100_000
    @Option(help: "How often all databases take their turn.")
    var rounds = 3
    @Option(help: "How long each works in a round.")
    var seconds = 2.0

    @Flag(help: "All records are wanted alike, and not as YCSB's core workloads have it.")
    var uniform = false

    func run() async throws {
        try await scratch.use { directory in
            let run = YCSBRun(directory, recordCount: records, isUniform: uniform)
            try run.measure(rounds: rounds, seconds: seconds).printTable()
        }
    }
}

/// What the databases did, by workload.
struct YCSBFigures {
    struct Cell {
        /// Operations per second, in each round.
        var rates: [Double] = []
        var latencies = Latencies()
    }

    let engines: [String]
    var cells: [YCSBWorkload: [String: Cell]] = [:]

    private func cell(_ workload: YCSBWorkload, _ engine: String) -> Cell {
        cells[workload]?[engine] ?? Cell()
    }

    private static let quantiles = [(0.5, "p50"), (0.95, "p95"), (0.99, "p99"), (0.999, "p99.9")]

    func printTable() {
        for workload in YCSBWorkload.allCases {
            say("\nYCSB \(workload.rawValue): \(workload.title)")
            for engine in engines {
                let cell = cell(workload, engine)
                row("\(engine), operations/s", cell.rates)
                let parts = Self.quantiles.map { share, name in
                    "\(name) \(text(cell.latencies.quantile(share) / 1000))"
                }
                say("    µs: " + parts.joined(separator: ", "))
            }
        }
    }

    /// Adds the headline's two figures.
    func add(to report: inout HeadlineReport) {
        printTable()
        func ratios(_ workload: YCSBWorkload) -> [Double] {
            codex_bench.ratios(cell(workload, "Codex").rates, cell(workload, "GRDB").rates)
        }
        // Of each round, the mean over the workloads.
        let rows = [YCSBWorkload.a, .b, .c, .d, .f].map(ratios)
        let means = (rows.first?.indices ?? 0..<0).map { round in
            rows.map { $0[round] }.geometricMean ?? 0
        }
        report.add(
            Figure(
                "YCSB A, B, C, D, F (geometric mean)", ours: means,
                peer: means.map { _ in 1 }, peerName: "GRDB", unit: "times", goal: 6, isRate: true))
        report.add(
            Figure(
                "YCSB E (short scans)", ours: cell(.e, "Codex").rates,
                peer: cell(.e, "GRDB").rates, peerName: "GRDB", unit: "operations/s", goal: 4,
                isRate: true))
    }

    func writeCharts(to directory: String) throws {
        let workloads = YCSBWorkload.allCases
        try BarChart(
            title: "YCSB", unit: "operations/s, each power of ten",
            labels: workloads.map(\.rawValue),
            series: engines.map { engine in
                .init(
                    name: engine, values: workloads.map { cell($0, engine).rates.median ?? 0 })
            },
            isLogarithmic: true
        ).write(to: directory + "/ycsb-throughput.svg")
        try BarChart(
            title: "YCSB A, latency", unit: "µs, each power of ten",
            labels: Self.quantiles.map(\.1),
            series: engines.map { engine in
                .init(
                    name: engine,
                    values: Self.quantiles.map {
                        cell(.a, engine).latencies.quantile($0.0) / 1000
                    })
            },
            isLogarithmic: true
        ).write(to: directory + "/ycsb-latency.svg")
    }
}

/// The databases, loaded with the same records.
struct YCSBRun {
    private let directory: String
    private let recordCount: Int
    private let isUniform: Bool
    private let zipfian: Zipfian

    init(_ directory: String, recordCount: Int, isUniform: Bool = false) {
        self.directory = directory
        self.recordCount = recordCount
        self.isUniform = isUniform
        zipfian = Zipfian(recordCount)
    }

    /// Runs the workloads one after the other, each on freshly loaded databases, since D and E add
    /// records; the databases take turns.
    func measure(rounds: Int, seconds: Double) throws -> YCSBFigures {
        var figures = YCSBFigures(engines: ["Codex", "GRDB", "bare LMDB"])
        let keys = (0..<recordCount).map(YCSBGenerator.key)
        for workload in YCSBWorkload.allCases {
            let path = directory + "/ycsb-\(workload.rawValue)"
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
            let engines: [any YCSBEngine] = [
                try CodexYCSB(path + "/codex"), try GRDBYCSB(path + "/grdb.sqlite"),
                try BareYCSB(path + "/lmdb"),
            ]
            var generators = engines.map { _ in
                YCSBGenerator(
                    workload, zipfian, isUniform: isUniform, recordCount: recordCount, seed: 7)
            }
            let fields = (0..<YCSBWorkload.fieldCount).map { _ in generators[0].value() }
            for engine in engines { try engine.load(keys, fields) }
            for round in 0..<rounds {
                for turn in engines.indices {
                    let index = (turn + round) % engines.count
                    let engine = engines[index]
                    let cell = try Self.run(engine, &generators[index], seconds)
                    var sum = figures.cells[workload]?[engine.name] ?? .init()
                    sum.rates += cell.rates
                    sum.latencies.merge(cell.latencies)
                    figures.cells[workload, default: [:]][engine.name] = sum
                }
            }
            for engine in engines { try engine.close() }
            try FileManager.default.removeItem(atPath: path)
            note("YCSB \(workload.rawValue) is done")
        }
        return figures
    }

    private static func run(
        _ engine: any YCSBEngine, _ generator: inout YCSBGenerator, _ seconds: Double
    ) throws -> YCSBFigures.Cell {
        let clock = ContinuousClock()
        var cell = YCSBFigures.Cell()
        let start = clock.now
        let end = start + .seconds(seconds)
        var now = start
        while now < end {
            let operation = generator.operation()
            let key = operation == .insert ? generator.newKey() : generator.key()
            let (field, value) = (generator.field(), generator.value())
            let begin = clock.now
            switch operation {
            case .read: try require(engine.read(key) == 1000)
            case .update: try engine.update(key, field, value)
            case .insert:
                try engine.insert(key, .init(repeating: value, count: YCSBWorkload.fieldCount))
            case .scan: try require(engine.scan(key, generator.scanCount()) > 0)
            case .readModifyWrite: try engine.readModifyWrite(key, field, value)
            }
            now = clock.now
            cell.latencies.add(nanoseconds(now - begin))
        }
        cell.rates = [Double(cell.latencies.count) / codex_bench.seconds(now - start)]
        return cell
    }

    private static func require(_ isRight: Bool) throws {
        guard isRight else { fatalError("YCSB: a record reads back differently") }
    }
}
