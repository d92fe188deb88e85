internal import CodexCore
internal import CodexIndex

/// A change of one item, with its old and its new image.
struct Change {
    let table: TableHandle
    let key: [UInt8]
    let old: Image?
    var new: Image?
    /// Whether the item is removed because its time to live is over.
    var isExpiry = false

    /// Puts the second of expiry into the new image's header.
    ///
    /// - Throws: ``CodexError/Code/typeMismatch`` if a typed write has a time to live that is no
    ///   number: the item would never expire.
    mutating func stamp(_ catalog: Catalog) throws(CodexError) {
        guard let new, let timeToLive = table.plan.definition.timeToLive else { return }
        let value = new.item[timeToLive]
        if value != nil, new.isTyped {
            try EntityDefinition.requireTimeToLive(
                new.item, timeToLive, of: catalog.entityName(new.header.entityNumber) ?? "")
        }
        self.new?.header.expiresAt = Expiry.second(of: value)
    }

    /// Whether the item has the same keys in an index before and after.
    ///
    /// It compares the attributes that form the keys.
    func keepsKeys(of index: IndexHandle) -> Bool {
        guard let old, let new, old.header.entityNumber == new.header.entityNumber else {
            return false
        }
        return index.plan.indexKeyNames.allSatisfy { old.item[$0] == new.item[$0] }
    }

    /// Whether the entries of an index that keep their keys keep their content.
    ///
    /// Copies of the whole item have its version, which every write advances.
    func keepsContent(of index: IndexHandle) -> Bool {
        guard let old, let new else { return false }
        guard index.plan.layout == .copies else {
            return ReferenceEntry(old.header) == ReferenceEntry(new.header)
        }
        guard old.header.entityNumber == new.header.entityNumber,
            old.header.schemaVersion == new.header.schemaVersion,
            old.header.expiresAt == new.header.expiresAt
        else { return false }
        switch index.plan.definition.projection {
        case .keysOnly: return true
        case .all: return false
        case .include(let names):
            // An image with a part of the attributes does not tell.
            guard old.byteCount == nil, new.byteCount == nil else { return false }
            return names.allSatisfy { name in
                let (before, after) = (old.item.element(named: name), new.item.element(named: name))
                // An undecided value has another tag once it is decided.
                return before == after && before?.seal == after?.seal
            }
        }
    }

    /// Whether the attributes stay as they are; `stored` is the new image's encoding.
    func leavesAttributes(_ stored: [UInt8]?) -> Bool {
        guard let old, let new else { return old == nil && new == nil }
        if let before = old.stored, let stored,
            let areEqual = ItemCodec.areAttributesEqual(before.span, stored.span)
        {
            // Equal bytes have one meaning, also if values in them are compressed.
            if areEqual { return true }
            // Without compressed values, an item has one encoding after its head. But an undecided
            // value has another tag once it is decided.
            if !new.item.mayBeCompressed { return old.item.hasSeals && old.item == new.item }
        }
        return old.item == new.item
    }
}

extension Item {
    /// Whether a value is, or may be, large enough for compression.
    fileprivate var mayBeCompressed: Bool {
        elements.contains { element in
            switch element.value {
            case .null, .bool, .number: false
            case .string(let text): text.utf8.count >= StoreLimits.compressionThresholdByteCount / 2
            case .binary(let data): data.count >= StoreLimits.compressionThresholdByteCount / 2
            case .list, .map, .stringSet, .numberSet, .binarySet: true
            }
        }
    }
}
