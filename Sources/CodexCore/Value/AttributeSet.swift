/// A member of a DynamoDB set: text, number or bytes.
public protocol AttributeSetElement: Hashable, Sendable {
    /// Compares in DynamoDB's order of the type: negative, zero or positive.
    static func order(_ lhs: Self, _ rhs: Self) -> Int
}

extension String: AttributeSetElement {
    /// Compares by UTF-8 bytes.
    public static func order(_ lhs: String, _ rhs: String) -> Int { ByteOrder.compare(lhs, rhs) }
}

extension Number: AttributeSetElement {
    /// Compares by value.
    public static func order(_ lhs: Number, _ rhs: Number) -> Int {
        if let left = lhs.int64, let right = rhs.int64 {
            return left < right ? -1 : left == right ? 0 : 1
        }
        return lhs == rhs ? 0 : lhs < rhs ? -1 : 1
    }
}

extension [UInt8]: AttributeSetElement {
    /// Compares as unsigned bytes.
    public static func order(_ lhs: [UInt8], _ rhs: [UInt8]) -> Int { ByteOrder.compare(lhs, rhs) }
}

/// A set of strings, numbers or binaries, without duplicates and without an order.
///
/// Members are kept in their type's order, so equal sets are stored as equal bytes. Lookup is O(log
/// *n*). An empty set can be created, but no item that contains one is accepted, as in DynamoDB.
public struct AttributeSet<Element: AttributeSetElement>: Sendable, Hashable {
    /// The members, ascending.
    public private(set) var members: [Element]

    /// Creates a set from any sequence; duplicates collapse.
    public init(_ elements: some Sequence<Element>) {
        let sorted = elements.sorted { Element.order($0, $1) < 0 }
        if Self.isAscending(sorted) {
            members = sorted
        } else {
            members = sorted.indices.filter {
                $0 == 0 || Element.order(sorted[$0 - 1], sorted[$0]) != 0
            }.map { sorted[$0] }
        }
    }

    /// Creates a set from ascending elements, or `nil` if they are not ascending.
    init?(ascending elements: [Element]) {
        guard Self.isAscending(elements) else { return nil }
        members = elements
    }

    /// Creates a set from distinct elements in any order, or `nil` if any occurs twice.
    ///
    /// - Complexity: O(*n* log *n*), and O(*n*) if the elements ascend.
    @inlinable
    package init?(distinct elements: [Element]) {
        var sorted = elements
        if !Self.isAscending(sorted) {
            sorted.sort { Element.order($0, $1) < 0 }
            guard Self.isAscending(sorted) else { return nil }
        }
        self.init(uncheckedAscending: sorted)
    }

    /// Creates a set from elements that the caller knows to be ascending.
    @usableFromInline
    init(uncheckedAscending elements: [Element]) { members = elements }

    /// Whether each element is above the one before it.
    @inlinable
    static func isAscending(_ elements: [Element]) -> Bool {
        for index in elements.indices.dropFirst()
        where Element.order(elements[index - 1], elements[index]) >= 0 { return false }
        return true
    }

    /// Whether `element` is a member.
    public func contains(_ element: Element) -> Bool {
        var (low, high) = (0, members.count)
        while low < high {
            let middle = (low + high) / 2
            let order = Element.order(members[middle], element)
            if order == 0 { return true }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return false
    }

    /// The members of this set and of `other`.
    public func union(_ other: Self) -> Self { Self(members + other.members) }

    /// The members of this set that are not in `other`.
    public func subtracting(_ other: Self) -> Self {
        var result = self
        result.members.removeAll { other.contains($0) }
        return result
    }

    /// Compares members by their order, so that strings compare by bytes.
    public static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.members.count == rhs.members.count
            && zip(lhs.members, rhs.members).allSatisfy { Element.order($0, $1) == 0 }
    }
}

extension AttributeSet: ExpressibleByArrayLiteral {
    /// Creates a set from its members.
    public init(arrayLiteral elements: Element...) { self.init(elements) }
}
