import CodexCore
import CodexStore
import Synchronization

extension SimulatedProcess {
    /// Performs the actions of an operation and writes the process's marker, all or nothing.
    func write(_ command: Command) throws -> Answer {
        let store = try openStore()
        let write = try prepared(command)
        do {
            return ["done": .bool(try store.write(write.body))]
        } catch {
            throw write.failure(error)
        }
    }

    /// Performs several such operations as one group of the writer, and answers each.
    func writes(_ command: Command) throws -> Answer {
        let store = try openStore()
        let writes = try command.need(command.writes, "writes").map { try prepared($0) }
        let results = try store.writeTogether(writes.map { $0.body })
        var answers: [Answer] = []
        for (write, result) in zip(writes, results) {
            switch result {
            case .success(let isDone): answers.append(["ok": ["done": .bool(isDone)]])
            case .failure(let error): answers.append(.failure(write.failure(error)))
            }
        }
        return ["writes": .list(answers)]
    }

    private func prepared(_ command: Command) throws -> PreparedWrite {
        let op = try command.need(command.op, "op")
        let marker = Items.marker(of: command.process ?? number, op: op)
        var wanted = try (command.actions ?? []).map { try $0.step(op: op) }
        wanted.append(.untyped(.put(table: Items.table, marker)))
        let (steps, failed) = (wanted, FailedPlace())
        if let token = command.token {
            let actions = try steps.map { try $0.action }
            return PreparedWrite(failed: failed) {
                (transaction: inout WriteTransaction) throws -> Bool in
                try transaction.perform(actions, idempotencyToken: token.isEmpty ? nil : token)
            }
        }
        // Each step comes after the one before.
        return PreparedWrite(failed: failed) {
            (transaction: inout WriteTransaction) throws -> Bool in
            // The body may run again.
            failed.set(nil)
            for (place, step) in steps.enumerated() {
                do {
                    switch step {
                    case .untyped(let action): try Self.perform(action, &transaction)
                    case .typed(let form): try form.perform(&transaction)
                    case .deletion(let query): try transaction.deleteItems(matching: query)
                    }
                } catch {
                    failed.set(place)
                    throw error
                }
            }
            return true
        }
    }

    private nonisolated static func perform(
        _ action: WriteAction, _ transaction: inout WriteTransaction
    ) throws {
        switch action {
        case .put(let table, let item, let condition):
            try transaction.put(item, in: table, condition: condition)
        case .update(let table, let key, let update, let condition):
            try transaction.update(in: table, key: key, update, condition: condition)
        case .delete(let table, let key, let condition):
            try transaction.delete(in: table, key: key, condition: condition)
        case .check:
            do throws(CodexError) {
                try transaction.perform([action])
            } catch {
                throw error.reasons.compactMap { $0 }.first ?? error
            }
        }
    }

    // MARK: Consuming

    /// Counts changes as a consumer, exactly once each, in the transaction of its checkpoint.
    func consume(_ command: Command) async throws -> Answer {
        let store = try openStore()
        let name = try command.need(command.name, "name")
        let filter = ChangeFilter(tables: [Items.table])
        if try position(of: name, in: store) == nil {
            try await store.addConsumer(name, after: .trimHorizon, filter: filter)
        }
        let (start, changes) = try self.changes(
            of: name, countMax: max(1, command.limit ?? 100), in: store)
        guard let last = changes.last else {
            return ["count": .int(0), "at": .text(start.description)]
        }
        let total = try commit(changes, upTo: last, of: name, from: start, in: store)
        return [
            "count": .int(changes.count), "at": .text(last.sequenceNumber.description),
            "total": ["n": .int(total.count), "chain": .text(total.chain)],
        ]
    }

    private func position(of consumer: String, in store: Store) throws -> SequenceNumber? {
        try store.consumers().first { $0.name == consumer }?.sequenceNumber
    }

    /// A consumer's checkpoint, and the changes after it: so many, or those that there are.
    ///
    /// They may end within a commit.
    private func changes(
        of consumer: String, countMax: Int, in store: Store
    ) throws -> (start: SequenceNumber, changes: [ChangeRecord]) {
        var changes: [ChangeRecord] = []
        var start = SequenceNumber(commit: 0)
        do {
            try store.catchUp(consumer: consumer, view: .keysOnly, after: &start) { change in
                if changes.count >= countMax { throw EnoughChanges() }
                changes.append(change)
            }
        } catch is EnoughChanges {
            return (start, changes)
        }
        return (start, changes)
    }

    private func commit(
        _ changes: [ChangeRecord], upTo last: ChangeRecord, of consumer: String,
        from start: SequenceNumber, in store: Store
    ) throws -> ConsumedTotal {
        try store.write { (transaction: inout WriteTransaction) throws -> ConsumedTotal in
            try transaction.checkpoint(consumer, at: last, expecting: start)
            let key = PrimaryKey(.string(consumer), .number(0))
            let old = try transaction.item(in: Items.consumerTable, key: key)
            let text = old?["chain"]?.string
            var chain = text.flatMap { Chain($0) } ?? Chain()
            for change in changes { chain = chain.adding("\(change.sequenceNumber);") }
            let count = Int(old?["n"]?.number?.int64 ?? 0) + changes.count
            try transaction.put(
                [
                    "p": .string(consumer), "s": .number(0), "n": .number(Number(count)),
                    "chain": .string(chain.text),
                ], in: Items.consumerTable)
            return ConsumedTotal(count: count, chain: chain.text)
        }
    }
}

/// What a write does in its transaction.
private struct PreparedWrite: Sendable {
    /// The place of the action that failed.
    let failed: FailedPlace
    /// Returns whether the actions were done now.
    let body: @Sendable (inout WriteTransaction) throws -> Bool

    /// What the write failed with.
    func failure(_ error: any Error) -> FailedAction {
        FailedAction(cause: error, place: failed.place)
    }
}

/// What a consumer has counted so far.
private struct ConsumedTotal: Sendable {
    let count: Int
    /// The hash of the numbers of the changes, in their order.
    let chain: String
}

/// Thrown to end reading once there are as many changes as are wanted.
struct EnoughChanges: Error {}

/// The place of the action that failed, set by the body of a transaction.
private final class FailedPlace: Sendable {
    private let value = Mutex<Int?>(nil)

    var place: Int? { value.withLock { $0 } }

    func set(_ place: Int?) { value.withLock { $0 = place } }
}
