import CodexCore
import CodexStore
import CrashSupport
import Foundation
import Histories

/// One step of a write of lists.
enum ListStep: Sendable {
    /// Reads a list.
    case read(Int)
    /// Reads the lists of a key's group by the index.
    case query(Int)
    /// Appends a value by an update.
    case append(Int, Int)
    /// Reads a list, and stores all of it with a value at its end.
    case store(Int, Int)

    /// What is known of the step before it is made.
    var intention: [MicroOperation] {
        switch self {
        case .read(let key): [.read(key: key, list: nil)]
        case .query(let key): ListTable.keys(inGroupOf: key).map { .read(key: $0, list: nil) }
        case .append(let key, let value): [.append(key: key, value: value)]
        case .store(let key, let value):
            [.read(key: key, list: nil), .append(key: key, value: value)]
        }
    }

    /// Makes steps in a transaction; `old` are lists that are read in place of its own.
    static func make(
        _ steps: [ListStep], _ old: [Int: [Int]], _ transaction: inout WriteTransaction
    ) throws -> [MicroOperation] {
        var made: [MicroOperation] = []
        for step in steps {
            switch step {
            case .read(let key):
                made.append(.read(key: key, list: try list(key, old, transaction)))
            case .query(let key):
                let page = try transaction.items(matching: ListTable.query(groupOf: key))
                made += try lists(page, inGroupOf: key)
            case .append(let key, let value):
                try transaction.update(
                    in: ListTable.name, key: ListTable.primaryKey(key),
                    ListTable.append(key, value))
                made.append(.append(key: key, value: value))
            case .store(let key, let value):
                let list = try list(key, old, transaction)
                try transaction.put(ListTable.item(key, list + [value]), in: ListTable.name)
                made.append(.read(key: key, list: list))
                made.append(.append(key: key, value: value))
            }
        }
        return made
    }

    private static func list(
        _ key: Int, _ old: [Int: [Int]], _ transaction: borrowing WriteTransaction
    ) throws -> [Int] {
        if let list = old[key] { return list }
        let item = try transaction.item(in: ListTable.name, key: ListTable.primaryKey(key))
        return try ListTable.list(item)
    }

    /// What a query found of a group: a key without an item has an empty list.
    static func lists(_ page: Page<Item>, inGroupOf key: Int) throws -> [MicroOperation] {
        var lists: [Int: [Int]] = [:]
        for item in page.items {
            let list = try ListTable.list(item)
            guard lists.updateValue(list, forKey: try ListTable.key(of: item)) == nil else {
                throw CrashFinding(description: "a query finds an item twice")
            }
        }
        let keys = ListTable.keys(inGroupOf: key)
        guard lists.keys.allSatisfy({ keys.contains($0) }) else {
            throw CrashFinding(description: "a query finds an item of another group")
        }
        return keys.map { .read(key: $0, list: lists[$0] ?? []) }
    }
}

/// A thread that does random operations, one after the other.
final class HistoryWorker {
    private let process: HistoryProcess
    private var dice: Dice
    private var isRefused = false
    /// What the thread read first, for a planted fault.
    private var stale: [Int: [Int]] = [:]

    private var store: Store { process.store }
    private var recorder: HistoryRecorder { process.recorder }

    init(_ process: HistoryProcess, seed: UInt64) {
        self.process = process
        dice = Dice(seed: seed)
    }

    func run() {
        while !process.order.isGiven, !isRefused { step() }
    }

    private func step() {
        switch dice.below(100) {
        case 0..<30: write()
        case 30..<45: update()
        case 45..<60: sendList()
        case 60..<76: _ = readSnapshot(pick(2 + dice.below(3)))
        case 76..<86: query()
        default: _ = get(pick(1)[0])
        }
    }

    private func pick(_ count: Int) -> [Int] { process.keys.pick(count, &dice) }

    /// Makes an operation between its two events.
    ///
    /// - Returns: Its steps, as they were made; `nil` if it failed.
    @discardableResult
    private func record(
        _ operation: Int, _ form: String, _ steps: [MicroOperation],
        _ body: () throws -> [MicroOperation]
    ) -> [MicroOperation]? {
        recorder.begin(operation, form, steps)
        do {
            let made = try body()
            recorder.end(.ok, operation, form, made)
            process.keys.note(made)
            return made
        } catch {
            if !process.fail(operation, form, error, steps) { isRefused = true }
            return nil
        }
    }

    private func value(_ operation: Int, _ place: Int) -> Int {
        operation * HistoryRecorder.valueCountMax + place
    }

    // MARK: Reads

    private func get(_ key: Int) -> [Int]? {
        let isStale = process.fault == .staleRead && stale[key] != nil && dice.chance(20)
        let made = record(recorder.nextNumber(), "get", [.read(key: key, list: nil)]) {
            if isStale { return [.read(key: key, list: stale[key])] }
            let list = try ListTable.list(
                store.item(in: ListTable.name, key: ListTable.primaryKey(key)))
            return [.read(key: key, list: list)]
        }
        guard case .read(_, let list?)? = made?.first else { return nil }
        if stale[key] == nil, process.fault == .staleRead { stale[key] = list }
        return list
    }

    /// Reads several keys in one snapshot; `nil` if that failed.
    private func readSnapshot(_ keys: [Int]) -> [MicroOperation]? {
        let primaryKeys = keys.map { ListTable.primaryKey($0) }
        let isTorn = process.fault == .tornSnapshot
        return record(
            recorder.nextNumber(), "snapshot", keys.map { .read(key: $0, list: nil) }
        ) {
            let items =
                if isTorn {
                    try primaryKeys.map { key in
                        // Lets another thread write between two reads.
                        sched_yield()
                        return try store.item(in: ListTable.name, key: key)
                    }
                } else {
                    try store.read { snapshot in
                        try snapshot.items(in: ListTable.name, keys: primaryKeys)
                    }
                }
            return try zip(keys, items).map { .read(key: $0, list: try ListTable.list($1)) }
        }
    }

    private func query() {
        let key = pick(1)[0]
        record(recorder.nextNumber(), "query", ListStep.query(key).intention) {
            let page = try store.items(matching: ListTable.query(groupOf: key))
            return try ListStep.lists(page, inGroupOf: key)
        }
    }

    // MARK: Writes

    /// A write with a body that reads and appends, in any order.
    private func write() {
        let operation = recorder.nextNumber()
        let keys = pick(1 + dice.below(4))
        var steps: [ListStep] = dice.chance(15) ? [.query(keys[0])] : keys.map { .read($0) }
        // Some only read.
        if !dice.chance(10) {
            for (place, key) in keys.prefix(1 + dice.below(3)).enumerated() {
                let value = value(operation, place)
                steps.append(dice.chance(50) ? .append(key, value) : .store(key, value))
            }
            if dice.chance(10) {
                steps.append(.append(keys[0], value(operation, keys.count)))
            }
            steps.shuffle(using: &dice)
        }
        let planned = steps
        let old = process.fault == .oldSnapshot ? oldLists(keys) : [:]
        let isLost = process.fault == .lostWrite && dice.chance(2)
        record(operation, "body", planned.flatMap(\.intention)) {
            if isLost { return try undone(planned) }
            guard process.fault == .halfWrite else { return try commit(planned, old) }
            let half = planned.count / 2
            return try commit(Array(planned[..<half]), old)
                + commit(Array(planned[half...]), old)
        }
    }

    private func commit(_ steps: [ListStep], _ old: [Int: [Int]]) throws -> [MicroOperation] {
        try store.write { transaction in try ListStep.make(steps, old, &transaction) }
    }

    /// The lists of keys as they are now, for a planted fault.
    private func oldLists(_ keys: [Int]) -> [Int: [Int]] {
        var lists: [Int: [Int]] = [:]
        for case .read(let key, let list?) in readSnapshot(keys) ?? [] { lists[key] = list }
        return lists
    }

    /// What a body did that is undone.
    private struct Undone: Error {
        let steps: [MicroOperation]
    }

    /// Makes steps, and lets the store undo them, for a planted fault.
    private func undone(_ steps: [ListStep]) throws -> [MicroOperation] {
        do {
            return try store.write { transaction -> [MicroOperation] in
                throw Undone(steps: try ListStep.make(steps, [:], &transaction))
            }
        } catch let error as Undone {
            return error.steps
        }
    }

    /// Appends on condition that the list is as a snapshot has it.
    private func update() {
        let key = pick(1)[0]
        guard let list = get(key) else { return }
        let operation = recorder.nextNumber()
        let value = value(operation, 0)
        let condition = process.fault == .noCondition ? nil : ListTable.condition(list)
        let steps: [MicroOperation] = [
            .read(key: key, list: list), .append(key: key, value: value),
        ]
        record(operation, "update", steps) {
            try store.write { transaction in
                _ = try transaction.update(
                    in: ListTable.name, key: ListTable.primaryKey(key),
                    ListTable.append(key, value), condition: condition)
            }
            return steps
        }
    }

    // MARK: Lists of actions

    /// Sends a list of actions, some on condition of what a snapshot has; now and then twice.
    private func sendList() {
        guard let read = readSnapshot(pick(1 + dice.below(3))) else { return }
        let operation = recorder.nextNumber()
        var steps: [MicroOperation] = []
        for (place, step) in read.enumerated() {
            let append = MicroOperation.append(key: step.key, value: value(operation, place))
            switch dice.below(4) {
            // The first one always writes.
            case 0 where place > 0: steps.append(step)
            case 0, 1: steps.append(append)
            default: steps += [step, append]
            }
        }
        let actions = HistoryProcess.actions(steps)
        let token = HistoryProcess.token(operation)
        let isTwice = dice.chance(15)
        recorder.begin(operation, HistoryProcess.listForm, steps)
        do {
            try process.send(actions, token: process.fault == .noToken ? nil : token)
            if isTwice { sendAgain(actions, token) }
            recorder.end(.ok, operation, HistoryProcess.listForm, steps)
        } catch {
            if !process.fail(operation, HistoryProcess.listForm, error, steps) {
                isRefused = true
            }
            // The answer is lost, and the token makes it safe to ask again.
            if (error as? CodexError)?.code == .outcomeUnknown {
                process.repeatList(operation, steps)
            }
        }
    }

    /// Sends a list again that took effect, as a client does that lost the answer.
    ///
    /// The second answer is recorded as an operation without steps.
    private func sendAgain(_ actions: [WriteAction], _ token: String) {
        let isPlanted = process.fault == .noToken
        let operation = recorder.nextNumber()
        recorder.begin(operation, "again", [])
        do {
            if try process.send(actions, token: isPlanted ? nil : token), !isPlanted {
                throw CrashFinding(description: "a token took effect twice")
            }
            recorder.end(.ok, operation, "again")
        } catch let error as CodexError where error.code == .transactionCancelled {
            guard isPlanted else {
                let finding = CrashFinding(description: "a token was forgotten")
                return HistoryProcess.giveUp(recorder.place, finding)
            }
            recorder.end(.fail, operation, "again", code: error.code)
        } catch {
            if !process.fail(operation, "again", error, []) { isRefused = true }
        }
    }
}
