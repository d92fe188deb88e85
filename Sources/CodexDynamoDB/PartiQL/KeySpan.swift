internal import CodexCore

/// A range of the values that an attribute of a key can have, all of one type.
struct KeySpan: Sendable, Hashable {
    /// A place between two values.
    enum Cut: Sendable, Hashable {
        case start
        case below(AttributeValue)
        case above(AttributeValue)
        /// Behind the last value that begins with a prefix.
        case afterPrefix(AttributeValue)
        case end
    }

    private let lower: Cut
    private let upper: Cut

    static let all = KeySpan(.start, .end)

    private init(_ lower: Cut, _ upper: Cut) { (self.lower, self.upper) = (lower, upper) }

    static func equal(_ value: AttributeValue) -> KeySpan {
        KeySpan(.below(value), .above(value))
    }

    static func between(_ low: AttributeValue, _ high: AttributeValue) -> KeySpan {
        KeySpan(.below(low), .above(high))
    }

    static func prefix(_ prefix: AttributeValue) -> KeySpan {
        KeySpan(.below(prefix), .afterPrefix(prefix))
    }

    /// The values that a comparison with `value` allows; `nil` for `<>`, which is no range.
    init?(_ comparator: Condition.Comparator, _ value: AttributeValue) {
        switch comparator {
        case .equal: self.init(.below(value), .above(value))
        case .notEqual: return nil
        case .less: self.init(.start, .below(value))
        case .lessOrEqual: self.init(.start, .above(value))
        case .greater: self.init(.above(value), .end)
        case .greaterOrEqual: self.init(.below(value), .end)
        }
    }

    /// Whether no value is in the range.
    var isEmpty: Bool { Cut.order(lower, upper) >= 0 }

    /// The values in both ranges.
    func intersection(_ other: KeySpan) -> KeySpan {
        KeySpan(
            Cut.order(lower, other.lower) < 0 ? other.lower : lower,
            Cut.order(upper, other.upper) < 0 ? upper : other.upper)
    }

    func overlaps(_ other: KeySpan) -> Bool { !intersection(other).isEmpty }

    /// The range from the start of one range to the end of the other.
    func union(_ other: KeySpan) -> KeySpan {
        KeySpan(
            Cut.order(lower, other.lower) < 0 ? lower : other.lower,
            Cut.order(upper, other.upper) < 0 ? other.upper : upper)
    }

    /// Whether the range begins before another one.
    func precedes(_ other: KeySpan) -> Bool { Cut.order(lower, other.lower) < 0 }

    /// The one value of the range; `nil` if it may have others.
    var onlyValue: AttributeValue? {
        guard case (.below(let low), .above(let high)) = (lower, upper), low == high else {
            return nil
        }
        return low
    }

    /// The narrowest condition of a query that has the range, and whether it has no other values.
    var condition: (condition: SortCondition, isExact: Bool) {
        switch (lower, upper) {
        case (.start, .end): (.any, true)
        case (.start, .below(let value)): (.less(value), true)
        case (.start, .above(let value)): (.lessOrEqual(value), true)
        case (.below(let value), .end): (.greaterOrEqual(value), true)
        case (.above(let value), .end): (.greater(value), true)
        case (.below(let low), .above(let high)):
            (low == high ? .equal(low) : .between(low, high), true)
        case (.below(let low), .below(let high)), (.above(let low), .above(let high)),
            (.above(let low), .below(let high)):
            (.between(low, high), false)
        case (.below(let value), .afterPrefix(let prefix)) where value == prefix:
            (.beginsWith(prefix), true)
        case (.below(let value), .afterPrefix(let prefix)),
            (.above(let value), .afterPrefix(let prefix)):
            (value.begins(with: prefix) ? .beginsWith(prefix) : .greaterOrEqual(value), false)
        default: (.any, false)
        }
    }
}

extension KeySpan.Cut {
    /// The order of two cuts: negative, zero or positive.
    static func order(_ left: Self, _ right: Self) -> Int {
        switch (left, right) {
        case (.start, .start), (.end, .end): return 0
        case (.start, _), (_, .end): return -1
        case (_, .start), (.end, _): return 1
        default: break
        }
        guard let (value, place) = left.value, let (other, otherPlace) = right.value else {
            return 0
        }
        // Values with a prefix precede the cut behind it.
        if place == 2, value != other, other.begins(with: value) { return 1 }
        if otherPlace == 2, value != other, value.begins(with: other) { return -1 }
        let order = value.ordered(against: other) ?? 0
        return order == 0 ? place - otherPlace : order
    }

    /// The value of the cut, and its place among the cuts of the value.
    private var value: (value: AttributeValue, place: Int)? {
        switch self {
        case .start, .end: nil
        case .below(let value): (value, 0)
        case .above(let value): (value, 1)
        case .afterPrefix(let value): (value, 2)
        }
    }
}

extension AttributeValue {
    /// Whether text or bytes begin with others.
    func begins(with prefix: AttributeValue) -> Bool {
        switch (self, prefix) {
        case (.string(let text), .string(let prefix)): text.utf8.starts(with: prefix.utf8)
        case (.binary(let bytes), .binary(let prefix)): bytes.starts(with: prefix)
        default: false
        }
    }
}
