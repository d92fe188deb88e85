import CDurablePeers
import CodexStore
import Foundation

/// Kills a process that writes, and measures how long opening takes then, and after a clean close.
func measureRecovery(_ path: String, _ settings: Settings) throws {
    say("\nRecovery after kill -9 beside 64 writers")
    var (recoveries, closings, reopenings): ([Double], [Double], [Double]) = ([], [], [])
    for attempt in 0..<settings.killCount {
        let rate = try runAndKillChild(path, settings)
        note("kill \(attempt + 1): the child wrote \(rate) updates/s")
        var options = StoreOptions()
        options.observer = { reportRecovery($0) }
        let begin = durable_now()
        let store = try Store(at: path, options: options)
        recoveries.append(milliseconds(since: begin))
        guard try store.stats().trees.contains(where: { $0.entryCount >= settings.count }) else {
            fatalError("tasks are missing")
        }
        let end = durable_now()
        store.close()
        closings.append(milliseconds(since: end))
        let closed = durable_now()
        let again = try Store(at: path)
        reopenings.append(milliseconds(since: closed))
        again.close()
    }
    row("opening after the kill, ms", recoveries)
    row("clean close, ms", closings)
    row("opening after a clean close, ms", reopenings, goal: "< 50")
}

/// What the observer of a store that recovers is told.
private func reportRecovery(_ event: StoreEvent) {
    switch event {
    case .recovery(let report):
        say("  redone: \(report.commitCount) commits with \(report.changeCount) changes")
    default: break
    }
}

private func milliseconds(since start: UInt64) -> Double { Double(durable_now() - start) / 1e6 }

/// Lets this program write in another process, and kills that in the middle of it.
///
/// - Returns: The rate that it told last.
private func runAndKillChild(_ path: String, _ settings: Settings) throws -> String {
    let lineCount = settings.killCount > 1 ? 5 : 2
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
    process.arguments = ["durable", "--child-store", path, "--count", "\(settings.count)"]
    process.standardOutput = output
    try process.run()
    var text = ""
    while text.split(separator: "\n").count < lineCount {
        let data = output.fileHandleForReading.availableData
        guard !data.isEmpty else { fatalError("the child ended by itself") }
        text += String(decoding: data, as: UTF8.self)
    }
    // Its writers stop for a moment when it tells its rate.
    Thread.sleep(forTimeInterval: 0.4)
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    return text.split(separator: "\n").last.map(String.init) ?? ""
}

/// What the child does: writes, and tells its rate each second, until it is killed.
///
/// For ten minutes at most, should nobody kill it.
func writeAsChild(of path: String, _ workload: Workload) async throws {
    let store = try Store(at: path)
    let end = durable_now() + 600_000_000_000
    var seed = durable_now()
    while durable_now() < end {
        let run = try await runWriters(store, workload, for: 1, seed: seed)
        say(text(run.rate))
        seed += 1
    }
    store.close()
}
