import ArgumentParser
import CodexCore
import CodexStore

struct ScanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan", abstract: "Prints the items of a whole table, in the order of keys.")

    /// Most items in one of the tables on a terminal.
    private static let tableItemCountMax = 500

    @OptionGroup var target: StoreArguments
    @OptionGroup var output: OutputArguments

    @Option(help: "Most items to print.")
    var limit: Int?

    @Option(help: "Walk this index instead of the table.")
    var index: String?

    func run() async throws {
        if let limit, limit < 1 {
            throw CodexError(.invalidArgument, "A limit is at least 1. Give another --limit.")
        }
        let store = try Store(at: target.store, options: StoreOptions(isReadOnly: true))
        defer { store.close() }
        let definition = try target.definition(store)
        let keys = definition.keyAttributes.map(\.name)
        var (items, count, hasMore) = ([Item](), 0, false)
        try store.read { snapshot in
            try snapshot.forEach(TableScan(table: definition.name, index: index)) { view in
                guard count < limit ?? .max else {
                    hasMore = true
                    return false
                }
                count += 1
                let item = try view.item()
                guard output.isTable else {
                    print(output.text(item))
                    return true
                }
                items.append(item)
                if items.count == Self.tableItemCountMax {
                    Console.items(items, keys: keys)
                    items = []
                }
                return true
            }
        }
        if output.isTable {
            Console.items(items, keys: keys)
            print("\(count) items" + (hasMore ? ", and more" : ""))
        } else if hasMore {
            Console.report("there are more items: raise --limit")
        }
    }
}
