/// The binary form of an item; `Docs/Format.md` has the byte maps.
///
/// ```
/// byte    format version 2 in the upper half, flags in the lower (1: wide offsets, 2: own names,
///         4: expires)
/// varint  entity number, schema version, item version
/// varint  second of expiry           if it expires
/// varint  shape number               or, with own names: count, then length and bytes of each
/// u16/u32 end of each value, relative to the first, little-endian
/// bytes   the values
/// ```
package enum ItemCodec {
    package static let formatVersion: UInt8 = 2
    /// The previous version, which this release still reads: only a mark identifies the values of
    /// its encrypted fields.
    package static let untaggedVersion: UInt8 = 1

    /// Whether an item is in an earlier format than the present one, by its first byte.
    @inline(__always)
    package static func isEarlier(_ first: UInt8) -> Bool { first >> 4 < formatVersion }

    static let wideFlag: UInt8 = 1
    static let ownNamesFlag: UInt8 = 2
    static let expiryFlag: UInt8 = 4

    /// Encodes the attributes of `item` except those named in `excluded`.
    package static func encode(
        _ item: Item, header: ItemHeader, excluding excluded: [String], shapes: any ShapeInterner
    ) throws(CodexError) -> [UInt8] {
        let stored = StoredNames(item, omitting: excluded)
        var values: [UInt8] = []
        values.reserveCapacity(512)
        var ends: [Int] = []
        ends.reserveCapacity(stored.count)
        stored.forEach { element in
            ValueCodec.appendTopLevel(element, to: &values)
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
        append(header, to: &bytes)
        if let shape {
            Wire.append(UInt64(shape), to: &bytes)
        } else {
            Wire.append(UInt64(stored.count), to: &bytes)
            stored.forEach { Wire.append($0.name, to: &bytes) }
        }
        for end in ends { append(end: end, isWide: wide, to: &bytes) }
        bytes.append(contentsOf: values)
        return bytes
    }

    /// Appends the fields of a header, whose expiry has a flag in the first byte.
    fileprivate static func append(_ header: ItemHeader, to bytes: inout [UInt8]) {
        Wire.append(UInt64(header.entityNumber), to: &bytes)
        Wire.append(UInt64(header.schemaVersion), to: &bytes)
        Wire.append(UInt64(header.version), to: &bytes)
        if let second = header.expiresAt { Wire.append(UInt64(second), to: &bytes) }
    }

    /// Appends the end of a value to the offset table.
    fileprivate static func append(end: Int, isWide: Bool, to bytes: inout [UInt8]) {
        bytes.append(UInt8(truncatingIfNeeded: end))
        bytes.append(UInt8(truncatingIfNeeded: end >> 8))
        guard isWide else { return }
        bytes.append(UInt8(truncatingIfNeeded: end >> 16))
        bytes.append(UInt8(truncatingIfNeeded: end >> 24))
    }
}

extension ItemCodec {
    /// Whether two encoded items have the same shape and the same value bytes; `nil` if one of them
    /// names no shape.
    ///
    /// The caller must know that both encodings are sound and from the same store.
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

    /// The number of an item's shape, and the offset of its offset table.
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

extension ItemLayout {
    /// The attributes of an item's key, and their places among the attributes stored with the item.
    struct MissingKeys {
        private let attributes: [AttributeMap.Element]
        /// The attributes that are not stored, ascending by place and then by name.
        private let keys: [(place: Int, source: Int)]
        /// Whether the item also stores some of them; the values of the key then apply.
        let areStoredToo: Bool

        init(_ attributes: [AttributeMap.Element], _ shape: Shape) {
            self.attributes = attributes
            var keys: [(place: Int, source: Int)] = []
            areStoredToo = Self.find(attributes, shape, &keys)
            self.keys = keys
        }

        /// Finds the place of each key attribute among the stored attributes, in ascending order.
        ///
        /// - Returns: Whether the item also stores one of the key attributes.
        @inline(__always)
        static func find(
            _ attributes: [AttributeMap.Element], _ shape: Shape,
            _ keys: inout [(place: Int, source: Int)]
        ) -> Bool {
            keys.reserveCapacity(attributes.count)
            var areStoredToo = false
            for (source, element) in attributes.enumerated() {
                let (place, found) = shape.place(of: element.name)
                if found {
                    areStoredToo = true
                } else if !keys.contains(where: {
                    ByteOrder.equal(attributes[$0.source].name, element.name)
                }) {
                    // An attribute may be part of both the index's key and the table's key.
                    keys.append((place, source))
                }
            }
            if keys.count > 1 {
                keys.sort { left, right in
                    left.place == right.place
                        ? ByteOrder.compare(
                            attributes[left.source].name, attributes[right.source].name) < 0
                        : left.place < right.place
                }
            }
            return areStoredToo
        }

        @inline(__always) var count: Int { keys.count }

        /// The position of the stored attribute that follows this key attribute.
        @inline(__always) func place(_ position: Int) -> Int { keys[position].place }

        @inline(__always) subscript(_ position: Int) -> AttributeMap.Element {
            attributes[keys[position].source]
        }
    }
}

/// The positions of an encoded item's parts: the header is read, the attributes are not.
@usableFromInline
package struct ItemLayout: Sendable {
    package let header: ItemHeader
    /// The names of the attributes; the transaction's shape cache owns them, or ``ownShape``.
    ///
    /// The shape is not retained, so a walk over items needs no reference counting.
    private unowned(unsafe) let borrowedShape: Shape
    /// The shape of an item that carries its own names.
    private let ownShape: Shape?
    /// The number of attributes.
    @usableFromInline package let count: Int
    /// The offset of the offset table.
    @usableFromInline let table: Int
    /// The offset of the first value.
    @usableFromInline let values: Int
    @usableFromInline let wide: Bool
    /// Whether only a mark identifies the values of encrypted fields (format 1).
    private let isUntagged: Bool

    /// Reads the head of an encoded item.
    ///
    /// An initializer takes its arguments over, so a caller retains them. A walk reads the head of
    /// each item, so the shapes are `__shared`, and are not retained.
    ///
    /// - Throws: ``CodexError/Code/corrupted``, or ``CodexError/Code/unsupportedFormat`` if a newer
    ///   release wrote the item.
    @inline(__always)
    package init(_ bytes: Span<UInt8>, shapes: __shared any ShapeSource) throws(CodexError) {
        self = try Self.reading(bytes, shapes)
    }

    @inline(never)
    private static func reading(
        _ bytes: Span<UInt8>, _ shapes: any ShapeSource
    ) throws(CodexError) -> ItemLayout {
        guard bytes.count > 4 else { throw Wire.truncated }
        guard bytes.count <= StoreLimits.inflatedByteCountMax else {
            throw Wire.corrupted("an item is larger than an item can be")
        }
        let first = bytes[0]
        let format = first >> 4
        guard format == ItemCodec.formatVersion || format == ItemCodec.untaggedVersion else {
            // E begins a reference (``ReferenceEntry``), and F a value in chunks.
            throw format == 0 || format >= 0xE
                ? Wire.corrupted("an item has no format version")
                : CodexError(
                    .unsupportedFormat,
                    "An item has format \(format); this release reads up to "
                        + "\(ItemCodec.formatVersion). Use a newer release.")
        }
        var position = 1
        let header = ItemHeader(
            entityNumber: try Self.small(bytes, &position),
            schemaVersion: try Self.small(bytes, &position),
            version: try Self.small(bytes, &position),
            expiresAt: first & ItemCodec.expiryFlag == 0 ? nil : try Self.small(bytes, &position))
        // Each branch makes the whole layout: a layout that both complete is copied once more.
        guard first & ItemCodec.ownNamesFlag == 0 else {
            let shape = try Self.ownShape(bytes, &position)
            return try ItemLayout(
                first, header, shape, ownShape: shape, table: position, byteCount: bytes.count)
        }
        guard let id = UInt32(exactly: try Wire.integer(bytes, &position)) else {
            throw Wire.corrupted("a shape's number")
        }
        let shape = try shapes.shape(id)
        return try ItemLayout(
            first, header, shape, ownShape: nil, table: position, byteCount: bytes.count)
    }

    /// Takes the parts of a head that was read.
    ///
    /// - Parameters:
    ///   - first: The first byte of the item, with the format and the flags.
    ///   - header: The header.
    ///   - shape: The names of the attributes.
    ///   - ownShape: The same shape, if the item carries its own names.
    ///   - table: The offset of the offset table.
    ///   - byteCount: The number of the item's bytes.
    /// - Throws: ``CodexError/Code/corrupted`` if the offset table ends after the item.
    @inline(__always)
    private init(
        _ first: UInt8, _ header: ItemHeader, _ shape: Shape, ownShape: Shape?, table: Int,
        byteCount: Int
    ) throws(CodexError) {
        let isWide = first & ItemCodec.wideFlag != 0
        let nameCount = shape.names.count
        let values = table + nameCount * (isWide ? 4 : 2)
        guard values <= byteCount else { throw Wire.truncated }
        self.header = header
        unsafe borrowedShape = shape
        self.ownShape = ownShape
        count = nameCount
        self.table = table
        self.values = values
        wide = isWide
        isUntagged = first >> 4 == ItemCodec.untaggedVersion
    }

    /// The layout of a reference in the place of an item: it has no attributes.
    ///
    /// - Parameters:
    ///   - reference: The reference.
    ///   - byteCount: The number of its bytes.
    package init(reference: ReferenceEntry, byteCount: Int) {
        header = ItemHeader(entityNumber: reference.entityNumber, version: 0)
        unsafe borrowedShape = Shape.empty
        ownShape = nil
        count = 0
        table = byteCount
        values = byteCount
        wide = false
        isUntagged = false
    }

    /// The names of the attributes.
    package var shape: Shape { unsafe borrowedShape }

    /// The bytes of memory of the names that the item carries; 0 if it has a shape of the store.
    ///
    /// - Complexity: O(*n*) in the number of those names.
    var ownNamesByteCount: Int { ownShape?.memoryByteCount ?? 0 }

    @inline(__always)
    private static func small(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws(CodexError) -> Int {
        // The bound is far above any real count, and far below an overflow when one is added.
        guard let value = Int(exactly: try Wire.integer(bytes, &position)), value < 1 << 53 else {
            throw Wire.corrupted("a header field is out of range")
        }
        return value
    }

    private static func ownShape(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws(CodexError) -> Shape {
        let count = try Wire.count(bytes, &position)
        var budget = DecodingBudget()
        try budget.takeMembers(count)
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
    /// - Precondition: `position` is below ``count``; the table's entry then lies within the bytes.
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

    /// Checks that the compressed values of an item claim to inflate to at most
    /// ``StoreLimits/inflatedByteCountMax`` bytes together.
    ///
    /// Code that reads the values one by one calls this first.
    ///
    /// - Returns: The bytes that they claim to inflate to.
    /// - Throws: ``CodexError/Code/corrupted`` if they claim more.
    /// - Complexity: O(*n*) in the number of attributes; nothing is inflated.
    @discardableResult
    @inline(never)
    func requireInflatable(_ bytes: Span<UInt8>) throws(CodexError) -> Int {
        var rest = UInt64(StoreLimits.inflatedByteCountMax)
        for index in 0..<count {
            let (start, end) = try range(bytes, index)
            guard bytes[start] == ValueCodec.Tag.compressed.rawValue else { continue }
            var position = start + 1
            let claimed = try Wire.integer(bytes.extracting(0..<end), &position)
            guard claimed <= rest else {
                throw Wire.corrupted("an item inflates to more than an item can be")
            }
            rest -= claimed
        }
        return StoreLimits.inflatedByteCountMax - Int(rest)
    }

    /// Decodes every attribute and adds the key attributes that are not stored here.
    package func item(
        _ bytes: Span<UInt8>, keyAttributes: [AttributeMap.Element] = [],
        budget: DecodingBudget = DecodingBudget()
    ) throws(CodexError) -> Item {
        let shape = shape
        var keys: [(place: Int, source: Int)] = []
        let areStoredToo = MissingKeys.find(keyAttributes, shape, &keys)
        var elements: [AttributeMap.Element] = []
        elements.reserveCapacity(count + keys.count)
        var budget = budget
        var (next, start) = (0, values)
        for position in 0..<count {
            while next < keys.count, keys[next].place == position {
                elements.append(keyAttributes[keys[next].source])
                next += 1
            }
            let end = values + offset(bytes, position)
            guard start < end, end <= bytes.count else { throw Wire.truncated }
            let seal = ValueCodec.Tag.seal(bytes[start])
            elements.append(
                .init(
                    name: shape.names[position],
                    value: try ValueCodec.decode(bytes, start, end, &budget), seal: seal))
            start = end
        }
        while next < keys.count {
            elements.append(keyAttributes[keys[next].source])
            next += 1
        }
        // The last value must end the item; otherwise bytes are missing.
        if count > 0, start != bytes.count { throw Wire.truncated }
        if isUntagged { Self.markLookalikes(&elements) }
        var item = AttributeMap(uncheckedSorted: elements)
        guard areStoredToo else { return item }
        for element in keyAttributes where shape.place(of: element.name).found {
            item[element.name] = element.value
        }
        return item
    }
}

// MARK: Projections

extension ItemLayout {
    /// Appends the encoding of some of the attributes, as an index entry with copies has them.
    ///
    /// Values are copied as they are, and not decoded. The encoding has its own names, the item's
    /// header without a version, and the item's format.
    ///
    /// - Parameters:
    ///   - bytes: The item's encoding.
    ///   - names: The names of the attributes, ascending. Those that the item lacks are left out.
    ///   - encoding: The encoding.
    /// - Throws: ``CodexError/Code/corrupted``.
    /// - Complexity: O(*n* log *m* + *b*) for *n* names, *m* attributes and *b* bytes.
    package func appendProjection(
        _ bytes: Span<UInt8>, keeping names: [String], to encoding: inout [UInt8]
    ) throws(CodexError) {
        var kept: [(name: String, start: Int, end: Int)] = []
        var byteCount = 0
        for name in names {
            guard let position = shape.position(of: name) else { continue }
            let (start, end) = try range(bytes, position)
            kept.append((name: name, start: start, end: end))
            byteCount += end - start
        }
        let isWide = byteCount > Int(UInt16.max)
        var flags = ItemCodec.ownNamesFlag
        if isWide { flags |= ItemCodec.wideFlag }
        if header.expiresAt != nil { flags |= ItemCodec.expiryFlag }
        let version = isUntagged ? ItemCodec.untaggedVersion : ItemCodec.formatVersion
        encoding.append(version << 4 | flags)
        ItemCodec.append(
            ItemHeader(
                entityNumber: header.entityNumber, schemaVersion: header.schemaVersion, version: 0,
                expiresAt: header.expiresAt), to: &encoding)
        Wire.append(UInt64(kept.count), to: &encoding)
        for attribute in kept { Wire.append(attribute.name, to: &encoding) }
        var valueEnd = 0
        for attribute in kept {
            valueEnd += attribute.end - attribute.start
            ItemCodec.append(end: valueEnd, isWide: isWide, to: &encoding)
        }
        for attribute in kept {
            let value = bytes.extracting(attribute.start..<attribute.end)
            unsafe value.withUnsafeBufferPointer { unsafe encoding.append(contentsOf: $0) }
        }
    }
}

// MARK: Values of encrypted fields

extension ItemLayout {
    /// Marks the values of an item of format 1 that may belong to an encrypted field.
    ///
    /// Only their first bytes identify them.
    @inline(never)
    private static func markLookalikes(_ elements: inout [AttributeMap.Element]) {
        for place in elements.indices {
            let seal = untaggedSeal(elements[place].value)
            if elements[place].seal != seal { elements[place] = elements[place].with(seal) }
        }
    }

    private static func untaggedSeal(_ value: AttributeValue) -> ValueSeal {
        guard case .binary(let data) = value, SealedValue.bearsFirstMark(data.span) else {
            return .plain
        }
        return .undecided
    }

    /// Whether only the encryption keys can decide if one of the values is encrypted.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    /// - Complexity: O(*n*) in the number of attributes. In an item of format 1, compressed values
    ///   are inflated.
    package func hasUndecided(_ bytes: Span<UInt8>) throws(CodexError) -> Bool {
        for position in 0..<count {
            let (start, end) = try range(bytes, position)
            guard isUntagged else {
                if ValueCodec.Tag.seal(bytes[start]) == .undecided { return true }
                continue
            }
            switch ValueCodec.Tag(rawValue: bytes[start]) {
            case .binary?:
                if SealedValue.bearsFirstMark(bytes.extracting((start + 1)..<end)) { return true }
            case .compressed?:
                let value = try ValueCodec.decode(bytes, start, end)
                if Self.untaggedSeal(value) == .undecided { return true }
            default: continue
            }
        }
        return false
    }
}
