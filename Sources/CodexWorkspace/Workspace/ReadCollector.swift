internal import CodexCore
internal import FoundationEssentials

/// Runs what a command is known to read, and collects what is not fetched yet.
///
/// A read that is not fetched finds nothing here, and an item that cannot be read neither. The
/// decision itself gets their errors.
final class ReadCollector: CodexFlow.DecisionReader {
    /// What was fetched, without a trace of its use.
    private let reads: TableReads
    /// The reads of the decision.
    private let source: TableReads
    /// What must be fetched, each once.
    private(set) var missing: [TableReads.Missing] = []

    /// Creates a collector of what is missing in reads, which it does not use.
    init(_ reads: TableReads) {
        self.reads = TableReads(fetchedBy: reads)
        source = reads
    }

    /// The present time of the decision: queries may depend on it.
    func now(_ clock: () -> Date) -> Date { source.now(clock) }

    /// The queues from which the decision chooses tasks.
    var choices: QueueChoices { source.choices }

    func get<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        try collected { try reads.get(lookup) } ?? nil
    }

    func all<E: Entity>(_ query: CodexCore.Query<E>, limit: Int?) throws -> [E] {
        try collected { try reads.all(query, limit: limit) } ?? []
    }

    func readable<E: Entity>(_ query: CodexCore.Query<E>, limit: Int?) throws -> [E] {
        try collected { try reads.readable(query, limit: limit) } ?? []
    }

    /// Some of the first entities of the query, from a place on.
    func readable<E: Entity>(
        _ query: CodexCore.Query<E>, _ limit: Int, from place: Int
    ) throws -> [E] {
        try collected { try reads.readable(query, limit, from: place) } ?? []
    }

    private func collected<Value>(_ read: () throws -> Value) throws -> Value? {
        do {
            return try read()
        } catch let missing as TableReads.Missing {
            if !self.missing.contains(where: { $0.request == missing.request }) {
                self.missing.append(missing)
            }
            return nil
        } catch is CodexError {
            return nil
        }
    }
}
