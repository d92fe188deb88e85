internal import CodexCore
internal import CodexIndex

/// What one step of a sweep did.
struct SweepStep: Sendable {
    /// How many items were removed.
    var count = 0
    /// The last entry of the index of expiry that was looked at; `nil` at the end of what is due.
    var end: [UInt8]?
}

extension WriteContext {
    /// The stored image under an encoded key, as the target of a write: an expired item is removed
    /// first, and is none.
    func current(
        _ table: TableHandle, _ key: [UInt8], keeping parts: DerivedParts? = nil
    ) throws(CodexError) -> Image? {
        guard let image = try image(table, key, keeping: parts) else { return nil }
        guard isExpired(image.header) else { return image }
        try expire(table, key, image)
        return nil
    }

    /// Removes an item if it is expired, by the one function that changes items, and marks that as
    /// expiry.
    ///
    /// - Parameters:
    ///   - table: The item's table.
    ///   - key: Its encoded key.
    ///   - moment: The last second of expiry, counted from 1970, that is removed.
    /// - Returns: Whether it was removed.
    /// - Throws: ``CodexError/Code/invalidNumber`` if a counter's sum without it would need more than
    ///   38 digits.
    func expire(
        _ table: TableHandle, _ key: [UInt8], by moment: Int = .max
    ) throws(CodexError) -> Bool {
        guard let image = try image(table, key), isExpired(image.header),
            let second = image.header.expiresAt, second <= moment
        else { return false }
        try expire(table, key, image)
        return true
    }

    private func expire(
        _ table: TableHandle, _ key: [UInt8], _ image: Image
    ) throws(CodexError) {
        try change([Change(table: table, key: key, old: image, new: nil, isExpiry: true)])
    }

    /// Removes the next expired items of a table, as far as the time is confirmed.
    ///
    /// Each is looked at again: one that was given more time since is left alone.
    ///
    /// - Parameters:
    ///   - name: The table's name.
    ///   - start: The end of the step before; `nil` begins.
    ///   - countMax: How many items at most, from 1.
    /// - Returns: What was done, and where to go on.
    /// - Throws: ``CodexError/Code/unknownTable``, and what LMDB throws.
    func sweep(
        _ name: String, after start: [UInt8]?, _ countMax: Int
    ) throws -> SweepStep {
        let table = try catalog.table(name)
        guard let index = table.expiryIndex, index.state == nil else { return SweepStep() }
        let moment = core.options.deletionSecond
        let keys = try expiredEntries(index, by: moment, after: start, countMax)
        var step = SweepStep()
        for key in keys {
            let primaryKey = Array(key[(try index.plan.primaryKeyOffset(key.span))...])
            do throws(CodexError) {
                if try expire(table, primaryKey, by: moment) { step.count += 1 }
            } catch {
                // What a counter's sum cannot lose stays, and must not keep the others.
                if let failure { throw failure }
            }
        }
        if keys.count == countMax { step.end = keys.last }
        return step
    }

    /// Gives an item that was stored before its table had a time to live its second of expiry, in
    /// its header and in those of its entries.
    ///
    /// - Returns: Whether that was to be done; its entry in the index of expiry is then there, too.
    func stamp(_ table: TableHandle, _ key: [UInt8]) throws -> Bool {
        guard let name = table.plan.definition.timeToLive else { return false }
        let isStamped = try withStoredBytes(table, key) { bytes in
            let item = try bytes.item(keeping: [name])
            return bytes.layout.header.expiresAt == table.plan.expiry(of: item)
        }
        guard isStamped == false, let old = try image(table, key) else { return false }
        var new = Image(item: old.item, header: old.header)
        new.header.expiresAt = table.plan.expiry(of: old.item)
        let change = Change(table: table, key: key, old: old, new: new)
        // As an undo is, it is refused by nothing: the item stays what it was.
        for stored in try apply([change], isUndo: true) { record(change, stored) }
        return true
    }
}
