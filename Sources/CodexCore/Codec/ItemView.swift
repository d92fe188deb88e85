/// Decodes the key attributes of an item from its encoded key.
package protocol KeyAttributeDecoder: AnyObject, Sendable {
    /// The key attributes, in any order.
    func keyAttributes(_ key: Span<UInt8>) throws(CodexError) -> [AttributeMap.Element]
}

/// The bytes of an item in place, and the positions of its parts.
///
/// - Important: A copy must not outlive the buffers. Only ``ItemView``, ``FieldReader``,
///   ``ItemDecodingNode`` and ``LastItem`` hold one. Closures borrow the first two and cannot copy
///   the bytes out of them. The third is closed when the value is made. The last reads its own
///   buffers.
@safe
@usableFromInline
package struct ItemBytes {
    @usableFromInline let base: UnsafePointer<UInt8>
    @usableFromInline let count: Int
    private let keyBase: UnsafePointer<UInt8>?
    private let keyCount: Int
    /// The table's plan owns it, and the plan outlives every transaction.
    private unowned(unsafe) let keys: (any KeyAttributeDecoder)?
    @usableFromInline package let layout: ItemLayout

    /// Reads the header of `value`; `key` is the encoded key, which `keys` can decode.
    ///
    /// No object is retained: `keys` and `shapes` are `__shared`, since an initializer would take
    /// them over otherwise.
    package init(
        value: UnsafeBufferPointer<UInt8>, key: UnsafeBufferPointer<UInt8>,
        keys: __shared (any KeyAttributeDecoder)?, shapes: __shared any ShapeSource
    ) throws(CodexError) {
        layout = try ItemLayout(unsafe Span(_unsafeElements: value), shapes: shapes)
        // The layout was read, so the buffer is not empty.
        unsafe base = value.baseAddress.unsafelyUnwrapped
        count = value.count
        unsafe keyBase = key.baseAddress
        keyCount = key.count
        unsafe self.keys = keys
    }

    /// Takes a reference in the place of its item: it has the attributes of its key alone.
    package init(
        _ reference: ReferenceEntry, value: UnsafeBufferPointer<UInt8>,
        key: UnsafeBufferPointer<UInt8>, keys: __shared any KeyAttributeDecoder
    ) {
        layout = ItemLayout(reference: reference, byteCount: value.count)
        // The reference was read, so the buffer is not empty.
        unsafe base = value.baseAddress.unsafelyUnwrapped
        count = value.count
        unsafe keyBase = key.baseAddress
        keyCount = key.count
        unsafe self.keys = keys
    }

    /// The same item in copies of its buffers; both have as many bytes as the original ones.
    fileprivate init(
        _ original: ItemBytes, value: UnsafePointer<UInt8>, key: UnsafePointer<UInt8>?
    ) {
        layout = original.layout
        unsafe base = value
        count = original.count
        unsafe keyBase = key
        keyCount = original.keyCount
        unsafe keys = unsafe original.keys
    }

    /// The encoded key; empty for an item without one.
    fileprivate var key: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: keyBase, count: keyCount)
    }

    @inlinable
    @inline(__always)
    package func withBytes<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
        try body(unsafe Span(_unsafeStart: base, count: count))
    }

    /// Whether the item belongs to no store; it was in memory, and its values may be of any size.
    var isLoose: Bool { unsafe keyBase == nil }

    package func value(at position: Int) throws(CodexError) -> AttributeValue {
        try withBytes { bytes throws(CodexError) in
            let (start, end) = try layout.range(bytes, position)
            if bytes[start] == ValueCodec.Tag.compressed.rawValue {
                if isLoose {
                    var budget = DecodingBudget.loose
                    return try ValueCodec.decode(bytes, start, end, &budget)
                }
                // Other values of the item may have been inflated before and may still be in
                // memory.
                try layout.requireInflatable(bytes)
            }
            return try ValueCodec.decode(bytes, start, end)
        }
    }

    /// The tag of the value at `position`.
    func tag(at position: Int) throws(CodexError) -> UInt8 {
        try withBytes { bytes throws(CodexError) in
            let (start, _) = try layout.range(bytes, position)
            return bytes[start]
        }
    }

    /// The bytes of the encoding plus the bytes that its compressed values claim to inflate to.
    func inflatedByteCount() throws(CodexError) -> Int {
        try withBytes { bytes throws(CodexError) in
            try layout.requireInflatable(bytes) + bytes.count
        }
    }

    /// Whether only the encryption keys can decide if one of the values is encrypted.
    package func hasUndecided() throws(CodexError) -> Bool {
        try withBytes { bytes throws(CodexError) in try layout.hasUndecided(bytes) }
    }

    /// The text at `position`; `nil` for a value of another type.
    func string(at position: Int) throws(CodexError) -> String? {
        let plain = try withBytes { bytes throws(CodexError) -> String? in
            let (start, end) = try layout.range(bytes, position)
            guard bytes[start] == ValueCodec.Tag.string.rawValue else { return nil }
            return try Wire.string(bytes, start + 1, end)
        }
        if let plain { return plain }
        return try value(at: position).string
    }

    package func keyAttributes() throws(CodexError) -> [AttributeMap.Element] {
        guard let keys = unsafe keys, let keyBase = unsafe keyBase else { return [] }
        return try keys.keyAttributes(unsafe Span(_unsafeStart: keyBase, count: keyCount))
    }

    /// The named attributes that the item has; the result may also contain its key attributes.
    package func item(keeping names: [String]) throws(CodexError) -> Item {
        var item = Item()
        var isWhole = true
        for name in names {
            if let position = layout.shape.position(of: name) {
                item[name] = try value(at: position)
            } else {
                isWhole = false
            }
        }
        guard !isWhole else { return item }
        for element in try keyAttributes() { item[element.name] = element.value }
        return item
    }

    /// The attributes that keys may consist of, after a check that the whole item is sound.
    ///
    /// - Parameters:
    ///   - names: The attributes to decode if they are text, bytes or numbers. The item's key
    ///     attributes are always decoded.
    ///   - multiValued: The names among them that may also be lists and sets.
    ///   - memory: Reserves memory; `nil` if memory is not counted.
    /// - Returns: The attributes, and the whole item's size as DynamoDB counts it.
    /// - Throws: ``CodexError/Code/corrupted`` if any of the item's values cannot be decoded;
    ///   ``CodexError/Code/outOfMemory``.
    package func soundItem(
        keeping names: [String], multiValued: [String] = [], reserving memory: DecodedMemory?
    ) throws(CodexError) -> (item: Item, byteCount: Int) {
        let taken = try budget(reserving: memory)
        let keys = try keyAttributes()
        return try withBytes { bytes throws(CodexError) in
            var meter = StoredItemMeter(taken)
            let byteCount = try meter.measure(
                bytes, layout, ItemLayout.MissingKeys(keys, layout.shape))
            var item = Item(unsorted: keys)
            var budget = taken
            for name in names where item[name] == nil {
                guard let position = layout.shape.position(of: name) else { continue }
                let (start, end) = try layout.range(bytes, position)
                item[name] = try ValueCodec.decodeKey(
                    bytes, start, end,
                    allowsMembers: multiValued.contains { ByteOrder.equal($0, name) }, &budget)
            }
            return (item, byteCount)
        }
    }

    /// The item's size as DynamoDB counts it, measured without decoding its values.
    ///
    /// - Throws: ``CodexError/Code/outOfMemory``, ``CodexError/Code/corrupted``.
    func byteCount(reserving memory: DecodedMemory) throws(CodexError) -> Int {
        let keys = ItemLayout.MissingKeys(try keyAttributes(), layout.shape)
        guard !keys.areStoredToo else { return try item(reserving: memory).byteCount }
        var meter = StoredItemMeter(try budget(reserving: memory))
        return try withBytes { bytes throws(CodexError) in
            try meter.measure(bytes, layout, keys)
        }
    }

    /// Whether the item is stored in an earlier format than the present one.
    package var isOfEarlierFormat: Bool {
        withBytes { ItemCodec.isEarlier($0[0]) }
    }

    package func item() throws(CodexError) -> Item {
        let keyAttributes = try keyAttributes()
        return try withBytes { bytes throws(CodexError) in
            try layout.item(
                bytes, keyAttributes: keyAttributes, budget: isLoose ? .loose : DecodingBudget())
        }
    }

    /// Decodes the item of a store after it reserves the memory.
    ///
    /// The first ``DecodingBudget/portionByteCount`` bytes need no reservation, so an item of some
    /// kilobytes is decoded without one.
    ///
    /// - Throws: ``CodexError/Code/outOfMemory`` if the reservation is refused;
    ///   ``CodexError/Code/corrupted``.
    package func item(reserving memory: DecodedMemory) throws(CodexError) -> Item {
        var budget = try budget(reserving: memory)
        try budget.takeMemory(DecodedSize.array(of: AttributeMap.Element.self, layout.count))
        let keyAttributes = try keyAttributes()
        let taken = budget
        return try withBytes { bytes throws(CodexError) in
            try layout.item(bytes, keyAttributes: keyAttributes, budget: taken)
        }
    }

    /// Writes the item in DynamoDB's typed JSON, without decoding its values into memory.
    ///
    /// - Parameters:
    ///   - names: The attributes to write; `nil` is all.
    ///   - memory: Reserves memory for inflated values.
    ///   - take: Receives the JSON, part by part.
    /// - Returns: The whole item's size as DynamoDB counts it.
    /// - Throws: ``CodexError/Code/outOfMemory``, ``CodexError/Code/corrupted``, and the errors of
    ///   `take`.
    func writeTypedJSON(
        only names: Set<ExactName>?, reserving memory: DecodedMemory,
        _ take: (Span<UInt8>) throws -> Void
    ) throws -> Int {
        let keys = ItemLayout.MissingKeys(try keyAttributes(), layout.shape)
        guard !keys.areStoredToo else { return try writeDecoded(names, reserving: memory, take) }
        let taken = try budget(reserving: memory)
        return try withoutActuallyEscaping(take) { take in
            var writer = StoredItemJSONWriter(taken, only: names, take)
            return try withBytes { bytes in try writer.write(bytes, layout, keys) }
        }
    }

    /// Writes the parts of the item that a projection keeps, in DynamoDB's typed JSON, without
    /// decoding its values into memory.
    ///
    /// - Parameters:
    ///   - projection: The parts to write.
    ///   - memory: Reserves memory for inflated values.
    ///   - take: Receives the JSON, part by part.
    /// - Returns: The whole item's size as DynamoDB counts it.
    /// - Throws: ``CodexError/Code/outOfMemory``, ``CodexError/Code/corrupted``, and the errors of
    ///   `take`.
    func writeTypedJSON(
        keeping projection: Projection, reserving memory: DecodedMemory,
        _ take: (Span<UInt8>) throws -> Void
    ) throws -> Int {
        let keys = ItemLayout.MissingKeys(try keyAttributes(), layout.shape)
        guard !keys.areStoredToo else {
            let item = try item(reserving: memory)
            try projection.apply(to: item).writeTypedJSON(take)
            return item.byteCount
        }
        var finder = StoredPathFinder(
            try budget(reserving: memory), pathCount: projection.paths.count, keepsStarts: false)
        let byteCount = try withBytes { bytes throws(CodexError) in
            try finder.find(projection.tree, in: bytes, layout, keys)
        }
        try withoutActuallyEscaping(take) { take in
            var writer = StoredItemJSONWriter(DecodingBudget(), take)
            try writer.write(projection.tree, finder.values)
        }
        return byteCount
    }

    private func writeDecoded(
        _ names: Set<ExactName>?, reserving memory: DecodedMemory,
        _ take: (Span<UInt8>) throws -> Void
    ) throws -> Int {
        let item = try item(reserving: memory)
        try item.writeTypedJSON(only: names, take)
        return item.byteCount
    }

    /// The budget for reading the item, which has taken the memory of the item's encoding.
    ///
    /// - Important: `memory` must outlive the budget.
    private func budget(reserving memory: DecodedMemory?) throws(CodexError) -> DecodingBudget {
        var budget = DecodingBudget(reservingIfCounted: memory)
        // The encoding may be a copy, and what is read of it is copied once more. The layout has
        // the names of an item that carries its own.
        try budget.takeMemory(2 * count + layout.ownNamesByteCount)
        return budget
    }
}

/// An item in place: each attribute is read from the store's memory map and decoded on request.
///
/// A closure borrows a view, and the view cannot leave it. The bytes belong to the snapshot or
/// write transaction that provides the view. Reading an attribute is O(log *n*) in the item's
/// attribute count. Numbers, Booleans and raw bytes need no allocation.
///
/// Use a view to read few attributes of many items. Otherwise use a typed model or an ``Item``.
public struct ItemView: ~Copyable {
    @usableFromInline package let bytes: ItemBytes

    package init(_ bytes: consuming ItemBytes) { self.bytes = bytes }

    /// The item's version: 1 when it is created, one more with every write.
    public var version: Int { bytes.layout.header.version }

    /// The metadata that the store keeps with the item's attributes.
    ///
    /// If an index with fewer attributes gave the item, the version is 0. If an index of keys only
    /// gave it, the schema version is 0, too, and there is no second of expiry.
    public var header: ItemHeader { bytes.layout.header }

    /// The number of attributes, without those of the table's key.
    public var attributeCount: Int { bytes.layout.count }

    /// The name of the attribute at `position`, from 0 up to ``attributeCount``.
    public func name(at position: Int) -> String { bytes.layout.shape.names[position] }

    /// The position of the attribute `name`; `nil` if the item lacks it or it is a key attribute.
    public func position(of name: String) -> Int? { bytes.layout.shape.position(of: name) }

    /// The decoded value named `name`, or `nil`.
    ///
    /// Key attributes are included.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    public func value(_ name: String) throws(CodexError) -> AttributeValue? {
        if let position = position(of: name) { return try value(at: position) }
        return try bytes.keyAttributes().first { ByteOrder.equal($0.name, name) }?.value
    }

    /// The decoded value at `position`.
    ///
    /// - Precondition: `position` is from 0 up to ``attributeCount``.
    /// - Throws: ``CodexError/Code/corrupted``.
    public func value(at position: Int) throws(CodexError) -> AttributeValue {
        precondition(position >= 0 && position < attributeCount, "No attribute at this position")
        return try bytes.value(at: position)
    }

    /// The text of the string attribute `name`; `nil` if it is missing or of another type.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    public func string(_ name: String) throws(CodexError) -> String? {
        guard let position = position(of: name) else { return try value(name)?.string }
        return try bytes.string(at: position)
    }

    /// The integer in the number attribute `name`; `nil` if it is missing or no 64-bit integer.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    public func int64(_ name: String) throws(CodexError) -> Int64? {
        try value(name)?.number?.int64
    }

    /// Passes the stored content of every attribute to `body` in turn, without decoding it.
    ///
    /// Uncompressed text and binary values, always those below a kilobyte, are passed as their
    /// content. Other values are passed in the store's encoding (`Docs/Format.md`), which is
    /// suitable for hashing and comparing.
    ///
    /// - Parameter body: Receives the attribute's position and its content.
    /// - Throws: ``CodexError/Code/corrupted``, and the errors of `body`.
    @inlinable
    public func forEachRawValue(_ body: (Int, Span<UInt8>) throws -> Void) throws {
        try bytes.withBytes { span in
            let layout = bytes.layout
            var start = layout.values
            for position in 0..<layout.count {
                let end = layout.values + layout.offset(span, position)
                guard start < end, end <= span.count else { throw Wire.truncated }
                try body(position, unsafe span.extracting(unchecked: (start + 1)..<end))
                start = end
            }
        }
    }

    /// Passes the item's whole encoding to `body`, with its header and without its key.
    ///
    /// Use it for checksums, comparisons and copies; `Docs/Format.md` describes every byte.
    /// Encrypted fields have their stored form. If an index with fewer attributes gave the item,
    /// the encoding has these attributes, in a form that depends on the layout of the index.
    ///
    /// - Throws: The errors of `body`.
    /// - Complexity: O(1).
    @inlinable
    public func withStoredBytes<R, E: Error>(
        _ body: (Span<UInt8>) throws(E) -> R
    ) throws(E) -> R {
        try bytes.withBytes(body)
    }

    /// The bytes that decoding the item goes through, including inflated values.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    /// - Complexity: O(*n*) in the number of attributes; nothing is decoded.
    package func inflatedByteCount() throws(CodexError) -> Int { try bytes.inflatedByteCount() }

    /// Whether decoding the item goes through fewer bytes; with `.max` it always does.
    ///
    /// - Throws: As ``inflatedByteCount()``.
    package func isSmaller(than byteCount: Int) throws(CodexError) -> Bool {
        if byteCount == .max { return true }
        return try inflatedByteCount() < byteCount
    }

    /// The item's size as DynamoDB counts it, measured without decoding its values.
    ///
    /// - Throws: ``CodexError/Code/outOfMemory``, ``CodexError/Code/corrupted``.
    package func byteCount(reserving memory: DecodedMemory) throws(CodexError) -> Int {
        try bytes.byteCount(reserving: memory)
    }

    /// The whole decoded item, key attributes included.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    public func item() throws(CodexError) -> Item { try bytes.item() }

    /// The named attributes that the item has; the result may also contain its key attributes.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    package func item(keeping names: [String]) throws(CodexError) -> Item {
        try bytes.item(keeping: names)
    }

    /// Decodes the whole item after it reserves the memory.
    ///
    /// - Throws: ``CodexError/Code/outOfMemory``, ``CodexError/Code/corrupted``.
    package func item(reserving memory: DecodedMemory) throws(CodexError) -> Item {
        try bytes.item(reserving: memory)
    }

    /// Writes the item in DynamoDB's typed JSON, key attributes included.
    ///
    /// The values of encrypted fields are written in their stored form, as bytes.
    ///
    /// - Parameters:
    ///   - names: The attributes to write; `nil` is all.
    ///   - memory: Reserves memory for inflated values.
    ///   - take: Receives the JSON, part by part.
    /// - Returns: The whole item's size as DynamoDB counts it.
    /// - Throws: ``CodexError/Code/outOfMemory``, ``CodexError/Code/corrupted``, and the errors of
    ///   `take`.
    package func writeTypedJSON(
        only names: Set<ExactName>? = nil, reserving memory: DecodedMemory,
        _ take: (Span<UInt8>) throws -> Void
    ) throws -> Int {
        try bytes.writeTypedJSON(only: names, reserving: memory, take)
    }

    /// Writes the parts of the item that a projection keeps, in DynamoDB's typed JSON.
    ///
    /// - Parameters:
    ///   - projection: The parts to write.
    ///   - memory: Reserves memory for inflated values.
    ///   - take: Receives the JSON, part by part.
    /// - Returns: The whole item's size as DynamoDB counts it.
    /// - Throws: As ``writeTypedJSON(only:reserving:_:)``.
    package func writeTypedJSON(
        keeping projection: Projection, reserving memory: DecodedMemory,
        _ take: (Span<UInt8>) throws -> Void
    ) throws -> Int {
        try bytes.writeTypedJSON(keeping: projection, reserving: memory, take)
    }
}

extension AttributeMap {
    /// Writes an item from memory in DynamoDB's typed JSON.
    ///
    /// - Parameters:
    ///   - names: The attributes to write; `nil` is all.
    ///   - take: Receives the JSON, part by part.
    /// - Throws: The errors of `take`.
    package func writeTypedJSON(
        only names: Set<ExactName>? = nil, _ take: (Span<UInt8>) throws -> Void
    ) throws {
        let shown = names.map { names in keeping { names.contains($0.name) } } ?? self
        try withoutActuallyEscaping(take) { take in
            var writer = StoredItemJSONWriter(.loose, take)
            try writer.write(shown)
        }
    }
}

/// A copy of the last item of a walk, whose attributes are decoded only if they are needed.
///
/// It reuses its memory. It must not outlive the snapshot or transaction of the items, which owns
/// the names of their attributes.
@safe
package struct LastItem {
    private var value: [UInt8] = []
    private var key: [UInt8] = []
    private var original: ItemBytes?

    package init() {}

    /// Copies an item.
    ///
    /// - Complexity: O(*n*) in the bytes of the item's encoding.
    package mutating func set(_ view: borrowing ItemView) {
        let bytes = view.bytes
        original = bytes
        value.removeAll(keepingCapacity: true)
        key.removeAll(keepingCapacity: true)
        bytes.withBytes { span in
            unsafe span.withUnsafeBufferPointer { unsafe value.append(contentsOf: $0) }
        }
        unsafe key.append(contentsOf: bytes.key)
    }

    /// The named attributes of the item, as ``ItemView`` gives them; `nil` without an item.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    package func item(keeping names: [String]) throws(CodexError) -> Item? {
        guard let original else { return nil }
        return try unsafe value.withUnsafeBufferPointer { value throws(CodexError) in
            try unsafe key.withUnsafeBufferPointer { key throws(CodexError) in
                guard let base = value.baseAddress else { return nil }
                let bytes = unsafe ItemBytes(original, value: base, key: key.baseAddress)
                return try bytes.item(keeping: names)
            }
        }
    }

    /// Forgets the item.
    package mutating func clear() { original = nil }
}
