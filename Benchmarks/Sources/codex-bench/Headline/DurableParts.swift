import CodexStore
import Foundation

/// The parts of the headline set in which writers commit durably, over one store of tasks.
struct DurableParts {
    /// These parts, in the order in which they are measured.
    static let all: [Headline.Part] = [.writes, .observers, .backups, .followers, .tail]

    let directory: String
    let workload: Workload
    /// How often the sides take their turn, and for how long.
    let settings: Settings
    /// The parts that are measured; others have no effect.
    let parts: Set<Headline.Part>

    /// Measures the parts, and adds their figures.
    func measure(_ report: inout HeadlineReport) async throws {
        let path = directory + "/durable"
        let store = try Store(at: path, schema: Workload.schema)
        note("loading \(workload.count) tasks for durable writes")
        try await workload.load(into: store)
        if parts.contains(.writes) { try await measureBesidePeers(store, &report) }
        let (rounds, seconds) = (settings.rounds, settings.seconds)
        if parts.contains(.observers) {
            let figures = try await measureObserver(
                store, workload, rounds: rounds, seconds: seconds)
            figures.report()
            figures.add(to: &report)
        }
        if parts.contains(.backups) {
            let figures = try await measureBackup(
                store, workload, directory, paces: [.byDefault], rounds: rounds, seconds: seconds)
            figures.report()
            figures.add(to: &report)
        }
        if parts.contains(.followers) {
            let figures = try await measureFollower(
                store, workload, directory, rounds: rounds, seconds: seconds)
            figures.report()
            figures.add(to: &report)
        }
        store.close()
        if parts.contains(.tail) {
            let runs = try await measureTail(
                path, workload, directory, settings, writeback: [nil])
            for figures in runs {
                figures.report()
                figures.add(to: &report)
            }
        }
        try FileManager.default.removeItem(atPath: path)
    }

    private func measureBesidePeers(_ store: Store, _ report: inout HeadlineReport) async throws {
        let folder = directory + "/peers"
        let peers = try Peers(in: folder, workload)
        let figures = try await measureWrites(store, workload, peers, settings)
        peers.close()
        try FileManager.default.removeItem(atPath: folder)
        figures.report()
        figures.add(to: &report)
    }
}
