import CodexCore
import CodexStore
import CodexTesting
import CrashSupport
import Foundation
import Histories
import TestSupport

/// Some seconds of a store that several processes write, some of which are killed and started
/// again, while the disk is full at times; then the check of all that they recorded.
///
/// What is done to them follows the lines that they print, one for each 50 operations.
final class HistoryRun {
    struct Plan {
        var seed: UInt64
        var processCount = 3
        var threadCount = 4
        /// After how many lines it ends.
        var lineCount = 150
        var fault: HistoryFault?
        /// Whether the store is on a disk that is filled.
        var fillsDisk = true
    }

    private static let diskByteCount = 64 << 20
    /// How often no process prints anything for a tenth of a second, before it is a complaint.
    private static let silenceCountMax = 600
    /// So long after a full disk, in nanoseconds, an error may still be of it: a process may learn
    /// of a failed flush later.
    private static let lateness = 1_000_000_000

    private let plan: Plan
    /// Where the events are, which no full disk loses.
    let directory: String
    private let disk: LoopDisk?
    private let output = Pipe()
    private let lines: LinePipe
    private var random: SplitMix
    private var agents: [SteeredAgent] = []
    private var startedCount = 0
    private var ballast: Ballast?
    private var lineCount = 0
    private var silenceCount = 0
    private var doneCount = 0
    private var troubles: [String: Int] = [:]
    private var complaints: [String] = []
    private var findings: [Finding] = []
    private var attempts = RecoveryAttempts()
    private var faults = FaultWindows()
    /// When the rest of the disk was taken.
    private var fullSince: Int?

    private var path: String { (disk?.path ?? directory) + "/store" }

    init(_ plan: Plan) throws {
        let disk =
            try plan.fillsDisk && LoopDisk.isPossible
            ? LoopDisk(byteCount: Self.diskByteCount) : nil
        directory = try TemporaryStore.makeDirectory()
        (self.plan, self.disk) = (plan, disk)
        lines = LinePipe(output)
        random = SplitMix(seed: plan.seed)
        faults.isPlanted = plan.fault != nil
    }

    /// Removes the events, and a store that is with them.
    func clean() { try? FileManager.default.removeItem(atPath: directory) }

    /// Lets the processes work, and checks what they recorded.
    func run() throws -> HistoryReport {
        defer { for agent in agents { agent.kill() } }
        for place in 0..<plan.processCount { agents.append(try start(place)) }
        while lineCount < plan.lineCount, complaints.isEmpty, findings.isEmpty {
            try takeLine()
        }
        endTroubles()
        endAgents()
        return try check()
    }

    private func start(_ place: Int) throws -> SteeredAgent {
        startedCount += 1
        let arguments = [
            "histories", path, directory, "\(place)", "\(startedCount)", "\(plan.threadCount)",
            "\(random.next())", plan.fault?.rawValue ?? "none",
        ]
        // The handle, not the pipe: all processes share it.
        return try SteeredAgent(arguments, output: output.fileHandleForWriting)
    }

    private func note(_ what: String) { troubles[what, default: 0] += 1 }

    // MARK: Lines

    private func takeLine() throws {
        guard let line = lines.next(within: .milliseconds(100)) else {
            // A process that is stopped may hold a lock.
            endTroubles()
            silenceCount += 1
            if silenceCount > Self.silenceCountMax { complaints.append("no operation ends") }
            return complainAboutEnded()
        }
        silenceCount = 0
        try handle(line)
        if agents.contains(where: \.hasEnded) {
            for line in lines.available() { try handle(line) }
            complainAboutEnded()
        }
    }

    private func handle(_ line: String) throws {
        let words = line.split(separator: " ").map(String.init)
        guard words.count > 1, let place = Int(words[1]), agents.indices.contains(place) else {
            return complaints.append(line)
        }
        switch words[0] {
        case "begun": return
        case "progress":
            lineCount += 1
            try makeTrouble()
        case "written": attempts.noteWrite()
        case "refused":
            note("refusals")
            guard isWorthAnAttempt(line) else { return }
            try restartAll()
        case "unopened":
            note("failed openings")
            guard isWorthAnAttempt(line) else { return }
            endTroubles()
            try restart(place)
        // It was refused writes.
        case "done": return
        default: complaints.append(line)
        }
    }

    /// Whether processes are started again, after one could not work with the store.
    private func isWorthAnAttempt(_ line: String) -> Bool {
        guard let finding = attempts.add(line) else { return true }
        findings.append(finding)
        return false
    }

    /// Nothing explains a process that ends by itself.
    private func complainAboutEnded() {
        guard complaints.isEmpty, findings.isEmpty, agents.contains(where: \.hasEnded) else {
            return
        }
        complaints.append("a process has ended")
    }

    // MARK: Troubles

    private func makeTrouble() throws {
        switch random.below(100) {
        case 0..<5:
            note("kills")
            try restart(random.below(agents.count))
        case 5..<7:
            note("kills of all")
            try restartAll()
        case 7..<14: try fillDisk()
        case 14..<18:
            note("stops")
            random.pick(agents).freeze()
        case 18..<30: for agent in agents { agent.resume() }
        default: break
        }
    }

    private func restart(_ place: Int) throws {
        agents[place].kill()
        if agents.count == 1 { faults.recoveries.append(Self.now) }
        agents[place] = try start(place)
    }

    /// Kills all, so that the next one to open the store recovers it.
    private func restartAll() throws {
        endTroubles()
        for agent in agents { agent.kill() }
        faults.recoveries.append(Self.now)
        // What they printed before is of no more use, but for what is wrong.
        complaints += lines.available().filter { $0.hasPrefix("unexpected") }
        for place in agents.indices { agents[place] = try start(place) }
    }

    /// Takes the rest of the disk, or gives it back.
    private func fillDisk() throws {
        guard let disk else { return }
        guard ballast == nil else { return freeDisk() }
        fullSince = Self.now
        ballast = try Ballast(on: disk.path, leaving: random.below(3) << 20)
        note("full disks")
    }

    private func freeDisk() {
        ballast?.remove()
        ballast = nil
        if let begin = fullSince { faults.fullDisk.append(begin...(Self.now + Self.lateness)) }
        fullSince = nil
    }

    private func endTroubles() {
        for agent in agents { agent.resume() }
        freeDisk()
    }

    // MARK: The end

    /// Kills all, or lets them close the store.
    private func endAgents() {
        if random.chance(50) {
            for agent in agents { agent.kill() }
            complaints += lines.available().filter { $0.hasPrefix("unexpected") }
            return
        }
        doneCount = 0
        for agent in agents { agent.tellToEnd() }
        var silenceCount = 0
        while agents.contains(where: { !$0.hasEnded }), silenceCount < Self.silenceCountMax {
            if let line = lines.next(within: .milliseconds(100)) {
                takeLast(line)
            } else {
                silenceCount += 1
            }
        }
        for line in lines.available() { takeLast(line) }
        if complaints.isEmpty, findings.isEmpty, doneCount < agents.count {
            complaints.append("\(doneCount) of \(agents.count) processes closed the store")
        }
    }

    private func takeLast(_ line: String) {
        if line.hasPrefix("done") { doneCount += 1 }
        if line.hasPrefix("unexpected") { complaints.append(line) }
        // One that could not open the store has none to close.
        if line.hasPrefix("unopened") { doneCount += 1 }
    }

    private func check() throws -> HistoryReport {
        var events: [HistoryEvent] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: directory)
        where name.hasSuffix(".jsonl") {
            let url = URL(fileURLWithPath: "\(directory)/\(name)")
            events += try HistoryReader.events(Array(Data(contentsOf: url)))
        }
        do {
            events += try finalRead(events)
        } catch {
            complaints.append("the last opening: \(error)")
        }
        let history = try History(events)
        return HistoryReport(
            history, troubles: troubles,
            findings: Checker.findings(in: history, faults: faults) + findings,
            complaints: complaints)
    }

    /// Reads all lists in one snapshot, after all processes have gone: what was acknowledged is
    /// there.
    private func finalRead(_ events: [HistoryEvent]) throws -> [HistoryEvent] {
        var keys: Set<Int> = []
        for event in events {
            for step in event.steps { keys.insert(step.key) }
        }
        let begin = Self.now
        let store = try Store(at: path)
        defer { store.close() }
        var lists: [Int: [Int]] = [:]
        for item in try store.items(scanning: TableScan(table: ListTable.name)).items {
            lists[try ListTable.key(of: item)] = try ListTable.list(item)
        }
        let end = Self.now
        let report = try store.verify()
        if !report.isSound { complaints.append("verify: \(report.differences.prefix(3))") }
        let steps = keys.union(lists.keys).sorted().map {
            MicroOperation.read(key: $0, list: lists[$0] ?? [])
        }
        return [
            HistoryEvent(.invoke, at: begin, operation: -1, process: -1, form: "final"),
            HistoryEvent(.ok, at: end, operation: -1, process: -1, form: "final", steps: steps),
        ]
    }

    /// The clock of the events.
    private static var now: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec)
    }
}
