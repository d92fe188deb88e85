internal import CodexCore

/// The queries that a SELECT makes by its WHERE clause.
///
/// Each alternative of the clause must name one value of the partition key, by an equality or by
/// `IN`. Otherwise the whole table is scanned. Source: "PartiQL select statements for DynamoDB" in
/// the developer guide. The rules for alternatives follow the recorded answers of the service that
/// ``StatementMessages`` names as sources C and F.
struct KeyPlan {
    /// The part of a partition that one query reads.
    struct Part: Sendable {
        let partition: AttributeValue
        let span: KeySpan
    }

    /// The parts to read, ascending; `nil` is a scan.
    let parts: [Part]?
    /// Whether each item of the parts passes the clause.
    let isExact: Bool
    /// The conditions on other attributes; empty for a scan.
    private let filters: [Condition]
    /// For each alternative, the places of its conditions in ``filters``.
    private let filterPlaces: [[Int]]

    /// Plans the reads of a condition.
    ///
    /// - Parameters:
    ///   - condition: The condition; `nil` is none.
    ///   - partitionKey: The partition key of the table or index.
    ///   - sortKey: Its sort key.
    /// - Throws: `ValidationException` for values of the wrong type, for alternatives that overlap,
    ///   and for too many queries.
    init(
        _ condition: Condition?, _ partitionKey: KeyAttribute, _ sortKey: KeyAttribute?
    ) throws {
        var reader = KeyBranchReader(partitionKey: partitionKey, sortKey: sortKey)
        guard let condition, let branches = try reader.alternatives(condition) else {
            self.init(scan: ())
            return
        }
        try self.init(branches, reader.filters)
    }

    private init(scan: Void) {
        (parts, isExact, filters, filterPlaces) = (nil, false, [], [])
    }

    private init(_ branches: [KeyBranch], _ filters: [Condition]) throws {
        let sorted = branches.sorted { $0.precedes($1) }
        let isMerged = branches.contains { $0.excludesSortKeys }
        var parts: [Part] = []
        var isExact = sorted.allSatisfy { $0.filterPlaces.isEmpty }
        for branch in sorted where !branch.span.isEmpty {
            guard let partition = branch.partition else { continue }
            if let last = parts.last, last.partition == partition, last.span.overlaps(branch.span) {
                guard isMerged else { throw StatementRefusals.overlap }
                parts[parts.count - 1] = Part(
                    partition: partition, span: last.span.union(branch.span))
                isExact = false
            } else {
                parts.append(Part(partition: partition, span: branch.span))
            }
        }
        self.parts = parts
        self.isExact = isExact && parts.allSatisfy { $0.span.condition.isExact }
        self.filters = filters
        filterPlaces = sorted.map(\.filterPlaces)
    }

    /// The attributes that an index lacks for the other conditions of the last alternative.
    ///
    /// - Parameter isLacking: Whether the index lacks the attribute of a name.
    /// - Returns: The names in the order of the statement, each once; none if the index has the
    ///   attributes of at least one alternative.
    func lackingNames(_ isLacking: (String) -> Bool) -> [String] {
        let names = filters.map { filter in filter.paths.map(\.root).filter(isLacking) }
        guard let last = filterPlaces.last,
            filterPlaces.allSatisfy({ places in places.contains { !names[$0].isEmpty } })
        else { return [] }
        var seen: Set<ExactName> = []
        return last.flatMap { names[$0] }.filter { seen.add($0) }
    }

    /// The values of the one key that the clause names and nothing else; `nil` for other clauses.
    ///
    /// - Parameter hasSortKey: Whether the table has a sort key.
    /// - Returns: The value of the partition key, and that of the sort key if there is one.
    func onlyKey(hasSortKey: Bool) -> [AttributeValue]? {
        guard isExact, let parts, parts.count == 1, let part = parts.first else { return nil }
        guard hasSortKey else { return [part.partition] }
        return part.span.onlyValue.map { [part.partition, $0] }
    }
}
