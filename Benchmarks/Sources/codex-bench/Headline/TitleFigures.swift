import CodexCore
import CodexStore
import Foundation
import MeasuredPaths

/// What 64 writers did that change titles, in stores with CodexFlow's own schema: one whose indexes
/// of whole tasks are references, and one whose indexes are copies.
struct TitleFigures {
    fileprivate var runs: [IndexLayout: [WriterRun]] = [:]

    private func rates(_ layout: IndexLayout) -> [Double] { runs[layout, default: []].map(\.rate) }

    /// Writes the part of the report.
    func report() {
        say("\n64 writers that change titles, CodexFlow's schema, updates/s")
        row("indexes as references", rates(.references))
        row("indexes as copies", rates(.copies))
        row("references / copies", ratios(rates(.references), rates(.copies)), goal: ">= 2.2")
    }

    /// Adds the headline's figure.
    func add(to headline: inout HeadlineReport) {
        headline.add(
            Figure(
                "title-update, 64 writers, indexes as references", ours: rates(.references),
                peer: rates(.copies), peerName: "Codex, indexes as copies", unit: "updates/s",
                goal: 2.2, isRate: true))
    }
}

/// Lets 64 writers change titles in a store of each layout, in turn.
///
/// - Parameters:
///   - count: How many tasks each store has.
///   - directory: The folder for the stores, which are removed.
///   - settings: The rounds.
/// - Returns: The figures.
/// - Throws: The errors of the stores.
func measureTitles(
    of count: Int, in directory: String, _ settings: Settings
) async throws -> TitleFigures {
    let updates = TitleUpdates(count: count)
    let layouts: [IndexLayout] = [.references, .copies]
    note("loading \(count) tasks with each layout")
    let paths = layouts.map { directory + "/titles-\($0.rawValue)" }
    var stores: [Store] = []
    for (layout, path) in zip(layouts, paths) {
        try await fillStore(path, indexes: layout, count)
        stores.append(try Store(at: path))
    }
    var figures = TitleFigures()
    for round in 0..<settings.rounds {
        for turn in layouts.indices {
            let index = (round + turn) % layouts.count
            settle()
            // Both layouts get the same updates.
            let run = try await runWriters(
                stores[index], updates, for: settings.seconds, seed: UInt64(6000 + round))
            note("titles, round \(round + 1): \(layouts[index].rawValue): \(text(run.rate))")
            figures.runs[layouts[index], default: []].append(run)
        }
    }
    for (store, path) in zip(stores, paths) {
        try requireCount(count, in: store)
        store.close()
        try FileManager.default.removeItem(atPath: path)
    }
    return figures
}

/// Fills a new store with sample tasks, whose indexes of whole tasks have a layout.
///
/// - Parameters:
///   - path: The store's folder.
///   - layout: The layout.
///   - count: How many tasks there are.
/// - Throws: The errors of the store.
func fillStore(_ path: String, indexes layout: IndexLayout, _ count: Int) async throws {
    let schema = SampleTasks.makeSchema(projecting: .all, layout: layout)
    let store = try Store(at: path, schema: schema)
    try await loadTasks(count, into: store)
    let indexes = try store.buildStatus().filter {
        [CodexFlow.Index.gsi1, CodexFlow.Index.gsi2].contains($0.name)
    }
    guard indexes.count == 2, indexes.allSatisfy({ $0.layout == layout && $0.state == .ready })
    else { fatalError("the indexes are not \(layout.rawValue)") }
    try requireCount(count, in: store)
    store.close()
}

/// Requires that a store has so many tasks, and no other item.
private func requireCount(_ count: Int, in store: Store) throws {
    let tables = try store.stats().trees.filter { $0.index == nil && $0.counter == nil }
    guard tables.reduce(0, { $0 + $1.entryCount }) == count else {
        fatalError("there are not \(count) tasks")
    }
}
