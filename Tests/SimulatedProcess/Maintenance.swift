import CodexCore
import CodexStore

extension SimulatedProcess {
    /// Makes a checkpoint of the newest state.
    func checkpoint() throws -> Answer {
        let store = try openStore()
        try store.makeCheckpoint()
        return ["sequence": .count(try newestSequence(of: store))]
    }

    /// Removes items whose time to live is over.
    func removeExpired(_ command: Command) async throws -> Answer {
        let count = try await openStore().removeExpired(limit: command.limit)
        return ["count": .int(count)]
    }

    /// Adds the index that is not in the schema; its entries are added by ``buildStep(_:)``.
    func addIndex(_ command: Command) async throws -> Answer {
        let store = try openStore()
        try requireAddedIndex(command)
        try await store.addIndex(Items.addedIndex, to: Items.table)
        return [:]
    }

    /// Removes that index; its entries are removed by ``buildStep(_:)``.
    func removeIndex(_ command: Command) async throws -> Answer {
        let store = try openStore()
        try requireAddedIndex(command)
        try await store.removeIndex(Items.addedIndex.name, from: Items.table)
        return [:]
    }

    /// Adds the counter that is not in the schema; ``buildStep(_:)`` counts the present items.
    func addCounter() async throws -> Answer {
        try await openStore().addCounter(Items.addedCounter, to: Items.table)
        return [:]
    }

    /// Removes that counter.
    func removeCounter() async throws -> Answer {
        try await openStore().removeCounter(Items.addedCounter.name, from: Items.table)
        return [:]
    }

    /// Lets passes expire by an attribute, once ``buildStep(_:)`` has given each its end.
    func addTimeToLive(_ command: Command) async throws -> Answer {
        let name = try command.need(command.name, "name")
        try await openStore().addTimeToLive(name, to: Items.passTable)
        return [:]
    }

    /// Lets passes expire no more; ``buildStep(_:)`` removes their ends.
    func removeTimeToLive() async throws -> Answer {
        try await openStore().removeTimeToLive(from: Items.passTable)
        return [:]
    }

    /// Gives an index of `t` a layout; ``buildStep(_:)`` makes its entries in that layout.
    func changeLayout(_ command: Command) async throws -> Answer {
        let name = try command.need(command.name, "name")
        guard let layout = IndexLayout(rawValue: try command.need(command.layout, "layout")) else {
            throw ProtocolFault(message: "a layout is references or copies")
        }
        try await openStore().changeLayout(ofIndex: name, in: Items.table, to: layout)
        return [:]
    }

    /// Does a part of the building and emptying, with a turn before each transaction.
    func buildStep(_ command: Command) throws -> Answer {
        let outcome = try openStore().build(stepCountMax: max(1, command.limit ?? .max))
        return ["state": .text(outcome.rawValue)]
    }

    private func requireAddedIndex(_ command: Command) throws {
        guard command.name == Items.addedIndex.name else {
            throw ProtocolFault(message: "the index is \(Items.addedIndex.name)")
        }
    }

    /// Compacts the store.
    func compact() async throws -> Answer {
        let report = try await openStore().compact()
        return ["before": .int(report.byteCountBefore), "after": .int(report.byteCountAfter)]
    }
}
