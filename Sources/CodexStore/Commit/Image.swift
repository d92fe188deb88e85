internal import CodexCore
internal import CodexIndex

/// An item with its header, as it is stored or will be stored.
struct Image {
    private(set) var item: Item
    /// The size of the item as DynamoDB counts it; `nil` unless ``item`` has only a part of the
    /// attributes.
    var byteCount: Int?
    var header: ItemHeader
    /// The encoding from which the item was read; `nil` for an item that will be stored.
    var stored: [UInt8]?
    /// The reference to the stored encoding, if it is in chunks.
    var large: LargeValue?
    /// Whether an entity of a Swift type is the image's content.
    private(set) var isTyped = false
    /// Whether ``item`` has the derived attributes that will be stored.
    ///
    /// ``derive(_:)`` has computed them, or those of the stored item stay.
    private(set) var isDerived = false

    /// Sets and removes the derived attributes of the image's entity, by the store's definition.
    ///
    /// Every image that a local write stores passes through here. A new image that was not derived
    /// before gets its derived attributes in ``ItemMaintenance/change(_:)``, so no write path can
    /// omit them. A raw item, which has no entity, stays as it is.
    ///
    /// - Throws: As ``EntityDefinition/derive(_:)``.
    @inline(__always)
    mutating func derive(_ catalog: Catalog) throws(CodexError) {
        guard let derivation = catalog.derivation(of: header.entityNumber) else { return }
        try derive(derivation)
    }

    private mutating func derive(_ derivation: Derivation) throws(CodexError) {
        guard !isDerived else { return }
        try derivation.apply(to: &item)
        isDerived = true
    }
}

extension Image {
    /// The image of an entity, with the attributes that its type does not write.
    ///
    /// - Parameters:
    ///   - item: What the type writes.
    ///   - header: The header.
    ///   - others: Attributes that stay where `item` lacks them.
    ///   - old: The stored image.
    /// - Throws: ``CodexError/Code/keyUnavailable`` for a sealed value under another name than
    ///   before: it could not be opened any more.
    init(
        typed item: Item, _ header: ItemHeader, keeping others: Item, over old: Image?
    ) throws(CodexError) {
        self.init(item: item, header: header)
        isTyped = true
        for element in others where item[element.name] == nil {
            if element.seal != .plain, old?.item[element.name] != element.value {
                throw CodexError.keyUnavailable(element.name)
            }
            self.item.set(element)
        }
    }
}

/// The attributes of a table's items that form its index entries and counters.
struct DerivedParts: Sendable {
    private(set) var names: [String] = []
    /// The names of the attributes that may be lists or sets.
    private(set) var multiValued: [String] = []

    init(_ indexes: [IndexHandle], _ counters: [CounterHandle]) {
        for index in indexes {
            names += index.plan.indexKeyNames
            if let name = index.plan.definition.multiValued { multiValued.append(name) }
        }
        for counter in counters {
            names += counter.plan.attributeNames
            if let name = counter.plan.definition.multiValued { multiValued.append(name) }
        }
    }
}

extension TransactionContext {
    /// The stored image under an encoded key, or `nil`.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - key: The encoded key.
    ///   - parts: The attributes to decode; `nil` for all.
    /// - Returns: The image.
    /// - Throws: ``CodexError/Code/corrupted``, ``CodexError/Code/outOfMemory``.
    func image(
        _ table: TableHandle, _ key: [UInt8], keeping parts: DerivedParts? = nil
    ) throws(CodexError) -> Image? {
        guard let (bytes, large) = try encoding(table, key) else { return nil }
        var image = try decode(bytes, key, table, keeping: parts)
        image.large = large
        return image
    }

    /// The stored item under an encoded key, not decoded; `nil` if there is none.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    func storedItem(_ table: TableHandle, _ key: [UInt8]) throws(CodexError) -> StoredItem? {
        guard let (bytes, _) = try encoding(table, key) else { return nil }
        return try StoredItem(bytes, key: key, table.plan, shapes: self)
    }

    /// A copy of the encoding under an encoded key, and the reference to its chunks.
    private func encoding(
        _ table: TableHandle, _ key: [UInt8]
    ) throws(CodexError) -> (bytes: [UInt8], large: LargeValue?)? {
        guard let value = unsafe try transaction.get(table.tree, key) else { return nil }
        guard let large = unsafe try LargeValue(value) else { return (unsafe Array(value), nil) }
        return (try large.read(transaction, catalog.overflow), large)
    }

    /// Decodes an item's whole encoding, and first reserves its memory if there is a budget.
    func decode(
        _ stored: [UInt8], _ key: [UInt8], _ table: TableHandle, keeping parts: DerivedParts? = nil
    ) throws(CodexError) -> Image {
        try unsafe stored.withUnsafeBufferPointer { value throws(CodexError) in
            try unsafe key.withUnsafeBufferPointer { key throws(CodexError) in
                let bytes = try unsafe ItemBytes(
                    value: value, key: key, keys: table.plan, shapes: self)
                let item: Item
                if let parts {
                    let (item, byteCount) = try bytes.soundItem(
                        keeping: parts.names, multiValued: parts.multiValued, reserving: memory)
                    return Image(
                        item: item, byteCount: byteCount, header: bytes.layout.header,
                        stored: stored)
                } else if let memory {
                    item = try bytes.item(reserving: memory)
                } else {
                    item = try bytes.item()
                }
                return Image(item: item, header: bytes.layout.header, stored: stored)
            }
        }
    }

    /// The keys of an image's entries in an index, ascending.
    func entryKeys(
        _ index: IndexHandle, _ key: [UInt8], _ image: Image?
    ) throws(CodexError) -> [[UInt8]] {
        guard let image,
            catalog.includes(index.plan.definition.entities, image.header.entityNumber)
        else { return [] }
        return try index.plan.entryKeys(for: image.item, primaryKey: key)
    }
}
