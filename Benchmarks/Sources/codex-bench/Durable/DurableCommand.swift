import ArgumentParser
import CDurablePeers
import CodexStore
import Foundation

/// What durable commits cost: Codex against LMDB with its own sync, SQLite with synchronous=FULL
/// and RocksDB, in interleaved rounds; then reads beside writers, change streams, recovery.
struct Durable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Durable commits, reads beside them, change streams, recovery.")

    @OptionGroup var settings: Settings

    func run() async throws {
        let workload = Workload(count: settings.count)
        if let store = settings.childStore {
            return try await writeAsChild(of: store, workload)
        }
        if settings.pages {
            return try await settings.scratch.use { try await reportPages($0, settings) }
        }
        try await settings.scratch.use { directory in
            let flush = durable_flush_seconds(directory + "/flush", 1000)
            say(
                "\(settings.count) tasks; \(settings.rounds) rounds of \(text(settings.seconds)) s, "
                    + "medians (least to most); a flush of 4 KiB takes \(text(flush * 1e6)) µs")
            try await measure(directory, workload)
        }
    }

    private func measure(_ directory: String, _ workload: Workload) async throws {
        let path = directory + "/store"
        let store = try Store(at: path, schema: Workload.schema)
        note("loading \(settings.count) tasks")
        try await workload.load(into: store)
        let sizes = try StoreSizes(path)
        if settings.includes(.writes) {
            let peers = try Peers(in: directory, workload)
            try await measureWrites(store, workload, peers, settings).report()
            peers.close()
        }
        if settings.includes(.reads) { try await measureReads(store, workload, settings) }
        if settings.includes(.streams) { try await measureStreams(store, workload, settings) }
        if settings.minutes > 0 { try await measureLongRun(store, workload, settings) }
        report("Sizes, from the load to the end, MiB", from: sizes, to: try StoreSizes(path))
        store.close()
        if settings.includes(.tail) {
            let steps: [Int?] = [nil, 0] + settings.writeback.map { Optional($0) }
            let runs = try await measureTail(path, workload, directory, settings, writeback: steps)
            for run in runs { run.report() }
        }
        if settings.includes(.recovery) { try measureRecovery(path, settings) }
    }
}
