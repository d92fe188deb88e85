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

    /// Adds the index that is not in the schema, and waits until it is built.
    func addIndex(_ command: Command) async throws -> Answer {
        let store = try openStore()
        try requireAddedIndex(command)
        try await patiently(in: store.path) {
            try await store.addIndex(Items.addedIndex, to: Items.table)
            try await store.waitUntilReady()
        }
        return [:]
    }

    /// Removes that index, and waits until its entries are gone.
    func removeIndex(_ command: Command) async throws -> Answer {
        let store = try openStore()
        try requireAddedIndex(command)
        try await patiently(in: store.path) {
            try await store.removeIndex(Items.addedIndex.name, from: Items.table)
            try await store.waitUntilReady()
        }
        return [:]
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
