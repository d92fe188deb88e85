import CodexCore
import CodexStore

/// One way through the library that is measured by itself: how many instructions and allocations it
/// takes (`codex-counts`), and how long (`Benchmarks/`).
public struct MeasuredPath: Sendable {
    /// What one round of a path does.
    public enum Body {
        /// On one thread from beginning to end, so that its instructions can be counted.
        case counted(() throws -> Void)
        /// On several threads, or one that waits for others.
        case timed(() async throws -> Void)
    }

    /// The part of the library.
    public let suite: String
    /// What is done there.
    public let name: String
    /// Whether it is of the kind that is counted.
    public let isCounted: Bool
    /// Makes what the path works on, in an empty folder, and hands over what one round does.
    public let prepare: @Sendable (_ directory: String) async throws -> Body

    /// The suite and the name.
    public var title: String { "\(suite): \(name)" }

    /// All of them.
    public static let all: [MeasuredPath] =
        codecPaths + codingPaths + expressionPaths + pointPaths + queryPaths + indexPaths
        + writePaths + streamPaths + maintenancePaths + requestPaths

    static func counted(
        _ suite: String, _ name: String,
        _ prepare: @escaping @Sendable (_ directory: String) async throws -> () throws -> Void
    ) -> MeasuredPath {
        MeasuredPath(suite: suite, name: name, isCounted: true) { .counted(try await prepare($0)) }
    }

    static func timed(
        _ suite: String, _ name: String,
        _ prepare: @escaping @Sendable (_ directory: String) async throws -> () async throws -> Void
    ) -> MeasuredPath {
        MeasuredPath(suite: suite, name: name, isCounted: false) { .timed(try await prepare($0)) }
    }

    /// A store with the first `count` sample tasks.
    ///
    /// A checkpoint uses the writer, and another thread runs the writes that come meanwhile. So
    /// paths whose writes are counted have none (`checkpoints: false`).
    static func makeStore(
        _ directory: String, _ count: Int, schema: Schema = SampleTasks.schema,
        durability: Durability = .everyCommit, checkpoints: Bool = true
    ) async throws -> Store {
        var options = StoreOptions(durability: durability)
        options.sweepInterval = nil
        if !checkpoints {
            options.checkpoints = CheckpointPolicy(
                interval: .seconds(3600), dirtyByteCount: 1 << 30, changeCount: .max)
            options.leastDirtyByteCount = 1 << 30
            options.writebackByteCount = 0
        }
        // valgrind refuses the address space that stores reserve otherwise.
        options.mapByteCount = 1 << 32
        let store = try Store(at: directory + "/store", schema: schema, options: options)
        if count == 0 { return store }
        var number = 0
        try await store.load(into: CodexFlow.table) {
            guard number < count else { return nil }
            defer { number += 1 }
            return try SampleTasks.task(number).item()
        }
        return store
    }
}

/// What a path that reads something else than it was to says.
struct UnexpectedResult: Error {}

func require(_ holds: Bool) throws {
    guard holds else { throw UnexpectedResult() }
}

/// Numbers below a bound in an order that looks random and is always the same.
struct Shuffle {
    private var state: UInt64 = 42
    let bound: Int

    init(below bound: Int) { self.bound = bound }

    mutating func next() -> Int {
        // Knuth's multiplier for 64 bits (MMIX).
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }
}
