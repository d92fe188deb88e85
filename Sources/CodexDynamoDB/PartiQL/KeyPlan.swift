internal import CodexCore

/// The queries that the WHERE clause of a SELECT comes down to.
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
    /// For each alternative, the attributes that its other conditions read; empty for a scan.
    let filteredNames: [[String]]

    /// Most queries of a statement: "IN" in the developer guide allows 50 values of a partition
    /// key.
    static let partCountMax = 50
    /// Most alternatives that are looked at.
    private static let branchCountMax = 1024

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
        let reader = KeyBranchReader(partitionKey: partitionKey, sortKey: sortKey)
        guard let condition, try reader.isPinned(condition) else {
            self.init(scan: ())
            return
        }
        guard reader.count(condition) <= Self.branchCountMax else {
            throw StatementRefusals.tooManyReads
        }
        let branches = reader.branches(condition)
        guard branches.allSatisfy({ !$0.hasConflict }) else {
            self.init(scan: ())
            return
        }
        guard branches.count <= Self.partCountMax else { throw StatementRefusals.tooManyReads }
        try self.init(branches)
    }

    private init(scan: Void) { (parts, isExact, filteredNames) = (nil, false, []) }

    private init(_ branches: [KeyBranch]) throws {
        let sorted = branches.sorted { $0.precedes($1) }
        let isMerged = branches.contains { $0.excludesSortKeys }
        var parts: [Part] = []
        var isExact = sorted.allSatisfy { !$0.hasRest }
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
        filteredNames = sorted.map(\.names)
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

/// An alternative of a WHERE clause: conditions that must all hold.
private struct KeyBranch {
    var partition: AttributeValue?
    /// Whether two values of the partition key are required.
    var hasConflict = false
    var span = KeySpan.all
    /// Whether there are conditions beside those of the key.
    var hasRest = false
    /// The attributes that these conditions read, each once.
    var names: [String] = []
    /// Whether one of these conditions excludes values of the sort key.
    var excludesSortKeys = false

    /// Both alternatives together.
    func joined(_ other: KeyBranch) -> KeyBranch {
        var joined = self
        if let partition = other.partition {
            joined.hasConflict = hasConflict || self.partition.map { $0 != partition } ?? false
            joined.partition = partition
        }
        joined.hasConflict = joined.hasConflict || other.hasConflict
        joined.span = span.intersection(other.span)
        joined.hasRest = hasRest || other.hasRest
        joined.names += other.names.filter { !names.contains($0) }
        joined.excludesSortKeys = excludesSortKeys || other.excludesSortKeys
        return joined
    }

    /// Whether the alternative is read before another one.
    func precedes(_ other: KeyBranch) -> Bool {
        guard let left = partition, let right = other.partition else { return false }
        let order = left.ordered(against: right) ?? 0
        return order == 0 ? span.precedes(other.span) : order < 0
    }
}

/// Reads the alternatives of a WHERE clause.
///
/// An `OR` separates alternatives only if a part of it is a condition on a key. `NOT` and `<>` are
/// never conditions on a key.
private struct KeyBranchReader {
    let partitionKey: KeyAttribute
    let sortKey: KeyAttribute?

    /// The condition on a key; `nil` for another condition.
    private func term(_ condition: Condition) -> KeyTerm? {
        guard let term = KeyTerm(condition) else { return nil }
        if term.name == partitionKey.name { return term.equalValues == nil ? nil : term }
        return term.name == sortKey?.name ? term : nil
    }

    private func namesKey(_ condition: Condition) -> Bool {
        switch condition {
        case .and(let left, let right), .or(let left, let right):
            namesKey(left) || namesKey(right)
        default: term(condition) != nil
        }
    }

    /// Whether each alternative names a value of the partition key.
    ///
    /// - Throws: `ValidationException` if a key is compared with a value that it cannot have.
    func isPinned(_ condition: Condition) throws -> Bool {
        switch condition {
        case .and(let left, let right):
            let (isLeft, isRight) = (try isPinned(left), try isPinned(right))
            return isLeft || isRight
        case .or(let left, let right):
            let (isLeft, isRight) = (try isPinned(left), try isPinned(right))
            return isLeft && isRight
        default:
            guard let term = term(condition) else { return false }
            let isPartition = term.name == partitionKey.name
            try term.requireValues(of: isPartition ? partitionKey : sortKey ?? partitionKey)
            return isPartition
        }
    }

    /// The number of alternatives, or some number above it.
    func count(_ condition: Condition) -> Int {
        switch condition {
        case .and(let left, let right):
            return min(Int(Int32.max), count(left)) * min(Int(Int32.max), count(right))
        case .or(let left, let right) where namesKey(condition):
            return min(Int(Int32.max), count(left)) + min(Int(Int32.max), count(right))
        default: return term(condition)?.spans.count ?? 1
        }
    }

    func branches(_ condition: Condition) -> [KeyBranch] {
        switch condition {
        case .and(let left, let right):
            let others = branches(right)
            return branches(left).flatMap { branch in others.map { branch.joined($0) } }
        case .or(let left, let right) where namesKey(condition):
            return branches(left) + branches(right)
        default: break
        }
        guard let term = term(condition) else { return [rest(condition)] }
        guard term.name == partitionKey.name else {
            return term.spans.map { span in
                var branch = KeyBranch()
                branch.span = span
                return branch
            }
        }
        return (term.equalValues ?? []).map { value in
            var branch = KeyBranch()
            branch.partition = value
            return branch
        }
    }

    /// The alternative that a condition on other attributes is.
    private func rest(_ condition: Condition) -> KeyBranch {
        var branch = KeyBranch()
        branch.hasRest = true
        for path in condition.paths where !branch.names.contains(path.root) {
            branch.names.append(path.root)
        }
        branch.excludesSortKeys = branch.names.contains { $0 == sortKey?.name }
        return branch
    }
}
