/// Named attribute values: an item, or a map within one.
///
/// Names are compared by their UTF-8 bytes. Canonically equivalent spellings are therefore
/// different names, as in DynamoDB. Iteration is in that order. Lookup is O(log *n*), insertion
/// O(*n*).
public struct AttributeMap: Sendable, Hashable {
    /// One named value.
    public struct Element: Sendable, Hashable {
        /// The attribute's name.
        public let name: String
        /// The attribute's value.
        public var value: AttributeValue { didSet { seal = .plain } }
        /// Whether the store has the value as an encrypted field's value.
        ///
        /// The value's content does not show it. A value that is set is plain.
        package private(set) var seal = ValueSeal.plain

        /// Creates a named value.
        public init(name: String, value: AttributeValue) {
            self.name = name
            self.value = value
        }

        /// Creates a named value with its seal.
        package init(name: String, value: AttributeValue, seal: ValueSeal) {
            self.name = name
            self.value = value
            self.seal = seal
        }

        /// The same value with another seal.
        package func with(_ seal: ValueSeal) -> Self { Self(name: name, value: value, seal: seal) }

        /// Compares names by bytes, and compares values.
        public static func == (lhs: Self, rhs: Self) -> Bool {
            ByteOrder.equal(lhs.name, rhs.name) && lhs.value == rhs.value
        }

        /// Hashes name and value.
        public func hash(into hasher: inout Hasher) {
            hasher.combine(name)
            hasher.combine(value)
        }
    }

    /// The attributes, ascending by the UTF-8 bytes of their names.
    public private(set) var elements: [Element]

    /// Creates an empty map.
    public init() { elements = [] }

    /// Creates a map from pairs; the last pair of equal names wins.
    ///
    /// - Complexity: O(*n* log *n*), and O(*n*) if the names ascend.
    public init(_ pairs: some Sequence<(String, AttributeValue)>) {
        self.init(unsorted: pairs.map { Element(name: $0.0, value: $0.1) })
    }

    /// Creates a map from elements in any order; the last element of equal names wins.
    ///
    /// Parsers use it to add all elements at once. Added one by one, *n* names in descending order
    /// would take *n*² steps.
    ///
    /// - Complexity: O(*n* log *n*), and O(*n*) if the names ascend.
    package init(unsorted given: [Element]) {
        if let sorted = AttributeMap(sorted: given) {
            self = sorted
            return
        }
        let places = given.indices.sorted { left, right in
            let order = ByteOrder.compare(given[left].name, given[right].name)
            return order == 0 ? left < right : order < 0
        }
        elements = []
        elements.reserveCapacity(places.count)
        for place in places {
            if let last = elements.last, ByteOrder.equal(last.name, given[place].name) {
                elements[elements.count - 1].value = given[place].value
            } else {
                elements.append(given[place])
            }
        }
    }

    /// Creates a map from elements that are in ascending order of their names' bytes.
    ///
    /// - Returns: `nil` if the names are not ascending, or if a name occurs twice.
    package init?(sorted elements: [Element]) {
        for index in elements.indices.dropFirst()
        where ByteOrder.compare(elements[index - 1].name, elements[index].name) >= 0 {
            return nil
        }
        self.elements = elements
    }

    /// Creates a map from elements that the caller knows to be in ascending order.
    package init(uncheckedSorted elements: [Element]) { self.elements = elements }

    /// The value named `name`, or `nil`; setting `nil` removes it.
    public subscript(name: String) -> AttributeValue? {
        get {
            let (index, found) = position(of: name)
            return found ? elements[index].value : nil
        }
        set {
            let (index, found) = position(of: name)
            switch (newValue, found) {
            case (let value?, true): elements[index].value = value
            case (let value?, false): elements.insert(Element(name: name, value: value), at: index)
            case (nil, true): elements.remove(at: index)
            case (nil, false): break
            }
        }
    }

    /// Adds an element with its seal; it replaces an element of the same name.
    package mutating func set(_ element: Element) {
        let (index, found) = position(of: element.name)
        if found { elements[index] = element } else { elements.insert(element, at: index) }
    }

    /// The number of attributes.
    public var count: Int { elements.count }

    /// Whether there is no attribute.
    public var isEmpty: Bool { elements.isEmpty }

    /// The attributes' names in order.
    public var names: [String] { elements.map(\.name) }

    /// The position of `name` among the elements, or `nil`.
    package func index(of name: String) -> Int? {
        let (index, found) = position(of: name)
        return found ? index : nil
    }

    /// The position of `name`, or the position at which it would be inserted.
    private func position(of name: String) -> (index: Int, found: Bool) {
        // Models add their attributes in order, so the end is checked first.
        if let last = elements.last, ByteOrder.compare(last.name, name) < 0 {
            return (elements.count, false)
        }
        // Equal names of usual length are identical words, so checking a few elements one by one is
        // fastest.
        if elements.count <= 32 {
            for index in elements.indices where ByteOrder.areIdentical(elements[index].name, name) {
                return (index, true)
            }
        }
        var (low, high) = (0, elements.count)
        while low < high {
            let middle = (low + high) / 2
            let order = ByteOrder.compare(elements[middle].name, name)
            if order == 0 { return (middle, true) }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return (low, false)
    }
}

extension AttributeMap: Sequence {
    /// Iterates over the attributes in order.
    public func makeIterator() -> IndexingIterator<[Element]> { elements.makeIterator() }
}

extension AttributeMap: ExpressibleByDictionaryLiteral {
    /// Creates a map from a literal; the last value of equal names wins.
    public init(dictionaryLiteral elements: (String, AttributeValue)...) { self.init(elements) }
}

/// An item: a map of at least its key attributes.
public typealias Item = AttributeMap
