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
    mutating func stamp() {
        guard let item = new?.item, table.plan.definition.timeToLive != nil else { return }
        new?.header.expiresAt = table.plan.expiry(of: item)
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

    /// Whether the attributes stay as they are; `stored` is the new image's encoding.
    func leavesAttributes(_ stored: [UInt8]?) -> Bool {
        guard let old, let new else { return old == nil && new == nil }
        // Without compressed values, an item has one encoding after its head.
        if let before = old.stored, let stored, !new.item.mayBeCompressed,
            let areEqual = ItemCodec.areAttributesEqual(before.span, stored.span)
        {
            // An undecided value has another tag once it is decided.
            return areEqual || old.item.hasSeals && old.item == new.item
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
