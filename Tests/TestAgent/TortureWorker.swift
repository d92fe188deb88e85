import CodexCore
import CodexStore
import CrashSupport
import Foundation

/// Does at random what hosts do with a store, until it reads a line, or is killed.
///
/// Arguments: the store, a directory for backups and archives, the writer's number, and a seed.
///
/// It writes groups as ``CrashWorkload`` says, into whichever store it finds at the path. It prints
///
///     ack STORE WRITER GROUP   a group is acknowledged; STORE is the store's identity
///     compacted                it has compacted the store
///     failed CODE              something failed that an operator's doing or a full disk explains
///     unexpected MESSAGE       something else failed: the end
///     done                     it has closed the store: the end
@MainActor
final class TortureWorker {
    private let path: String
    private let writer: Int
    private var dice: Dice
    private let copies: TortureCopies
    private let clock = TortureClock()
    private let order = OrderToEnd()
    private var opened: TortureStore?
    /// How often in a row the store said that its files were replaced.
    private var replacedCount = 0

    init(_ arguments: [String]) {
        path = arguments[0]
        writer = Int(arguments[2]) ?? 0
        let seed = UInt64(arguments[3]) ?? 1
        dice = Dice(seed: seed)
        copies = TortureCopies(directory: arguments[1], seed: seed)
    }

    func run() async {
        do {
            while !order.isGiven { try await work() }
            opened?.store.close()
            say("done")
        } catch {
            say("unexpected \(error)".split(separator: "\n").joined(separator: " "))
            exit(3)
        }
    }

    private func work() async throws {
        do {
            guard let opened = try open() else { return }
            try await step(opened)
            replacedCount = 0
        } catch let error as CodexError {
            guard Self.explained.contains(error.code) else { throw error }
            say("failed \(error.code)")
            if error.code == .filesReplaced { giveUpReplaced() }
            // What explains it lasts a while.
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// What replaced and unlinked files, full disks and many readers explain.
    private static let explained: Set<CodexError.Code> = [
        .filesReplaced, .notFound, .diskFull, .lockTimeout, .tooManyReaders, .changesTrimmed,
    ]

    // MARK: Opening

    /// The store; `nil` if it cannot be opened now.
    private func open() throws -> TortureStore? {
        if let opened { return opened }
        do {
            let clock = clock
            var options = StoreOptions.crashing
            options.now = { clock.now }
            opened = try TortureStore(at: path, writer, options)
        } catch let error as CodexError {
            // A file that is away is any kind of damage; what stays wrong is found at the end.
            say("failed \(error.code)")
            usleep(10_000)
        }
        return opened
    }

    private func close() {
        opened?.store.close()
        opened = nil
    }

    /// Opens what is at the path now, after a while.
    private func giveUpReplaced() {
        replacedCount += 1
        if replacedCount > 10, dice.chance(20) { close() }
    }

    // MARK: Steps

    private func step(_ opened: TortureStore) async throws {
        let store = opened.store
        switch dice.below(100) {
        case 0..<70: try write(opened)
        case 70..<78: try ReaderStorm.run(store, writer)
        case 78..<84: try await changeTables(store)
        case 84..<87: try await copies.backUp(opened)
        case 87..<90: try await copies.archive(opened)
        case 90..<93: clock.jump(&dice)
        case 93..<95: close()
        case 95..<97: try await compact(store)
        default: try CrashWorkload.requireOrder(changes(of: store))
        }
    }

    private func write(_ opened: TortureStore) throws {
        let writer = writer
        for _ in 0...dice.below(20) where !order.isGiven {
            let group = opened.last + 1
            let filler = String(
                repeating: "x", count: dice.chance(3) ? 20_000 : dice.below(400))
            try opened.store.write { transaction in
                try CrashWorkload.write(writer, group, filler: filler, &transaction)
            }
            opened.last = group
            say("ack \(opened.identity) \(writer) \(group)")
        }
    }

    /// Compacts the store, unless others have it open.
    private func compact(_ store: Store) async throws {
        do {
            _ = try await store.compact()
            say("compacted")
        } catch let error as CodexError where error.code == .inUse {
            say("failed inUse")
        }
    }

    /// Adds the writer's own table, or removes it.
    private func changeTables(_ store: Store) async throws {
        let name = "x\(writer)"
        if store.schema.tables.contains(where: { $0.name == name }) {
            return try await store.removeTable(name)
        }
        let indexes = (0..<5).map {
            IndexDefinition("i\($0)", partitionKey: [KeyAttribute("g")], projection: .keysOnly)
        }
        try await store.addTable(
            TableDefinition(name, partitionKey: KeyAttribute("p"), indexes: indexes))
        try await store.write { transaction in
            for number in 0..<10 {
                try transaction.put(["p": .string("\(number)"), "g": "g"], in: name)
            }
        }
    }

    private func changes(of store: Store) throws -> [ChangeRecord] {
        try store.retainedChanges(after: .trimHorizon).filter { $0.table == "t" }
    }
}
