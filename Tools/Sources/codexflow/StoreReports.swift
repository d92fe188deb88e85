import CodexCore
import CodexStore

extension KeyFileArguments {
    /// Opens a store for a command that runs until it is told to end.
    ///
    /// Events of the store that an operator must know go to standard error. Such a command is a
    /// service: it removes old history and expired items by the default options.
    func openReporting(
        _ store: String, schema: Schema? = nil, isReadOnly: Bool = false,
        options: StoreOptions = StoreOptions()
    ) throws(CodexError) -> Store {
        var options = options
        options.isReadOnly = isReadOnly
        options.observer = { Console.report($0, of: store) }
        return try open(store, schema: schema, options: options)
    }
}

extension Console {
    /// Prints an event of a store in one line on standard error, if an operator must know of it.
    static func report(_ event: StoreEvent, of store: String) {
        guard let text = event.report else { return }
        report("\(store): \(text)")
    }
}

extension StoreEvent {
    /// The report for an operator; `nil` for a usual event of a sound store.
    ///
    /// It names tables, consumers, processes and the store's path, and no stored data.
    var report: String? {
        switch self {
        case .slowCommit, .growth, .checkpoint: nil
        case .longReader(let processID, let duration):
            "process \(processID) has had a snapshot open for \(Console.text(duration)); until it "
                + "ends, the data file grows under writes"
        case .recovery(let report): Self.text(report)
        case .checkpointFailed(let code, let message):
            "a checkpoint failed, and the log grows: \(message) [\(code)]"
        case .logFlushFailed(let code, let message):
            "the log could not be flushed; acknowledged writes may be lost by a power failure: "
                + "\(message) [\(code)]"
        case .buildFailed(let table, let name, let code, let message, let retryDelay):
            Self.text(building: [table, name], "\(message) [\(code)]", retryDelay)
        case .valuesDamaged(let table, let count):
            "table \(table) has \(count) damaged values of encrypted fields: restore or replace "
                + "them (`codexflow verify` names their items)"
        case .eventsDropped(let count): "\(count) events are not reported: there were too many"
        case .directoryMoved(let path):
            "the store's directory was moved or removed: it is not at \(path) any more"
        case .historyShed(let last, let readers):
            "changes up to commit \(last) were removed before their time, since the device is full "
                + "or they were purged" + Self.text(readers)
        case .clockJumped(let jump): Self.text(jump)
        case .entityUnchecked(let entity):
            "the definition of entity \(entity) cannot be checked against its type: declare its "
                + "fields"
        case .schemaWarning(let problem): "the schema has a mistake: \(problem)"
        }
    }

    private static func text(_ report: RecoveryReport) -> String {
        "\(report.commitCount) commits with \(report.changeCount) changes were redone in "
            + Console.text(report.duration)
            + (report.foundTornRecord
                ? "; the log ended in a record that is not whole, which is left out" : "")
    }

    /// The failure of a build, with the names of its table and part if they are known.
    private static func text(
        building names: [String?], _ failure: String, _ retryDelay: Duration?
    ) -> String {
        let part = names.compactMap { $0 }.joined(separator: ".")
        let next =
            retryDelay.map { "it is tried again in \(Console.text($0))" }
            ?? "it is not tried again: remove the cause, and open the store again"
        return "building\(part.isEmpty ? "" : " ")\(part) failed: \(failure); \(next)"
    }

    private static func text(_ readers: [String]) -> String {
        readers.isEmpty ? "" : "; these had not read them: \(readers.joined(separator: ", "))"
    }

    private static func text(_ jump: Duration) -> String {
        let isBack = jump < .zero
        let distance = Console.text(isBack ? Duration.zero - jump : jump)
        let change = isBack ? "back by \(distance), or is behind the log" : "forward by \(distance)"
        return "the clock was set \(change); correct it if it is wrong, before deletions go by it"
    }
}
