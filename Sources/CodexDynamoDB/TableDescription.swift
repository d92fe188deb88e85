internal import CodexCore
internal import CodexStore

/// The descriptions of tables, in DescribeTable and other operations.
extension DynamoDBService {
    /// Describes a table in a member of a response.
    func describe(
        _ table: TableDefinition, _ record: TableRecord, status: String, _ name: String,
        _ response: inout ResponseWriter
    ) throws {
        let sizes = try TreeSizes(store, table.name)
        let states = try store.buildStatus().filter { $0.table == table.name }
        response.object(name) { description in
            description.string("TableName", table.name)
            description.string("TableStatus", status)
            description.string("TableArn", arn(table.name))
            description.string("TableId", record.id)
            description.member("CreationDateTime") { $0.raw(Self.seconds(record.createdAt)) }
            description.number("ItemCount", sizes[nil].count)
            description.number("TableSizeBytes", sizes[nil].byteCount)
            Self.describeKeys(table, to: &description)
            Self.describeBilling(record, to: &description)
            for (member, isLocal) in [
                ("LocalSecondaryIndexes", true), ("GlobalSecondaryIndexes", false),
            ] {
                let indexes = table.indexes.filter {
                    record.localIndexes.contains($0.name) == isLocal
                }
                guard !indexes.isEmpty else { continue }
                description.objects(member, indexes) { entry, index in
                    let state = states.first { $0.name == index.name && $0.kind == .index }?.state
                    describe(
                        index, record, isReady: isLocal ? nil : state == .ready, sizes[index.name],
                        to: &entry)
                }
            }
            describeStream(of: record, to: &description)
        }
    }

    private static func describeKeys(
        _ table: TableDefinition, to description: inout ResponseWriter
    ) {
        description.member("KeySchema") {
            $0.keySchema([table.partitionKey], table.sortKey.map { [$0] } ?? [])
        }
        var attributes: [KeyAttribute] = []
        for attribute in table.keyAttributes + table.indexes.flatMap(\.keyAttributes)
        where !attributes.contains(attribute) {
            attributes.append(attribute)
        }
        description.list("AttributeDefinitions", attributes) { writer, attribute in
            writer.raw("{\"AttributeName\":")
            writer.string(attribute.name)
            writer.raw(",\"AttributeType\":\"\(attribute.type.rawValue)\"}")
        }
    }

    private static func describeBilling(
        _ record: TableRecord, to description: inout ResponseWriter
    ) {
        description.member("ProvisionedThroughput") { $0.throughput(record) }
        if record.billingMode == "PAY_PER_REQUEST" {
            description.member("BillingModeSummary") {
                $0.raw("{\"BillingMode\":\"PAY_PER_REQUEST\"}")
            }
        }
        description.member("DeletionProtectionEnabled") { $0.raw("\(record.isProtected)") }
    }

    /// Describes an index.
    ///
    /// `isReady` is whether a global index can be read, and `nil` for a local index.
    private func describe(
        _ index: IndexDefinition, _ record: TableRecord, isReady: Bool?,
        _ size: (count: Int, byteCount: Int), to entry: inout ResponseWriter
    ) {
        entry.string("IndexName", index.name)
        entry.member("KeySchema") { $0.keySchema(index.partitionKey, index.sortKey) }
        entry.member("Projection") { $0.projection(index.projection) }
        if let isReady {
            entry.string("IndexStatus", isReady ? "ACTIVE" : "CREATING")
            if !isReady { entry.member("Backfilling") { $0.raw("true") } }
            entry.member("ProvisionedThroughput") { $0.throughput(record) }
        }
        entry.string("IndexArn", arn(record.name) + "/index/\(index.name)")
        entry.number("ItemCount", size.count)
        entry.number("IndexSizeBytes", size.byteCount)
    }

    private func describeStream(
        of record: TableRecord, to description: inout ResponseWriter
    ) {
        if let stream = record.stream, stream.end == nil {
            description.member("StreamSpecification") {
                $0.raw("{\"StreamEnabled\":true,\"StreamViewType\":\"\(stream.view.rawValue)\"}")
            }
        }
        if let stream = record.stream, let arn = streamARN(record) {
            description.string("LatestStreamLabel", stream.label)
            description.string("LatestStreamArn", arn)
        }
    }

    /// Milliseconds as seconds with a fraction; an instant before 1970 counts as 1970.
    static func seconds(_ milliseconds: Int) -> String {
        let milliseconds = max(0, milliseconds)
        let rest = milliseconds % 1000
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - "\(rest)".count)
            + "\(rest)"
    }
}

/// The sizes of a table and its indexes.
struct TreeSizes {
    private let trees: [StoreStatistics.Tree]
    /// The bytes of large values, by index.
    private var largeByteCounts: [String?: Int] = [:]

    init(_ store: Store, _ table: String) throws {
        let statistics = try store.stats()
        trees = statistics.trees.filter { $0.table == table }
        guard statistics.overflowByteCount > 0 else { return }
        for tree in trees where tree.counter == nil && tree.entryCount > 0 {
            largeByteCounts[tree.index] = try store.largeByteCount(of: table, index: tree.index)
        }
    }

    /// The bytes of the table with some of its indexes.
    func byteCount(with indexes: [String]) -> Int {
        indexes.reduce(self[nil].byteCount) { $0 + self[$1].byteCount }
    }

    /// The size of an index, or of the table itself.
    subscript(index: String?) -> (count: Int, byteCount: Int) {
        let tree = trees.first { $0.index == index && $0.counter == nil }
        let count = tree?.entryCount ?? 0
        guard let tree, count > 0 else { return (0, 0) }
        return (count, tree.byteCount + largeByteCounts[index, default: 0])
    }
}
