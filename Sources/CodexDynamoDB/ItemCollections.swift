internal import CodexCore
internal import CodexStore

/// The item collections that writes changed: the items of one partition key, with their entries in
/// local indexes.
///
/// Only tables with local indexes have them: "ItemCollectionMetrics" in DynamoDB's API reference.
struct ItemCollections: Sendable {
    /// One collection.
    private struct Collection: Sendable {
        let key: Item
        /// The upper bound of its size in gigabytes; the lower one is 0.
        let sizeMax: Int
    }

    /// The collections by table, in the order of the writes.
    private var tables: [(text: String, collections: [Collection])] = []

    var isEmpty: Bool { tables.isEmpty }

    /// Adds the collection of an item.
    ///
    /// - Parameters:
    ///   - item: The item or its key.
    ///   - definition: Its table.
    ///   - text: The table's name or ARN in the request.
    ///   - sizeMax: The upper bound of the size.
    mutating func add(
        _ item: Item, of definition: TableDefinition, _ text: String, sizeMax: Int
    ) {
        let key = item.keeping([definition.partitionKey.name])
        let collection = Collection(key: key, sizeMax: sizeMax)
        guard let place = tables.firstIndex(where: { $0.text == text }) else {
            return tables.append((text, [collection]))
        }
        // A batch has 25 items and a transaction 100, so a search is short.
        if tables[place].collections.contains(where: { $0.key == key }) { return }
        tables[place].collections.append(collection)
    }

    /// Writes the one collection of a single write, if there is one.
    func writeOne(to response: inout ResponseWriter) {
        guard let collection = tables.first?.collections.first else { return }
        response.object(Self.member) { Self.write(collection, to: &$0) }
    }

    /// Writes all collections by table, if there are any.
    func writeAll(to response: inout ResponseWriter) {
        guard !isEmpty else { return }
        response.object(Self.member) { object in
            for table in tables {
                object.objects(table.text, table.collections) { Self.write($1, to: &$0) }
            }
        }
    }

    private static let member = "ItemCollectionMetrics"

    private static func write(_ collection: Collection, to entry: inout ResponseWriter) {
        entry.item("ItemCollectionKey", collection.key)
        entry.member("SizeEstimateRangeGB") { $0.raw("[0.0,\(collection.sizeMax).0]") }
    }
}

extension DynamoDBService {
    /// Whether a request asks for item collections.
    static func wantsCollections(_ input: RequestParameters) throws -> Bool {
        try input.string("ReturnItemCollectionMetrics") == "SIZE"
    }

    /// The item collections of items that are written.
    ///
    /// A collection is at most as large as its table with all local indexes, so that is the bound.
    ///
    /// - Parameters:
    ///   - items: The items or their keys, each with its table and the table's name or ARN in the
    ///     request.
    ///   - isWanted: Whether the request asks for them.
    ///   - budget: The request's budget.
    /// - Returns: The collections; none for tables without local indexes.
    /// - Throws: ``ServiceError/outOfTime``, and the errors of the store.
    func collections(
        of items: some Sequence<(item: Item, table: TableDefinition, text: String)>,
        if isWanted: Bool, within budget: RequestBudget
    ) throws -> ItemCollections {
        var collections = ItemCollections()
        guard isWanted else { return collections }
        var sizes: [String: Int] = [:]
        for (item, table, text) in items where !table.indexes.isEmpty {
            let sizeMax = try sizes[table.name] ?? collectionSizeMax(of: table, budget)
            sizes[table.name] = sizeMax
            if sizeMax > 0 { collections.add(item, of: table, text, sizeMax: sizeMax) }
        }
        return collections
    }

    /// The bound of a collection's size in gigabytes; 0 for a table without local indexes.
    private func collectionSizeMax(
        of table: TableDefinition, _ budget: RequestBudget
    ) throws -> Int {
        let indexes = try record(of: table.name).localIndexes
        guard !indexes.isEmpty else { return 0 }
        let sizes = try TreeSizes(store, table, of: indexes, within: budget)
        return 1 + sizes.byteCount(with: indexes) / 1_000_000_000
    }
}
