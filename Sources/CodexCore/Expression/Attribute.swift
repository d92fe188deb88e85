/// A typed attribute name, from which conditions and updates are built.
///
/// ```swift
/// let estimate = Attribute<Int>("estimate")
/// let heavy = estimate >= 8 && estimate.exists
/// let done = Update().setting(Attribute<String>("status"), to: "done").removing(estimate)
/// ```
public struct Attribute<Value: AttributeConvertible>: Sendable {
    /// The path of the attribute in its item.
    public let path: DocumentPath

    /// Names a top-level attribute.
    public init(_ name: String) { path = DocumentPath(name) }

    /// Names an attribute inside of maps or lists.
    public init(path: DocumentPath) { self.path = path }

    private func compare(_ comparator: Condition.Comparator, _ value: Value) -> Condition {
        .compare(.path(path), comparator, .value(value.attributeValue))
    }

    /// The attribute equals the value.
    public static func == (lhs: Self, rhs: Value) -> Condition { lhs.compare(.equal, rhs) }
    /// The attribute differs from the value, or is missing.
    public static func != (lhs: Self, rhs: Value) -> Condition { lhs.compare(.notEqual, rhs) }
    /// The attribute is below the value.
    public static func < (lhs: Self, rhs: Value) -> Condition { lhs.compare(.less, rhs) }
    /// The attribute is at most the value.
    public static func <= (lhs: Self, rhs: Value) -> Condition { lhs.compare(.lessOrEqual, rhs) }
    /// The attribute is above the value.
    public static func > (lhs: Self, rhs: Value) -> Condition { lhs.compare(.greater, rhs) }
    /// The attribute is at least the value.
    public static func >= (lhs: Self, rhs: Value) -> Condition { lhs.compare(.greaterOrEqual, rhs) }

    /// The attribute lies in the range, both ends included.
    public func isBetween(_ low: Value, and high: Value) -> Condition {
        .between(.path(path), low: .value(low.attributeValue), high: .value(high.attributeValue))
    }

    /// The attribute is one of the values.
    public func isOne(of values: [Value]) -> Condition {
        .isIn(.path(path), values.map { .value($0.attributeValue) })
    }

    /// The item has the attribute.
    public var exists: Condition { .attributeExists(path) }

    /// The item lacks the attribute.
    public var doesNotExist: Condition { .attributeNotExists(path) }

    /// The attribute is of the type.
    public func isOfType(_ type: AttributeType) -> Condition { .attributeType(path, type) }

    /// The attribute's text begins with `prefix`.
    public func begins(with prefix: Value) -> Condition {
        .beginsWith(.path(path), .value(prefix.attributeValue))
    }

    /// The attribute's text, set or list contains `member`.
    public func contains(_ member: some AttributeConvertible) -> Condition {
        .contains(.path(path), .value(member.attributeValue))
    }

    /// The attribute's size compares to `count` by the comparator.
    public func size(_ comparator: Condition.Comparator, _ count: Int) -> Condition {
        .compare(.size(path), comparator, .value(.number(Number(count))))
    }
}

extension Update {
    /// Also sets the attribute.
    public func setting<V>(_ attribute: Attribute<V>, to value: V) -> Update {
        appending(.set(attribute.path, .operand(.value(value.attributeValue))))
    }

    /// Also sets the attribute if the item does not have it.
    public func settingIfMissing<V>(_ attribute: Attribute<V>, to value: V) -> Update {
        appending(
            .set(
                attribute.path,
                .operand(.ifNotExists(attribute.path, .value(value.attributeValue)))))
    }

    /// Also removes the attribute.
    public func removing<V>(_ attribute: Attribute<V>) -> Update {
        appending(.remove(attribute.path))
    }

    /// Also adds a number to the attribute, which starts at 0.
    public func adding<V>(_ value: V, to attribute: Attribute<V>) -> Update {
        appending(.add(attribute.path, value.attributeValue))
    }

    /// Also appends elements to the attribute's list, which starts empty.
    public func appending<Element: AttributeConvertible>(
        contentsOf elements: [Element], to attribute: Attribute<[Element]>
    ) -> Update {
        appending(
            .set(
                attribute.path,
                .operand(
                    .listAppend(
                        .ifNotExists(attribute.path, .value(.list([]))),
                        .value(.list(elements.map(\.attributeValue)))))))
    }
}
