public import CodexCore

/// A range of encoded keys, from `lower` up to but not including `upper`; `nil` means no upper
/// bound.
///
/// Bytes are compared unsigned, as `memcmp` does. ``TablePlan/range(of:)`` returns the range of a
/// query.
public struct KeyRange: Sendable, Hashable {
    /// The first key that may be in the range.
    public var lower: [UInt8]
    /// The first key above the range; `nil` if it has no end.
    public var upper: [UInt8]?

    /// Every key.
    public static let all = KeyRange(lower: [], upper: nil)

    /// The keys that the query's partition and sort conditions select.
    ///
    /// - Throws: ``CodexError/Code/invalidKey`` for values of the wrong type or number;
    ///   ``CodexError/Code/invalidExpression`` for a `between` whose bounds are in the wrong order.
    package init(_ query: TableQuery, plan: TablePlan, index: IndexPlan?) throws(CodexError) {
        let owner = index.map { "index \($0.definition.name)" } ?? plan.definition.name
        let parts = index?.parts ?? plan.parts
        let partitionCount = parts.count { $0.isPartition }
        guard query.partition.count == partitionCount else {
            throw CodexError(
                .invalidKey,
                "The partition key of \(owner) has \(partitionCount) attributes, the query gives "
                    + "\(query.partition.count) values.")
        }
        let leading = query.partition + query.sortPrefix
        guard leading.count <= parts.count else {
            throw CodexError(
                .invalidKey, "The query gives more sort key values than \(owner) has attributes.")
        }
        // Only the table's own last part has no terminator.
        func isLast(_ position: Int) -> Bool { index == nil && position == parts.count - 1 }

        var prefix: [UInt8] = []
        for (position, value) in leading.enumerated() {
            try parts[position].validate(value, owner: owner)
            OrderedKey.append(value, isLast: isLast(position), to: &prefix)
        }
        guard query.sort != .any else {
            // A complete table key selects one key, not all keys that begin with it.
            let isWhole = leading.count == parts.count && index == nil
            self.init(lower: prefix, upper: isWhole ? prefix + [0] : Self.after(prefix))
            return
        }
        guard leading.count < parts.count else {
            throw CodexError(.invalidKey, "\(owner) has no sort key attribute left to compare.")
        }
        self = try Self.range(
            query.sort, part: parts[leading.count], isLast: isLast(leading.count), prefix: prefix,
            owner: owner)
    }

    /// Creates the range from `lower` up to but not including `upper`.
    ///
    /// - Parameters:
    ///   - lower: The first key.
    ///   - upper: The first key above the range; `nil` means no upper bound.
    public init(lower: [UInt8], upper: [UInt8]?) {
        self.lower = lower
        self.upper = upper
    }

    /// Creates the range of the keys that begin with `prefix`.
    ///
    /// - Parameter prefix: The first bytes of the keys; an empty prefix selects every key.
    /// - Complexity: O(*n*) for *n* bytes.
    public init(prefix: [UInt8]) {
        self.init(lower: prefix, upper: Self.after(prefix))
    }

    private static func range(
        _ condition: SortCondition, part: KeyPart, isLast: Bool, prefix: [UInt8], owner: String
    ) throws(CodexError) -> KeyRange {
        /// The first key whose part is `value`.
        func first(_ value: AttributeValue) throws(CodexError) -> [UInt8] {
            try part.validate(value, owner: owner)
            var key = prefix
            OrderedKey.append(value, isLast: isLast, to: &key)
            return key
        }
        /// The first key whose part is above `value`.
        func firstAbove(_ value: AttributeValue) throws(CodexError) -> [UInt8]? {
            let key = try first(value)
            return isLast ? key + [0] : after(key)
        }
        switch condition {
        case .any: return KeyRange(prefix: prefix)
        case .equal(let value): return try KeyRange(lower: first(value), upper: firstAbove(value))
        case .less(let value): return try KeyRange(lower: prefix, upper: first(value))
        case .lessOrEqual(let value): return try KeyRange(lower: prefix, upper: firstAbove(value))
        case .greater(let value):
            guard let lower = try firstAbove(value) else {
                return KeyRange(lower: prefix, upper: prefix)
            }
            return KeyRange(lower: lower, upper: after(prefix))
        case .greaterOrEqual(let value):
            return try KeyRange(lower: first(value), upper: after(prefix))
        case .between(let low, let high):
            let range = try KeyRange(lower: first(low), upper: firstAbove(high))
            guard let order = low.ordered(against: high), order <= 0 else {
                throw CodexError(
                    .invalidExpression, "BETWEEN's lower bound is above its upper one.")
            }
            return range
        case .beginsWith(let value):
            try part.validate(value, owner: owner)
            guard part.attribute.type != .number else {
                throw CodexError(
                    .invalidExpression, "begins_with takes text or binaries, not numbers.")
            }
            var key = prefix
            OrderedKey.appendPrefix(value, isLast: isLast, to: &key)
            return KeyRange(prefix: key)
        }
    }

    /// The first byte string above all strings that begin with `prefix`; `nil` if there is none.
    private static func after(_ prefix: [UInt8]) -> [UInt8]? {
        var key = prefix
        while let last = key.popLast() {
            if last < 0xFF { return key + [last + 1] }
        }
        return nil
    }

    /// The part of the range after `key` in the given direction, with which a query continues.
    ///
    /// - Parameters:
    ///   - key: A key in the range; it need not be stored.
    ///   - direction: The query's direction.
    /// - Returns: The keys above `key` or, for a backward query, the keys below it.
    /// - Complexity: O(*n*) for *n* bytes.
    public func resumed(after key: [UInt8], _ direction: QueryDirection) -> KeyRange {
        switch direction {
        case .forward: KeyRange(lower: key + [0], upper: upper)
        case .backward: KeyRange(lower: lower, upper: key)
        }
    }

    /// Whether `key` lies in the range.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    public func contains(_ key: [UInt8]) -> Bool {
        ByteOrder.compare(lower, key) <= 0
            && upper.map { ByteOrder.compare(key, $0) < 0 } ?? true
    }
}
