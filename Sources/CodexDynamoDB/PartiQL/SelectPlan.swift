internal import CodexCore
internal import CodexStore

/// The queries or the scan that a SELECT is, and what it makes of the items.
struct SelectPlan: Sendable {
    let target: StatementTarget
    /// The queries in their order, or one scan.
    let sources: [PageSources.Source]
    /// The condition that the items of the sources must satisfy; `nil` if all of them do.
    let filter: Condition?
    let columns: StatementColumns
    /// Whether items are read from the table because a local index lacks selected attributes.
    let readsTable: Bool

    /// Plans a SELECT.
    ///
    /// - Parameters:
    ///   - query: The statement.
    ///   - target: Its table or index.
    /// - Throws: `ValidationException`.
    init(_ query: StatementQuery, _ target: StatementTarget) throws {
        self.target = target
        columns = try StatementColumns(query.columns)
        let keys = try KeyPlan(query.condition, target.partitionKey, target.sortKey)
        let order = try ReadOrder(query, keys, target)
        let unprojected = target.unprojected(columns.roots)
        if let index = target.index, !unprojected.isEmpty, !target.isLocal {
            throw StatementRefusals.unprojected(index.name, unprojected)
        }
        readsTable = !unprojected.isEmpty
        filter = keys.isExact ? nil : query.condition
        let (table, index) = (target.table.name, target.index?.name)
        guard let parts = keys.parts else {
            sources = [.scan(TableScan(table: table, index: index), nil)]
            return
        }
        try Self.requireProjected(keys, target)
        sources = order.sorted(parts).map { part in
            .query(
                TableQuery(
                    table: table, index: index, partition: [part.partition],
                    sort: part.span.condition.condition,
                    direction: order.descendsInPartition ? .backward : .forward))
        }
    }

    /// Refuses a query whose filter needs attributes that the index lacks in each alternative.
    private static func requireProjected(_ keys: KeyPlan, _ target: StatementTarget) throws {
        guard let index = target.index, let known = index.projectedNames(target.table) else {
            return
        }
        let names = keys.lackingNames { !known.contains($0) }
        guard names.isEmpty else { throw StatementRefusals.unprojectedFilter(index.name, names) }
    }

    /// Whether the sources are a scan.
    var isScan: Bool {
        if case .scan? = sources.first { true } else { false }
    }
}

/// The order of the items of a SELECT.
///
/// Without an ORDER BY clause, the items of queries ascend by their keys, and those of a scan have
/// no order.
private struct ReadOrder {
    /// Whether the values of the partition key descend.
    private var descendsByPartition = false
    /// Whether the values of the sort key descend.
    private(set) var descendsInPartition = false

    init(_ query: StatementQuery, _ keys: KeyPlan, _ target: StatementTarget) throws {
        guard !query.order.isEmpty else { return }
        guard query.condition != nil else { throw StatementRefusals.orderWithoutCondition }
        let names = try query.order.map { try Self.attribute($0.node, target) }
        guard let parts = keys.parts else { throw StatementRefusals.orderWithoutKey }
        let partitionName = target.partitionKey.name
        let partitionPlace = names.firstIndex { ByteOrder.equal($0, partitionName) }
        let sortPlace = names.firstIndex { !ByteOrder.equal($0, partitionName) }
        if Set(parts.map(\.partition)).count > 1 {
            guard let partitionPlace else { throw StatementRefusals.orderOfPartitions }
            guard sortPlace.map({ partitionPlace < $0 }) ?? true else {
                throw StatementRefusals.orderOfSortKey
            }
        }
        descendsByPartition = partitionPlace.map { query.order[$0].descends ?? false } ?? false
        // The service, too, descends in the partitions if only the partition key is named.
        descendsInPartition = sortPlace.map { query.order[$0].descends ?? false } ?? true
    }

    /// The name of an attribute of the key.
    private static func attribute(
        _ node: StatementNode, _ target: StatementTarget
    ) throws -> String {
        guard case .path(let path) = node.content else {
            throw StatementMessages.unexpectedComponent(node.position)
        }
        let keys = [target.partitionKey] + (target.sortKey.map { [$0] } ?? [])
        guard path.steps.isEmpty, keys.hasName(path.root) else {
            throw StatementRefusals.orderAttribute(path.root)
        }
        return path.root
    }

    /// The parts of the keys in this order.
    func sorted(_ parts: [KeyPlan.Part]) -> [KeyPlan.Part] {
        parts.sorted { left, right in
            let order = left.partition.ordered(against: right.partition) ?? 0
            if order != 0 { return descendsByPartition ? order > 0 : order < 0 }
            return descendsInPartition
                ? right.span.precedes(left.span) : left.span.precedes(right.span)
        }
    }
}
