/// An interned, ordered list of attribute names that items of one kind share.
///
/// Items store a shape's number instead of their attributes' names. Names are in ascending order of
/// their UTF-8 bytes. They never include the table's key attributes, which are in the key.
package final class Shape: Sendable {
    package let id: UInt32
    package let names: [String]
    /// The first bytes of each name, which distinguish most names.
    private let prefixes: [UInt64]

    /// The shape of what has no attributes; it has no number in a store.
    static let empty = Shape(id: .max, names: [])

    package init(id: UInt32, names: [String]) {
        self.id = id
        self.names = names
        prefixes = names.map(Self.prefix)
    }

    /// The first eight bytes as a number with the same order; missing bytes count as 0.
    private static func prefix(_ name: String) -> UInt64 {
        var (name, prefix) = (name, UInt64(0))
        name.withUTF8 { bytes in
            for position in 0..<8 {
                prefix = prefix << 8 | (position < bytes.count ? unsafe UInt64(bytes[position]) : 0)
            }
        }
        return prefix
    }

    /// The bytes of memory that the names take; see ``DecodedSize``.
    ///
    /// - Complexity: O(*n*) in the number of names.
    package var memoryByteCount: Int {
        let arrays =
            DecodedSize.array(of: String.self, names.count)
            + DecodedSize.array(of: UInt64.self, names.count)
        return names.reduce(arrays) { $0 + DecodedSize.text($1.utf8.count) }
    }

    /// The position of `name` among the names, or `nil`.
    package func position(of name: String) -> Int? {
        let (position, found) = place(of: name)
        return found ? position : nil
    }

    /// The position of `name` among the names, or the position at which it would be inserted.
    func place(of name: String) -> (position: Int, found: Bool) {
        let prefix = Self.prefix(name)
        var (low, high) = (0, prefixes.count)
        while low < high {
            let middle = (low + high) / 2
            if prefixes[middle] < prefix { low = middle + 1 } else { high = middle }
        }
        // Only few names begin with the same bytes.
        while low < prefixes.count, prefixes[low] == prefix {
            let order = ByteOrder.compare(names[low], name)
            if order >= 0 { return (low, order == 0) }
            low += 1
        }
        return (low, false)
    }

    /// The names as one byte string, which is stored and is the same for equal shapes.
    package static func encode(_ names: some Sequence<String>) -> [UInt8] {
        var bytes: [UInt8] = []
        for name in names { Wire.append(name, to: &bytes) }
        return bytes
    }

    /// Reads the bytes that ``encode(_:)`` wrote.
    package convenience init(id: UInt32, encoded bytes: Span<UInt8>) throws(CodexError) {
        var names: [String] = []
        var position = 0
        while position < bytes.count { names.append(try Wire.text(bytes, &position)) }
        for index in names.indices.dropFirst()
        where ByteOrder.compare(names[index - 1], names[index]) >= 0 {
            throw Wire.corrupted("a shape's names are out of order")
        }
        self.init(id: id, names: names)
    }
}

/// Finds shapes by number, for readers.
package protocol ShapeSource: AnyObject {
    /// The shape numbered `id`.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if the store has none.
    func shape(_ id: UInt32) throws(CodexError) -> Shape
}

/// The names of an item's attributes, except those that are not stored with it.
package struct StoredNames {
    let elements: [AttributeMap.Element]
    /// The positions of the elements that are left out, ascending.
    let omitted: [Int]

    init(_ item: AttributeMap, omitting names: [String]) {
        elements = item.elements
        // An attribute may be part of both the table's key and an index's key.
        var omitted: [Int] = []
        for name in names {
            guard let position = item.index(of: name), !omitted.contains(position) else { continue }
            omitted.append(position)
        }
        self.omitted = omitted.sorted()
    }

    package var count: Int { elements.count - omitted.count }

    /// The names as an array.
    package var array: [String] {
        var names: [String] = []
        names.reserveCapacity(count)
        forEach { names.append($0.name) }
        return names
    }

    /// Whether the names equal `names`.
    package func match(_ names: [String]) -> Bool {
        guard names.count == count else { return false }
        var (position, isEqual) = (0, true)
        forEach { element in
            isEqual = isEqual && ByteOrder.equal(element.name, names[position])
            position += 1
        }
        return isEqual
    }

    /// Calls `body` with each attribute that is stored.
    @inline(__always)
    func forEach<E: Error>(_ body: (AttributeMap.Element) throws(E) -> Void) throws(E) {
        var next = 0
        for position in elements.indices {
            if next < omitted.count, omitted[next] == position {
                next += 1
            } else {
                try body(elements[position])
            }
        }
    }
}

/// Finds or creates the shape of a list of names, for writers.
package protocol ShapeInterner: AnyObject {
    /// The number of the shape with these names, or `nil` if the item must carry its names itself.
    func intern(_ names: StoredNames) throws(CodexError) -> UInt32?
}
