/// The binary form of an item; byte maps in `Docs/Format.md`.
///
/// ```
/// byte    format version 1 in the upper half, flags in the lower (1: wide offsets, 2: own names,
///         4: expires)
/// varint  entity number, schema version, item version
/// varint  second of expiry           if it expires
/// varint  shape number               or, with own names: count, then length and bytes of each
/// u16/u32 end of each value, relative to the first, little-endian
/// bytes   the values
/// ```
package enum ItemCodec {
    package static let formatVersion: UInt8 = 1
    static let wideFlag: UInt8 = 1
    static let ownNamesFlag: UInt8 = 2
    static let expiryFlag: UInt8 = 4

    /// Encodes the attributes of `item` but those named in `excluded`.
    package static func encode(
        _ item: Item, header: ItemHeader, excluding excluded: [String], shapes: any ShapeInterner
    ) throws(CodexError) -> [UInt8] {
        let stored = StoredNames(item, omitting: excluded)
        var values: [UInt8] = []
        values.reserveCapacity(512)
        var ends: [Int] = []
        ends.reserveCapacity(stored.count)
        stored.forEach { element in
            ValueCodec.appendTopLevel(element.value, to: &values)
            ends.append(values.count)
        }
        let shape = try shapes.intern(stored)
        let wide = values.count > Int(UInt16.max)

        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count + ends.count * (wide ? 4 : 2) + 24)
        var flags = wide ? wideFlag : 0
        if shape == nil { flags |= ownNamesFlag }
        if header.expiresAt != nil { flags |= expiryFlag }
        bytes.append(formatVersion << 4 | flags)
        Wire.append(UInt64(header.entityNumber), to: &bytes)
        Wire.append(UInt64(header.schemaVersion), to: &bytes)
        Wire.append(UInt64(header.version), to: &bytes)
        if let second = header.expiresAt { Wire.append(UInt64(second), to: &bytes) }
        if let shape {
            Wire.append(UInt64(shape), to: &bytes)
        } else {
            Wire.append(UInt64(stored.count), to: &bytes)
            stored.forEach { Wire.append($0.name, to: &bytes) }
        }
        for end in ends {
            bytes.append(UInt8(truncatingIfNeeded: end))
            bytes.append(UInt8(truncatingIfNeeded: end >> 8))
            guard wide else { continue }
            bytes.append(UInt8(truncatingIfNeeded: end >> 16))
            bytes.append(UInt8(truncatingIfNeeded: end >> 24))
        }
        bytes.append(contentsOf: values)
        return bytes
    }
}

extension ItemCodec {
    /// Whether two encoded items have the same shape and the same bytes as values; `nil` if they do not
    /// name a shape.
    ///
    /// Whoever calls knows both encodings to be sound and of one store.
    package static func areAttributesEqual(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool? {
        guard let one = try? shapeAndRest(left), let other = try? shapeAndRest(right) else {
            return nil
        }
        guard one.shape == other.shape, left.count - one.rest == right.count - other.rest else {
            return false
        }
        for offset in 0..<(left.count - one.rest)
        where left[one.rest + offset] != right[other.rest + offset] { return false }
        return true
    }

    /// The number of an item's shape, and where the offset table begins.
    private static func shapeAndRest(
        _ bytes: Span<UInt8>
    ) throws(CodexError) -> (shape: UInt64, rest: Int) {
        guard bytes.count > 4, bytes[0] & ownNamesFlag == 0 else { throw Wire.truncated }
        var position = 1
        for _ in 0..<(bytes[0] & expiryFlag == 0 ? 3 : 4) { _ = try Wire.integer(bytes, &position) }
        let shape = try Wire.integer(bytes, &position)
        return (shape, position)
    }
}

/// Where things are in an encoded item: its header read, its attributes not yet.
@usableFromInline
package struct ItemLayout {
    package let header: ItemHeader
    /// Owned by the cache of the transaction that lends the item, or by ``ownShape``.
    ///
    /// Not retained, so that a walk over items costs no reference counting.
    private unowned(unsafe) let borrowedShape: Shape
    /// The shape of an item that carries its own names.
    private let ownShape: Shape?
    /// The number of attributes.
    @usableFromInline package let count: Int
    /// Where the offset table starts.
    @usableFromInline let table: Int
    /// Where the first value starts.
    @usableFromInline let values: Int
    @usableFromInline let wide: Bool

    /// Reads the head of an encoded item.
    ///
    /// - Throws: ``CodexError/Code/corrupted``, or ``CodexError/Code/unsupportedFormat`` if a newer
    ///   release wrote it.
    package init(_ bytes: Span<UInt8>, shapes: any ShapeSource) throws(CodexError) {
        guard bytes.count > 4 else { throw Wire.truncated }
        let first = bytes[0]
        guard first >> 4 == ItemCodec.formatVersion else {
            throw first >> 4 == 0
                ? Wire.corrupted("an item has no format version")
                : CodexError(
                    .unsupportedFormat,
                    "An item has format \(first >> 4); this release reads format "
                        + "\(ItemCodec.formatVersion). Use a newer release.")
        }
        wide = first & ItemCodec.wideFlag != 0
        var position = 1
        header = ItemHeader(
            entityNumber: try Self.small(bytes, &position),
            schemaVersion: try Self.small(bytes, &position),
            version: try Self.small(bytes, &position),
            expiresAt: first & ItemCodec.expiryFlag == 0
                ? nil : try Self.small(bytes, &position))
        if first & ItemCodec.ownNamesFlag == 0 {
            guard let id = UInt32(exactly: try Wire.integer(bytes, &position)) else {
                throw Wire.corrupted("a shape's number")
            }
            let shape = try shapes.shape(id)
            unsafe borrowedShape = shape
            ownShape = nil
            count = shape.names.count
        } else {
            let shape = try Self.ownShape(bytes, &position)
            unsafe borrowedShape = shape
            ownShape = shape
            count = shape.names.count
        }
        table = position
        values = position + count * (wide ? 4 : 2)
        guard values <= bytes.count else { throw Wire.truncated }
    }

    /// The names of the attributes.
    package var shape: Shape { unsafe borrowedShape }

    private static func small(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws(CodexError) -> Int {
        // Far above what counting reaches, and far below where adding one would overflow.
        guard let value = Int(exactly: try Wire.integer(bytes, &position)), value < 1 << 53 else {
            throw Wire.corrupted("a header field is out of range")
        }
        return value
    }

    private static func ownShape(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws(CodexError) -> Shape {
        let count = try Wire.count(bytes, &position)
        var names: [String] = []
        for _ in 0..<count {
            let name = try Wire.text(bytes, &position)
            if let last = names.last, ByteOrder.compare(last, name) >= 0 {
                throw Wire.corrupted("an item's names are out of order")
            }
            names.append(name)
        }
        return Shape(id: .max, names: names)
    }

    /// The bytes of the value at `position`, tag first.
    @inlinable
    @inline(__always)
    package func range(
        _ bytes: Span<UInt8>, _ position: Int
    ) throws(CodexError) -> (start: Int, end: Int) {
        let start = position == 0 ? values : values + offset(bytes, position - 1)
        let end = values + offset(bytes, position)
        guard start < end, end <= bytes.count else { throw Wire.truncated }
        return (start, end)
    }

    /// The end of the value at `position`, relative to the first value.
    ///
    /// - Precondition: `position` is below ``count``; the table then lies within the bytes.
    @inlinable
    @inline(__always)
    func offset(_ bytes: Span<UInt8>, _ position: Int) -> Int {
        unsafe bytes.withUnsafeBytes { raw in
            wide
                ? Int(
                    UInt32(
                        littleEndian: unsafe raw.loadUnaligned(
                            fromByteOffset: table + position * 4, as: UInt32.self)))
                : Int(
                    UInt16(
                        littleEndian: unsafe raw.loadUnaligned(
                            fromByteOffset: table + position * 2, as: UInt16.self)))
        }
    }

    /// Decodes every attribute and adds the key attributes that are not stored here.
    package func item(
        _ bytes: Span<UInt8>, keyAttributes: [AttributeMap.Element] = []
    ) throws(CodexError) -> Item {
        let shape = shape
        // Where the key's attributes come among the others, which ascend.
        var keys: [(place: Int, element: AttributeMap.Element)] = []
        keys.reserveCapacity(keyAttributes.count)
        var overridden: [AttributeMap.Element] = []
        for element in keyAttributes {
            let (place, found) = shape.place(of: element.name)
            if found {
                overridden.append(element)
            } else if !keys.contains(where: { ByteOrder.equal($0.element.name, element.name) }) {
                // One attribute may be of an index's key and of the table's.
                keys.append((place, element))
            }
        }
        if keys.count > 1 {
            keys.sort { left, right in
                left.place == right.place
                    ? ByteOrder.compare(left.element.name, right.element.name) < 0
                    : left.place < right.place
            }
        }
        var elements: [AttributeMap.Element] = []
        elements.reserveCapacity(count + keys.count)
        var (next, start) = (0, values)
        for position in 0..<count {
            while next < keys.count, keys[next].place == position {
                elements.append(keys[next].element)
                next += 1
            }
            let end = values + offset(bytes, position)
            guard start < end, end <= bytes.count else { throw Wire.truncated }
            elements.append(
                .init(
                    name: shape.names[position], value: try ValueCodec.decode(bytes, start, end)))
            start = end
        }
        while next < keys.count {
            elements.append(keys[next].element)
            next += 1
        }
        // The last value must end the item, or bytes went missing unseen.
        if count > 0, start != bytes.count { throw Wire.truncated }
        var item = AttributeMap(uncheckedSorted: elements)
        for element in overridden { item[element.name] = element.value }
        return item
    }
}
