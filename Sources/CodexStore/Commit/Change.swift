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

    /// Whether the entries of an index keep their content, if the item keeps entity, schema version
    /// and second of expiry.
    ///
    /// Entries with the whole item have its version, which every write advances.
    func keepsProjection(of index: IndexHandle) -> Bool {
        switch index.plan.definition.projection {
        case .keysOnly: return true
        case .all: return false
        case .include(let names):
            // An image with a part of the attributes does not tell.
            guard let old, let new, old.byteCount == nil, new.byteCount == nil else {
                return false
            }
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
        // Equal bytes have one meaning, since the key is the same. Different bytes may have it too:
        // compressed values, text by rule, and undecided values that were decided.
        if let before = old.stored, let stored,
            ItemCodec.areAttributesEqual(before.span, stored.span) == true
        {
            return true
        }
        return old.item == new.item
    }
}
