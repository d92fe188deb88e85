import ArgumentParser
import CodexCore
import CodexStore
import Foundation

struct Initialize: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Creates a store, with CodexFlow's schema or another.")

    @Argument(help: "The directory to create.")
    var store: String

    @Option(help: "A JSON file with tables and entities, as `stats --schema` prints it.")
    var schema: String?

    @OptionGroup var keys: KeyFileArguments

    func run() async throws {
        let definition = try schema.map { try Schema(file: $0) } ?? CodexFlow.schema
        if FileManager.default.fileExists(atPath: store + "/CODEX") {
            throw CodexError(.invalidArgument, "There is a store at \(store) already.")
        }
        let opened = try keys.open(store, schema: definition)
        opened.close()
        let tables = definition.tables.map(\.name).joined(separator: ", ")
        Console.print("Created \(store): tables \(tables).")
    }
}

struct Put: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stores an item, and replaces any with the same key.")

    @OptionGroup var target: StoreArguments

    @Argument(help: "The item in DynamoDB JSON; - reads it from standard input.")
    var item: String = "-"

    @Flag(help: "The item is plain JSON.")
    var plain = false

    @Flag(help: "Refuse if an item with the key exists.")
    var insert = false

    @Option(help: "Refuse unless this condition expression is true for the stored item.")
    var condition: String?

    @OptionGroup var placeholders: PlaceholderArguments

    func run() async throws {
        var parser = try placeholders.parser()
        let given = try condition.map { try parser.condition($0) }
        try parser.requireAllUsed()
        let store = try target.openForWriting()
        defer { store.close() }
        let definition = try target.definition(store)
        let bytes =
            item == "-"
            ? Array(try FileHandle.standardInput.readToEnd() ?? Data()) : Array(item.utf8)
        let parsed =
            try plain
            ? DynamoDBJSON.item(parsingPlain: bytes) : DynamoDBJSON.item(parsing: bytes)
        let isNew = Condition.attributeNotExists(DocumentPath(definition.partitionKey.name))
        do {
            try await store.put(
                parsed, in: definition.name,
                condition: insert ? given.map { isNew && $0 } ?? isNew : given)
        } catch CodexError.Code.conditionFailed where given != nil {
            throw CodexError(
                .conditionFailed, "The condition does not hold for the item with this key.")
        } catch CodexError.Code.conditionFailed {
            throw CodexError(
                .conditionFailed, "There is an item with this key already. Leave out --insert.")
        }
    }
}

struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints an item; exits with 1 if there is none.")

    @OptionGroup var target: StoreArguments
    @OptionGroup var output: OutputArguments
    @OptionGroup var key: KeyArguments

    func run() async throws {
        let store = try target.openForReading()
        defer { store.close() }
        let definition = try target.definition(store)
        guard
            let item = try store.item(
                in: definition.name, key: try key.primaryKey(in: definition))
        else { throw CodexError(.notFound, "There is no item with this key.") }
        output.show(item)
    }
}

struct QueryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Prints the items of a partition of the table or an index.",
        discussion: """
            Give the partition by its key, or by a key condition expression of DynamoDB's:

              codexflow query data.codex USER#1 --begins-with TASK#
              codexflow query data.codex --key-condition 'PK = :u AND begins_with(SK, :t)' \
                  --filter '#s <> :done' --names '{"#s":"status"}' \
                  --values '{":u":{"S":"USER#1"},":t":{"S":"TASK#"},":done":{"S":"done"}}'
            """)

    @OptionGroup var target: StoreArguments
    @OptionGroup var output: OutputArguments

    @Argument(help: "The partition key; with several attributes, their values joined by commas.")
    var partition: String?

    @Option(help: "A key condition expression, instead of the options for keys.")
    var keyCondition: String?

    @Option(help: "A filter expression.")
    var filter: String?

    @Option(help: "A projection expression: the parts of the items to print.")
    var projection: String?

    @OptionGroup var placeholders: PlaceholderArguments

    @Option(help: "The index; without it, the table itself.")
    var index: String?

    @Option(help: "Sort keys that begin with this.")
    var beginsWith: String?

    @Option(help: "Sort keys from this one on.")
    var from: String?

    @Option(help: "Sort keys up to this one.")
    var to: String?

    @Option(help: "The sort key.")
    var equals: String?

    @Flag(help: "Descending sort keys.")
    var reverse = false

    @Flag(help: "Print only their number.")
    var count = false

    @Option(help: "The maximum number of items to print.")
    var limit: Int?

    @Option(help: "The page token that the previous page ended with.")
    var after: String?

    func run() async throws {
        let store = try target.openForReading()
        defer { store.close() }
        let definition = try target.definition(store)
        let query = try query(definition)
        if count {
            Console.print("\(try store.count(query).count)")
            return
        }
        let page = try store.items(
            matching: query, limits: PageLimits(returned: limit),
            after: after.map { PageToken($0) })
        if output.isTable {
            Console.items(page.items, keys: definition.keyAttributes.map(\.name))
            Console.print(
                "\(page.items.count) items" + (page.next == nil ? "" : ", more with --after:"))
            if let next = page.next { Console.print("\(next)") }
        } else {
            for item in page.items { output.show(item) }
            if let next = page.next { Console.report("more with --after \(next)") }
        }
    }

    func validate() throws {
        guard (partition == nil) != (keyCondition == nil) else {
            throw ValidationError("Give a partition key, or --key-condition.")
        }
        if keyCondition != nil, [beginsWith, from, to, equals].contains(where: { $0 != nil }) {
            throw ValidationError("--key-condition says all of the keys.")
        }
    }

    private func query(_ definition: TableDefinition) throws -> TableQuery {
        var parser = try placeholders.parser()
        var query =
            try keyCondition.map { text in
                try parser.keyCondition(text).query(on: definition, index: index)
            } ?? keyedQuery(definition)
        query.direction = reverse ? .backward : .forward
        query.filter = try filter.map { try parser.filter($0) }
        query.projection = try projection.map { try parser.projection($0) }
        try parser.requireAllUsed()
        return query
    }

    private func keyedQuery(_ definition: TableDefinition) throws -> TableQuery {
        let partition = partition ?? ""
        var partitionKey = [definition.partitionKey]
        var sortKey = definition.sortKey
        if let index {
            guard let found = definition.indexes.first(where: { $0.name == index }) else {
                throw CodexError(
                    .unknownIndex,
                    "Table \(definition.name) has no index \(index). It has: "
                        + definition.indexes.map(\.name).joined(separator: ", ") + ".")
            }
            (partitionKey, sortKey) = (found.partitionKey, found.sortKey.first)
        }
        let parts =
            partitionKey.count == 1
            ? [partition]
            : partition.utf8.split(separator: UInt8(ascii: ",")).map { String(Substring($0)) }
        guard parts.count == partitionKey.count else {
            throw CodexError(
                .invalidKey, "The partition key has \(partitionKey.count) attributes.")
        }
        return TableQuery(
            table: definition.name, index: index,
            partition: try zip(partitionKey, parts).map { try $0.value($1) },
            sort: try condition(sortKey))
    }

    private func condition(_ sortKey: KeyAttribute?) throws -> SortCondition {
        let given = [beginsWith, equals, from ?? to].compactMap { $0 }
        guard !given.isEmpty else { return .any }
        guard given.count == 1 else {
            throw ValidationError("Give one of --begins-with, --equals, or --from and --to.")
        }
        guard let sortKey else {
            throw CodexError(.invalidKey, "There is no sort key to compare.")
        }
        if let beginsWith { return .beginsWith(try sortKey.value(beginsWith)) }
        if let equals { return .equal(try sortKey.value(equals)) }
        switch (from, to) {
        case (let from?, let to?):
            return .between(try sortKey.value(from), try sortKey.value(to))
        case (let from?, nil): return .greaterOrEqual(try sortKey.value(from))
        case (nil, let to?): return .lessOrEqual(try sortKey.value(to))
        case (nil, nil): return .any
        }
    }
}

struct UpdateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Changes attributes of an item, or creates it with them.",
        discussion: """
              codexflow update data.codex USER#1 PROFILE --expression 'SET #n = :n ADD visits :one' \\
                  --names '{"#n":"name"}' --values '{":n":{"S":"Ada"},":one":{"N":"1"}}'
            """)

    @OptionGroup var target: StoreArguments
    @OptionGroup var output: OutputArguments
    @OptionGroup var placeholders: PlaceholderArguments
    @OptionGroup var key: KeyArguments

    @Option(help: "The update expression.")
    var expression: String

    @Option(help: "Refuse unless this condition expression is true for the stored item.")
    var condition: String?

    func run() async throws {
        var parser = try placeholders.parser()
        let update = try parser.update(expression)
        let condition = try condition.map { try parser.condition($0) }
        try parser.requireAllUsed()
        let store = try target.openForWriting()
        defer { store.close() }
        let definition = try target.definition(store)
        let primaryKey = try key.primaryKey(in: definition)
        let name = definition.name
        let item = try await store.write { transaction in
            try transaction.update(
                in: name, key: primaryKey, update, condition: condition, returning: .allNew)
        }
        guard let item else { return }
        output.show(item)
    }
}

struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Removes an item; exits with 1 if there is none.")

    @OptionGroup var target: StoreArguments
    @OptionGroup var placeholders: PlaceholderArguments
    @OptionGroup var key: KeyArguments

    @Option(help: "Refuse unless this condition expression is true for the item.")
    var condition: String?

    func run() async throws {
        var parser = try placeholders.parser()
        let condition = try condition.map { try parser.condition($0) }
        try parser.requireAllUsed()
        let store = try target.openForWriting()
        defer { store.close() }
        let definition = try target.definition(store)
        let primaryKey = try key.primaryKey(in: definition)
        let name = definition.name
        let old = try await store.write { transaction in
            try transaction.delete(
                in: name, key: primaryKey, condition: condition, returning: .allOld)
        }
        guard old != nil else { throw CodexError(.notFound, "There is no item with this key.") }
    }
}
