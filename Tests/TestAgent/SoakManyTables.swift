import CodexCore
import CodexStore
import CrashSupport
import Foundation

/// Writes to many tables of one store at random, and replaces tables, until it reads a line, or is
/// killed.
///
/// Arguments: the store, how many tables it has, and a seed. It prints
///
///     begun tables             the store has all tables
///     progress tables COUNT    so many more puts and replaced tables
///     unexpected tables TEXT   something is wrong: the end
///     done tables              it has closed the store: the end
@MainActor
final class SoakManyTables {
    private static let progressCount = 50

    private let path: String
    private let tableCount: Int
    private var dice: Dice
    private let order = OrderToEnd()
    /// The number of each table's item, if it has one.
    private var numbers: [Int: Int] = [:]

    init(_ arguments: [String]) {
        path = arguments[0]
        tableCount = Int(arguments[1]) ?? 1
        dice = Dice(seed: UInt64(arguments[2]) ?? 1)
    }

    func run() async {
        do {
            try await work()
            say("done tables")
        } catch {
            Soaking.giveUp("tables", error)
        }
    }

    private static func table(_ number: Int) -> TableDefinition {
        TableDefinition("x\(number)", partitionKey: KeyAttribute("p"))
    }

    private func work() async throws {
        let schema = Schema(tables: (0..<tableCount).map { Self.table($0) })
        // A change of the schema has all tables, and a flush of each is not what is tried here.
        let options = StoreOptions(durability: .interval(losing: .milliseconds(50)))
        let store = try Store(at: path, schema: schema, options: options)
        defer { store.close() }
        say("begun tables")
        var count = 0
        while !order.isGiven {
            let table = dice.below(tableCount)
            if dice.chance(2) {
                try await replace(table, store)
            } else {
                try put(table, store)
            }
            count += 1
            if count % Self.progressCount == 0 { say("progress tables \(Self.progressCount)") }
        }
    }

    /// Sees that the table has its item, and puts the next one in its place.
    private func put(_ table: Int, _ store: Store) throws {
        let name = Self.table(table).name
        let found = try store.item(in: name, key: PrimaryKey("a"))?["n"]?.number?.int64
        guard found.map({ Int($0) }) == numbers[table] else {
            throw CrashFinding(description: "a table has not the item that was put into it")
        }
        let number = dice.below(1_000_000)
        _ = try store.write { transaction in
            try transaction.put(["p": "a", "n": .number(Number(number))], in: name)
        }
        numbers[table] = number
    }

    private func replace(_ table: Int, _ store: Store) async throws {
        let definition = Self.table(table)
        try await store.removeTable(definition.name)
        // A removed table counts until it is emptied.
        try await store.waitUntilReady()
        try await store.addTable(definition)
        numbers[table] = nil
    }
}
