internal import CodexCore

/// An alternative of a WHERE clause: conditions that must all hold.
struct KeyBranch {
    var partition: AttributeValue?
    var span = KeySpan.all
    /// The conditions beside those of the key, as places in ``KeyBranchReader/filters``.
    var filterPlaces: [Int] = []
    /// Whether one of these conditions excludes values of the sort key.
    var excludesSortKeys = false

    /// Both alternatives together, which name the same partition if both name one.
    func joined(_ other: KeyBranch) -> KeyBranch {
        var joined = self
        joined.partition = other.partition ?? partition
        joined.span = span.intersection(other.span)
        // Each condition is at one place of the clause, so both lists have no common place.
        joined.filterPlaces += other.filterPlaces
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
/// never conditions on a key. An alternative holds places of conditions, not the names that they
/// read. A short text can name many attributes in each of many alternatives.
struct KeyBranchReader {
    let partitionKey: KeyAttribute
    let sortKey: KeyAttribute?
    /// The conditions on other attributes that the alternatives have.
    private(set) var filters: [Condition] = []

    /// Most queries of a statement: "IN" in the developer guide allows 50 values of a partition
    /// key.
    private static let branchCountMax = 50
    /// Most alternatives that are searched for one that names two partitions, which is a scan.
    private static let examinedCountMax = 1024

    init(partitionKey: KeyAttribute, sortKey: KeyAttribute?) {
        (self.partitionKey, self.sortKey) = (partitionKey, sortKey)
    }

    /// The alternatives of a condition, which are built only if there are few of them.
    ///
    /// - Parameter condition: The whole condition.
    /// - Returns: The alternatives; `nil` if the whole table is scanned.
    /// - Throws: `ValidationException` for values of the wrong type and for too many alternatives.
    mutating func alternatives(_ condition: Condition) throws -> [KeyBranch]? {
        guard try isPinned(condition) else { return nil }
        let branchCount = count(condition)
        guard branchCount <= Self.examinedCountMax else { throw StatementRefusals.tooManyReads }
        guard !partitions(condition).haveConflict else { return nil }
        guard branchCount <= Self.branchCountMax else { throw StatementRefusals.tooManyReads }
        return branches(condition)
    }

    /// The condition on a key; `nil` for another condition.
    private func term(_ condition: Condition) -> KeyTerm? {
        guard let term = KeyTerm(condition) else { return nil }
        if isPartition(term) { return term.equalValues == nil ? nil : term }
        return isSort(term.name) ? term : nil
    }

    /// Whether a condition is one on the partition key: names are equal if their bytes are.
    private func isPartition(_ term: KeyTerm) -> Bool {
        ByteOrder.equal(term.name, partitionKey.name)
    }

    /// Whether a name is that of the sort key.
    private func isSort(_ name: String) -> Bool {
        sortKey.map { ByteOrder.equal(name, $0.name) } ?? false
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
    private func isPinned(_ condition: Condition) throws -> Bool {
        switch condition {
        case .and(let left, let right):
            let (isLeft, isRight) = (try isPinned(left), try isPinned(right))
            return isLeft || isRight
        case .or(let left, let right):
            let (isLeft, isRight) = (try isPinned(left), try isPinned(right))
            return isLeft && isRight
        default:
            guard let term = term(condition) else { return false }
            let isPartition = isPartition(term)
            try term.requireValues(of: isPartition ? partitionKey : sortKey ?? partitionKey)
            return isPartition
        }
    }

    /// The number of alternatives, or some number above it.
    private func count(_ condition: Condition) -> Int {
        switch condition {
        case .and(let left, let right):
            return min(Int(Int32.max), count(left)) * min(Int(Int32.max), count(right))
        case .or(let left, let right) where namesKey(condition):
            return min(Int(Int32.max), count(left)) + min(Int(Int32.max), count(right))
        default: return term(condition)?.spans.count ?? 1
        }
    }

    /// The partitions that the alternatives name, and whether one alternative names two of them.
    ///
    /// Each alternative of one side of an `AND` is joined with each one of the other side.
    private func partitions(
        _ condition: Condition
    ) -> (values: Set<AttributeValue>, haveConflict: Bool) {
        switch condition {
        case .and(let left, let right):
            let (first, second) = (partitions(left), partitions(right))
            let values = first.values.union(second.values)
            let differ = !first.values.isEmpty && !second.values.isEmpty && values.count > 1
            return (values, first.haveConflict || second.haveConflict || differ)
        case .or(let left, let right) where namesKey(condition):
            let (first, second) = (partitions(left), partitions(right))
            let values = first.values.union(second.values)
            return (values, first.haveConflict || second.haveConflict)
        default:
            guard let term = term(condition), isPartition(term) else {
                return ([], false)
            }
            return (Set(term.equalValues ?? []), false)
        }
    }

    private mutating func branches(_ condition: Condition) -> [KeyBranch] {
        switch condition {
        case .and(let left, let right):
            let (first, second) = (branches(left), branches(right))
            return first.flatMap { branch in second.map { branch.joined($0) } }
        case .or(let left, let right) where namesKey(condition):
            let first = branches(left)
            return first + branches(right)
        default: break
        }
        guard let term = term(condition) else { return [rest(condition)] }
        guard isPartition(term) else {
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
    private mutating func rest(_ condition: Condition) -> KeyBranch {
        var branch = KeyBranch()
        branch.filterPlaces = [filters.count]
        branch.excludesSortKeys = condition.paths.contains { isSort($0.root) }
        filters.append(condition)
        return branch
    }
}
