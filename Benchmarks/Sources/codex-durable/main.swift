// What durable commits cost: Codex against LMDB with its own sync and SQLite with synchronous=FULL,
// in one run, in interleaved rounds; then reads beside writers, recovery, and change streams.
//
//   codex-durable [DIRECTORY] [--count N] [--minutes M] [--quick] [--only PART]
//   codex-durable … --side codexOne                            one side's writes, for a profile
//   codex-durable --child-writer STORE SECONDS [--count N]     what the recovery kills
//
// The stores come into a folder of their own in DIRECTORY (.build-demo if none is given), which is
// removed at the end. It must lie on a disk: a flush in memory costs nothing.

import CDurablePeers
import CodexStore
import Foundation

let settings = Settings(CommandLine.arguments)
if let child = settings.child {
    try await writeAsChild(of: child.store, for: child.seconds, Workload(count: settings.count))
} else {
    try await measure(settings)
}

func measure(_ settings: Settings) async throws {
    let process = ProcessInfo.processInfo.processIdentifier
    let directory = settings.directory + "/codex-durable-\(process)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let flush = durable_flush_seconds(directory + "/flush", 1000)
    say(
        "\(settings.count) tasks; \(settings.rounds) rounds of \(text(settings.seconds)) s, "
            + "medians (least to most); a flush of 4 KiB takes \(text(flush * 1e6)) µs")

    let workload = Workload(count: settings.count)
    let path = directory + "/store"
    let store = try Store(at: path, schema: Workload.schema)
    note("loading \(settings.count) tasks")
    try await workload.load(into: store)
    let sizes = try StoreSizes(path)
    if settings.includes(.writes) {
        let peers = try Peers(in: directory, workload)
        try await measureWrites(store, workload, peers, settings)
        peers.close()
    }
    if settings.includes(.reads) { try await measureReads(store, workload, settings) }
    if settings.includes(.streams) { try await measureStreams(store, workload, settings) }
    if settings.minutes > 0 { try await measureLongRun(store, workload, settings) }
    report("Sizes, from the load to the end, MiB", from: sizes, to: try StoreSizes(path))
    store.close()
    if settings.includes(.recovery) { try measureRecovery(path, settings) }
}
