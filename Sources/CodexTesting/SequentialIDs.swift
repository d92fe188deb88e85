public import CodexCore
internal import Synchronization

/// Identifiers that count up, so that tests can say what they expect: `task-1`, `task-2`, ….
public final class SequentialIDs: Sendable {
    private let counters = Mutex<[String: Int]>([:])

    /// Creates counters that start at 1.
    public init() {}

    /// The next identifier with the prefix.
    ///
    /// - Throws: ``CodexError/Code/invalidIdentifier`` if the prefix may not stand in one.
    public func next<Model>(
        _ prefix: String, as type: Model.Type = Model.self
    ) throws(CodexError) -> Identifier<Model> {
        let number = counters.withLock { counters in
            counters[prefix, default: 0] += 1
            return counters[prefix, default: 0]
        }
        return try Identifier("\(prefix)-\(number)")
    }
}
