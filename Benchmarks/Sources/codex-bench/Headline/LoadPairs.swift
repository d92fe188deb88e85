import CBareLMDB
import CodexCore
import CodexStore
import Foundation
import MeasuredPaths

/// How fast loads were, in items per second, and how large the trees became.
struct LoadRounds {
    /// What the ratio to the same puts in C is to be at least.
    static let goal = 0.75

    var ours: [Double] = []
    var peer: [Double] = []
    /// A tree's name, and how many times its keys and values it takes.
    var sizes: [(tree: String, size: Double)] = []

    /// Puts what a store has into LMDB in C.
    fileprivate mutating func addPeer(
        _ trees: [StoreStatistics.Tree], _ count: Int, from source: String, into target: String
    ) throws {
        let (seconds, sizes) = try loadInC(from: source, into: target)
        guard trees.count == sizes.count else { fatalError("a tree is missing") }
        peer.append(Double(count) / seconds)
        self.sizes = zip(trees, sizes).map { tree, size in
            (tree.index ?? "the table", Double(tree.byteCount) / Double(size.bytes))
        }
        try FileManager.default.removeItem(atPath: target)
    }
}

/// Loads tasks into Codex, and the same bytes into the same trees in C.
///
/// The items are made before the clock runs: C has its bytes ready too.
func measureLoads(of count: Int, rounds: Int, in directory: String) async throws -> LoadRounds {
    var result = LoadRounds()
    let items = try sampleItems(count)
    while result.ours.count < rounds {
        try await measureLoad(of: items, in: directory, &result)
    }
    return result
}

private func sampleItems(_ count: Int) throws -> [Item] {
    try (0..<count).map { try SampleTasks.task($0).item() }
}

private func measureLoad(
    of items: [Item], in directory: String, _ result: inout LoadRounds
) async throws {
    let path = directory + "/loaded"
    let store = try Store(at: path, schema: SampleTasks.schema)
    result.ours.append(try await load(items, into: store))
    let trees = try store.stats().trees.filter { $0.entryCount == items.count }
    store.close()
    try result.addPeer(trees, items.count, from: path, into: directory + "/bare")
    try FileManager.default.removeItem(atPath: path)
}

/// How many items a transaction has in a load that is compared with C.
private let batchCount = 5000

/// Loads items that are there already.
///
/// - Returns: Items per second.
@inline(never)
private func load(_ items: [Item], into store: Store) async throws -> Double {
    var position = 0
    let start = ContinuousClock.now
    try await store.load(into: CodexFlow.table, batchCount: batchCount) {
        guard position < items.count else { return nil }
        defer { position += 1 }
        return items[position]
    }
    return Double(items.count) / seconds(.now - start)
}

/// Puts the same bytes into the same trees in C; how long that took, and how large they are.
private func loadInC(
    from source: String, into target: String
) throws -> (seconds: Double, sizes: [bare_size]) {
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    let names = ["t1", "t1.i1", "t1.i2"]
    var sizes = [bare_size](repeating: bare_size(), count: names.count)
    let pointers = names.map { strdup($0) }
    defer { pointers.forEach { free($0) } }
    let constants = pointers.map { $0.map { UnsafePointer($0) } }
    let seconds = constants.withUnsafeBufferPointer { names in
        bare_load(
            source, target, names.baseAddress, [0, 2, 2], Int32(sizes.count), batchCount, &sizes)
    }
    guard seconds > 0 else { fatalError("the peer failed") }
    return (seconds, sizes)
}

/// Loads tasks into Codex and into GRDB, each from typed values, in items per second.
func measureTypedLoads(
    of count: Int, rounds: Int, in directory: String
) async throws -> LoadRounds {
    var result = LoadRounds()
    for round in 0..<rounds {
        let path = directory + "/typed\(round)"
        let store = try Store(at: path, schema: SampleTasks.schema)
        result.ours.append(try await loadTasks(count, into: store))
        store.close()
        try FileManager.default.removeItem(atPath: path)
        let file = directory + "/typed\(round).sqlite"
        let pool = try openPool(file)
        try await pool.write { try TaskRow.createTable($0) }
        let start = ContinuousClock.now
        try insertTasks(count, into: pool)
        result.peer.append(Double(count) / seconds(.now - start))
        try pool.close()
        for suffix in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: file + suffix)
        }
    }
    return result
}

/// Loads tasks as typed values.
///
/// - Returns: Items per second.
@discardableResult
func loadTasks(_ count: Int, into store: Store) async throws -> Double {
    var number = 0
    let start = ContinuousClock.now
    try await store.load(into: CodexFlow.table, batchCount: 20_000) {
        guard number < count else { return nil }
        defer { number += 1 }
        return try SampleTasks.task(number).item()
    }
    return Double(count) / seconds(.now - start)
}
