import CodexCore
import CodexStore
import CodexTesting
import CrashSupport
import Foundation
import TestSupport

/// Processes that use stores at full speed for a long time, while some are killed and their disk is
/// full.
final class SoakRun {
    /// So long after a full disk an error may still be of it: a process may have been frozen.
    private static let lateness = Duration.seconds(10)
    /// What only a full disk explains.
    private static let ofFullDisk: Set<String> = [
        "diskFull", "commitFailed", "outcomeUnknown", "writesRefused",
    ]
    private static let steadyMemory = "memory of worker 0"

    private let plan: SoakPlan
    private let directory: String
    private let disk: LoopDisk?
    private let output = Pipe()
    private let lines: LinePipe
    private var random: SplitMix
    private var workers: [SteeredAgent] = []
    private var tables: SteeredAgent?
    private var reader: SteeredAgent?
    private let upgrades: FormatUpgrades
    private var ballast: Ballast?
    private var lastFull: ContinuousClock.Instant?
    /// The processes that have opened their store, and those that have closed it.
    private var begun: Set<String> = []
    private var done: Set<String> = []
    /// Whether a store refuses writes until all its processes are gone.
    private var isRefused = false
    private var report = SoakReport()

    private var path: String { (disk?.path ?? directory) + "/mixed" }
    private var tablesPath: String { directory + "/tables" }

    init(_ plan: SoakPlan) throws {
        let disk =
            try plan.fillsDisk && LoopDisk.isPossible
            ? LoopDisk(byteCount: SoakPlan.diskByteCount) : nil
        directory = try TemporaryStore.makeDirectory()
        (self.plan, self.disk) = (plan, disk)
        lines = LinePipe(output)
        random = SplitMix(seed: plan.seed)
        upgrades = FormatUpgrades(directory: directory)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Lets the processes work, and checks what they leave.
    func run() async throws -> SoakReport {
        defer { killAll() }
        try await makeStore()
        try startAll()
        do {
            try work()
            try endAll()
            guard report.findings.isEmpty else { return report }
            report.judgeSamples()
            try await check()
        } catch let finding as CrashFinding {
            report.find("\(finding)")
        }
        return report
    }

    private func makeStore() async throws {
        let store = try Store(at: path, schema: SoakTables.schema, options: .soaking)
        defer { store.close() }
        for number in 0..<plan.consumerCount {
            try await SoakTables.addConsumer(number, to: store)
        }
    }

    // MARK: Processes

    // The handle, not the pipe: all processes share it.
    private func start(_ arguments: [String]) throws -> SteeredAgent {
        try SteeredAgent(arguments, output: output.fileHandleForWriting)
    }

    private func startWorker(_ place: Int) throws -> SteeredAgent {
        if place == 0 { report.samples.forget(Self.steadyMemory) }
        var arguments = [
            "soak", path, "\(place)", "\(random.next())", "\(plan.consumerCount)",
        ]
        if place == 0, let fault = plan.fault { arguments.append(fault.rawValue) }
        return try start(arguments)
    }

    private func startAll() throws {
        for place in 0..<plan.workerCount { workers.append(try startWorker(place)) }
        if plan.tableCount > 0 {
            tables = try start(
                ["soak-tables", tablesPath, "\(plan.tableCount)", "\(random.next())"])
        }
        if plan.readerSeconds > 0 {
            reader = try start(
                [
                    "soak-reader", directory + "/reader", "\(plan.readerSeconds)",
                    "\(plan.readerByteCount)",
                ])
        }
    }

    private func killAll() {
        for agent in workers + [tables, reader].compactMap({ $0 }) { agent.kill() }
    }

    private func restart(_ place: Int) throws {
        workers[place].kill()
        takeLines()
        workers[place] = try startWorker(place)
    }

    /// Kills all workers, so that the next one recovers the store.
    private func restartAll() throws {
        endTroubles()
        for worker in workers { worker.kill() }
        takeLines()
        isRefused = false
        for place in workers.indices { workers[place] = try startWorker(place) }
    }

    // MARK: Work

    private func work() throws {
        let start = ContinuousClock.now
        var (nextTrouble, nextSample) = (start, start)
        while report.findings.isEmpty {
            let now = ContinuousClock.now
            if isOver(now - start) { return }
            if now >= nextTrouble {
                nextTrouble = now + .milliseconds(50 + random.below(100))
                try makeTrouble()
            }
            if now >= nextSample {
                nextSample = now + plan.sampleInterval
                takeSamples()
            }
            if let line = lines.next(within: .milliseconds(20)) { handle(line) }
            takeLines()
        }
    }

    /// Whether the time is over, and all was done that takes longer.
    private func isOver(_ elapsed: Duration) -> Bool {
        guard elapsed >= .seconds(plan.seconds) else { return false }
        let isDone =
            report.count("sessions") >= plan.sessionCount
            && (reader == nil || done.contains("reader"))
            && (tables == nil || begun.contains("tables"))
            && (!plan.raisesFormats || upgrades.isComplete)
        if !isDone, elapsed >= plan.limit { report.find("not all is done in time") }
        return isDone
    }

    private func takeLines() {
        for line in lines.available() { handle(line) }
    }

    private func handle(_ line: String) {
        let words = line.split(separator: " ").map(String.init)
        guard words.count > 1 else { return report.find(line) }
        let number = words.count > 2 ? Int(words[2]) ?? 0 : 0
        switch words[0] {
        case "begun": begun.insert(words[1])
        case "done": done.insert(words[1])
        case "ack":
            report.note("groups")
            if let writer = Int(words[1]) { report.groups[writer] = Int64(number) }
        case "sessions": report.note("sessions", number)
        case "consumed": report.note("consumers that caught up", number)
        case "trimmed": report.note("consumers that started over")
        case "progress": report.note("steps on many tables", number)
        case "held": report.note("looks at a held snapshot", number)
        case "reused": report.note("held snapshots")
        case "failed", "refused": takeFailure(words)
        default: report.find(line)
        }
    }

    private func takeFailure(_ words: [String]) {
        let code = words.last ?? ""
        report.note(words[0] + " " + code)
        if words[0] == "refused" { isRefused = true }
        guard Self.ofFullDisk.contains(code), ballast == nil else { return }
        if let lastFull, ContinuousClock.now - lastFull < Self.lateness { return }
        report.find("\(code), and the disk was not full")
    }

    // MARK: Samples

    private func takeSamples() {
        if begun.contains("0"), let worker = workers.first {
            report.samples.add(Self.steadyMemory, ProcessMemory.byteCount(of: worker.processID))
        }
        if begun.contains("tables"), let tables {
            report.samples.add("memory of tables", ProcessMemory.byteCount(of: tables.processID))
        }
        report.samples.add("data file", Self.byteCount(path + "/data.mdb"))
        let names = try? FileManager.default.contentsOfDirectory(atPath: path + "/log")
        let segments = names?.compactMap { Self.byteCount("\(path)/log/\($0)") }
        report.samples.add("log", segments?.reduce(0, +))
    }

    private static func byteCount(_ path: String) -> Int? {
        var info = stat()
        return stat(path, &info) == 0 ? Int(info.st_size) : nil
    }

    // MARK: Troubles

    private func makeTrouble() throws {
        complainAboutEnded()
        if isRefused {
            report.note("restarts of all workers")
            return try restartAll()
        }
        if plan.raisesFormats { try upgrades.step(&random) }
        let others = workers.indices.dropFirst()
        switch random.below(100) {
        case 0..<6:
            guard let place = others.randomElement(using: &random) else { return }
            report.note("kills")
            try restart(place)
        case 6..<8:
            report.note("kills of all but one")
            for place in others { try restart(place) }
        case 8..<12: if let place = others.randomElement(using: &random) { workers[place].freeze() }
        case 12..<30: for worker in workers { worker.resume() }
        case 30..<35: try fillDisk()
        default: break
        }
    }

    /// Nothing explains a process that ends by itself.
    private func complainAboutEnded() {
        let hasEnded =
            workers.contains(where: \.hasEnded) || tables?.hasEnded == true
            || reader?.hasEnded == true
        guard hasEnded else { return }
        takeLines()
        if workers.contains(where: \.hasEnded) { report.find("a worker has ended") }
        if tables?.hasEnded == true { report.find("the process of many tables has ended") }
        if reader?.hasEnded == true, !done.contains("reader") {
            report.find("the process of a held snapshot has ended")
        }
    }

    /// Takes the rest of the disk, or gives it back.
    private func fillDisk() throws {
        guard let disk else { return }
        guard ballast == nil else { return freeDisk() }
        ballast = try Ballast(on: disk.path, leaving: random.below(3) << 20)
        report.note("full disks")
    }

    private func freeDisk() {
        guard let ballast else { return }
        ballast.remove()
        self.ballast = nil
        lastFull = ContinuousClock.now
    }

    private func endTroubles() {
        for worker in workers { worker.resume() }
        freeDisk()
    }

    // MARK: The end

    /// Kills all workers, or lets them close the store.
    private func endAll() throws {
        endTroubles()
        // Recovery has many tables then.
        tables?.kill()
        report.note("upgrades", upgrades.doneCount)
        report.note("kills of upgrades", upgrades.killCount)
        let kills = isRefused || random.chance(50)
        for worker in workers {
            if kills { worker.kill() } else { worker.tellToEnd() }
        }
        let deadline = ContinuousClock.now + Hang.limit
        while workers.contains(where: { !$0.hasEnded }), ContinuousClock.now < deadline {
            if let line = lines.next(within: .milliseconds(20)) { handle(line) }
        }
        takeLines()
        guard !kills else { return }
        for place in workers.indices where !done.contains("\(place)") {
            report.find("worker \(place) has not closed the store")
        }
    }

    private func check() async throws {
        let restartCount = try await SoakChecks.checkMixed(
            path, report.groups, consumerCount: plan.consumerCount)
        report.note("consumers that start over at the end", restartCount)
        if plan.tableCount > 0 {
            try SoakChecks.checkTables(tablesPath, count: plan.tableCount)
        }
    }
}
