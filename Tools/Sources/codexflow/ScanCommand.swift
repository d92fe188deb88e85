import ArgumentParser
import CodexCore
import CodexStore

struct ScanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan", abstract: "Prints all items of a table, in the order of their keys.")

    /// The most items in one table on a terminal.
    private static let tableItemCountMax = 500

    @OptionGroup var target: StoreArguments
    @OptionGroup var output: OutputArguments

    @Option(help: "The maximum number of items to print.")
    var limit: Int?

    @Option(help: "Scan this index instead of the table.")
    var index: String?

    @Option(help: "A filter expression of DynamoDB's.")
    var filter: String?

    @Option(help: "A projection expression: the parts of the items to print.")
    var projection: String?

    @OptionGroup var placeholders: PlaceholderArguments

    func run() async throws {
        if let limit, limit < 1 {
            throw CodexError(.invalidArgument, "A limit is at least 1. Give another --limit.")
        }
        var parser = try placeholders.parser()
        let condition = try filter.map { try parser.filter($0) }
        let parts = try projection.map { try parser.projection($0) }
        try parser.requireAllUsed()
        let store = try target.openForReading()
        defer { store.close() }
        let definition = try target.definition(store)
        let keys = definition.keyAttributes.map(\.name)
        var (items, count, hasMore) = ([Item](), 0, false)
        try store.read { snapshot in
            try snapshot.forEach(TableScan(table: definition.name, index: index, filter: condition))
            { view in
                guard count < limit ?? .max else {
                    hasMore = true
                    return false
                }
                count += 1
                let whole = try view.item()
                let item = parts?.apply(to: whole) ?? whole
                guard output.isTable else {
                    output.show(item)
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
            Console.print("\(count) items" + (hasMore ? ", and more" : ""))
        } else if hasMore {
            Console.report("there are more items: raise --limit")
        }
    }
}
