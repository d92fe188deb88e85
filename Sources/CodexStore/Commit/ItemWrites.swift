internal import CodexCore
internal import CodexIndex

/// Reads an item, checks it, and stores the result, for all writes of one item.
struct ItemWrites {
    private let context: WriteContext

    init(_ context: WriteContext) { self.context = context }

    /// Undoes the changes of `body` if it throws.
    func atomically(_ body: () throws(CodexError) -> Void) throws(CodexError) {
        let mark = context.mark
        do throws(CodexError) {
            try body()
        } catch {
            if context.failure == nil { try context.rollBack(to: mark) }
            throw error
        }
    }

    /// Reads the item under `key`, checks `condition` on it, and stores the result of `make`.
    ///
    /// If `make` returns `nil`, the item is deleted. The returned new image has its derived
    /// attributes.
    ///
    /// - Throws: As ``current(_:_:if:keeping:)``, and the errors of `make` and of the change.
    func write(
        _ table: TableHandle, _ key: PrimaryKey, _ condition: Condition?,
        _ make: (Image?) throws(CodexError) -> Image?
    ) throws(CodexError) -> (old: Image?, new: Image?) {
        if let failure = context.failure { throw failure }
        try condition?.validate()
        var encoded: [UInt8] = []
        try table.plan.encode(key, into: &encoded)
        let old = try current(table, encoded, if: condition)
        var new = try make(old)
        try new?.derive(context.catalog)
        if old != nil || new != nil {
            try context.items.change([Change(table: table, key: encoded, old: old, new: new)])
        }
        return (old, new)
    }

    /// Removes the item under `key`, if there is one, after a check of `condition` on it.
    ///
    /// It decodes only the attributes that form the item's index entries and counters, unless a
    /// condition is checked on the decoded item.
    ///
    /// - Returns: The removed item; `nil` if there is none.
    /// - Throws: As ``current(_:_:if:keeping:)``, and the errors of the change.
    func remove(
        _ table: TableHandle, _ key: PrimaryKey, _ condition: Condition? = nil
    ) throws(CodexError) -> Image? {
        if let failure = context.failure { throw failure }
        try condition?.validate()
        var encoded: [UInt8] = []
        try table.plan.encode(key, into: &encoded)
        let stored = try current(table, encoded, if: condition, keeping: table.derivedParts)
        guard let old = stored else { return nil }
        try context.items.change([Change(table: table, key: encoded, old: old, new: nil)])
        return old
    }

    /// Throws unless a condition holds for the stored item; subtracts the steps of the evaluation.
    func require(
        _ condition: Condition?, _ current: Image?, _ steps: inout Int
    ) throws(CodexError) {
        guard let condition else { return }
        let holds = condition.evaluate(current?.item ?? Item(), steps: &steps)
        guard steps >= 0 else { throw Self.tooManySteps }
        guard !holds else { return }
        throw CodexError(
            .conditionFailed, Self.failure(isThere: current != nil), currentItem: current?.item)
    }

    /// Checks a condition on the item under a key, for an action that changes nothing.
    ///
    /// The item is read in its stored form: its lists, maps and sets are not decoded.
    ///
    /// - Parameters:
    ///   - condition: The condition.
    ///   - table: The item's table.
    ///   - key: Its encoded key.
    ///   - account: The rest of the limits.
    /// - Returns: The item's size as DynamoDB counts it; 0 if there is no item.
    /// - Throws: ``CodexError/Code/conditionFailed`` with the item in its stored form;
    ///   ``CodexError/Code/invalidExpression``, ``CodexError/Code/transactionTooLarge``,
    ///   ``CodexError/Code/outOfMemory``, ``CodexError/Code/corrupted``.
    func check(
        _ condition: Condition, _ table: TableHandle, _ key: [UInt8],
        _ account: inout ActionAccount
    ) throws(CodexError) -> Int {
        try condition.validate()
        let item = try currentStored(table, key)
        try account.beginCheck(encodedByteCount: item?.inflatedByteCount ?? 0)
        let (holds, byteCount) = try evaluate(condition, item, &account.stepCount)
        try account.endCheck(byteCount: byteCount)
        guard account.stepCount >= 0 else { throw Self.tooManySteps }
        guard !holds else { return byteCount }
        throw Self.failure(for: item)
    }

    /// Whether a condition holds for an item in its stored form, and the size of the item.
    ///
    /// - Throws: ``CodexError/Code/outOfMemory``, ``CodexError/Code/corrupted``.
    private func evaluate(
        _ condition: Condition, _ item: StoredItem?, _ steps: inout Int
    ) throws(CodexError) -> (holds: Bool, byteCount: Int) {
        guard let item else { return (condition.evaluate(Item(), steps: &steps), 0) }
        return try item.evaluate(condition, steps: &steps, reserving: context.memory)
    }

    private static func failure(for item: StoredItem?) -> CodexError {
        CodexError(.conditionFailed, failure(isThere: item != nil), storedItem: item)
    }

    private static func failure(isThere: Bool) -> String {
        isThere
            ? "The condition does not hold for the stored item."
            : "The condition does not hold: there is no item with this key."
    }

    /// The error of a condition that needs more steps than remain.
    static var tooManySteps: CodexError {
        CodexError(
            .invalidExpression,
            "The condition looks at too much of the item: compare or search less of it, or in "
                + "fewer places.")
    }

    // MARK: What is there

    /// The stored image under an encoded key, as the target of a write.
    ///
    /// An expired item is removed first, and the result is `nil`.
    func current(
        _ table: TableHandle, _ key: [UInt8], keeping parts: DerivedParts? = nil
    ) throws(CodexError) -> Image? {
        guard let image = try context.image(table, key, keeping: parts) else { return nil }
        guard context.isExpired(image.header, in: table) else { return image }
        try expire(table, key, image)
        return nil
    }

    /// The stored image under an encoded key, as the target of a write with a condition.
    ///
    /// If the transaction counts memory, the condition is checked on the item's stored form. An
    /// item for which it does not hold is not decoded then.
    ///
    /// - Parameters:
    ///   - table: The item's table.
    ///   - key: Its encoded key.
    ///   - condition: The condition, which is valid; `nil` if there is none.
    ///   - parts: The attributes to decode if the condition does not need the others; `nil` for
    ///     all.
    /// - Returns: The image; `nil` if there is no item.
    /// - Throws: ``CodexError/Code/conditionFailed`` with the item;
    ///   ``CodexError/Code/invalidExpression``, ``CodexError/Code/outOfMemory``,
    ///   ``CodexError/Code/corrupted``.
    private func current(
        _ table: TableHandle, _ key: [UInt8], if condition: Condition?,
        keeping parts: DerivedParts? = nil
    ) throws(CodexError) -> Image? {
        guard let condition else { return try current(table, key, keeping: parts) }
        guard let memory = context.memory else {
            let image = try current(table, key)
            var steps = StoreLimits.conditionStepCountMax
            try require(condition, image, &steps)
            return image
        }
        try requireStored(condition, table, key, memory)
        return try current(table, key, keeping: parts)
    }

    /// Checks a condition on the item under an encoded key, in its stored form.
    ///
    /// Afterwards, `memory` has only what was reserved of the item in the error.
    ///
    /// - Throws: As ``current(_:_:if:keeping:)``.
    private func requireStored(
        _ condition: Condition, _ table: TableHandle, _ key: [UInt8], _ memory: DecodedMemory
    ) throws(CodexError) {
        let before = memory.byteCount
        let item = try currentStored(table, key)
        var steps = StoreLimits.conditionStepCountMax
        let holds = try evaluate(condition, item, &steps).holds
        guard steps >= 0 else { throw Self.tooManySteps }
        guard !holds else { return memory.release(downTo: before) }
        memory.release(downTo: before + (item?.memoryByteCount ?? 0))
        throw Self.failure(for: item)
    }

    /// The item under an encoded key in its stored form.
    ///
    /// An expired item is removed first, and the result is `nil`.
    private func currentStored(
        _ table: TableHandle, _ key: [UInt8]
    ) throws(CodexError) -> StoredItem? {
        guard let item = try context.storedItem(table, key) else { return nil }
        guard context.isExpired(item.header, in: table) else { return item }
        _ = try expire(table, key)
        return nil
    }

    /// Removes an item if it is expired, and marks the change as expiry.
    ///
    /// It uses the one function that changes items.
    ///
    /// - Parameters:
    ///   - table: The item's table.
    ///   - key: Its encoded key.
    ///   - instant: The last second of expiry to remove, counted from 1970.
    /// - Returns: Whether it was removed.
    /// - Throws: ``CodexError/Code/invalidNumber`` if a counter's sum without it would need more
    ///   than 38 digits.
    func expire(
        _ table: TableHandle, _ key: [UInt8], by instant: Int = .max
    ) throws(CodexError) -> Bool {
        guard let image = try context.image(table, key),
            context.isExpired(image.header, in: table), let second = image.header.expiresAt,
            second <= instant
        else { return false }
        try expire(table, key, image)
        return true
    }

    private func expire(
        _ table: TableHandle, _ key: [UInt8], _ image: Image
    ) throws(CodexError) {
        try context.items.change([
            Change(table: table, key: key, old: image, new: nil, isExpiry: true)
        ])
    }

    // MARK: New images

    /// The image of `item` in place of `old`.
    ///
    /// - Throws: As ``version(of:over:)``.
    func replacing(
        _ table: TableHandle, _ key: PrimaryKey, _ old: Image?, with item: Item
    ) throws(CodexError) -> Image {
        let entity = table.entity(of: key)
        return Image(
            item: item,
            header: ItemHeader(
                // An entity that the schema does not have any more keeps its number.
                entityNumber: entity?.number ?? old?.header.entityNumber ?? 0,
                schemaVersion: try version(of: entity, over: old)
                    ?? old?.header.schemaVersion ?? 0,
                version: (old?.header.version ?? 0) + 1))
    }

    /// The schema version of a whole item that an untyped write stores; `nil` without an entity.
    ///
    /// A process that opened the store with the entity's type writes items of the type's version,
    /// also untyped. It is subject to the rules of typed writes.
    ///
    /// - Throws: ``CodexError/Code/programTooOld`` if the stored item has a later version, or if
    ///   the store does not know the version of the program; the errors of LMDB.
    private func version(
        of entity: EntityBinding?, over old: Image?
    ) throws(CodexError) -> Int? {
        guard let entity else { return nil }
        let (name, stored) = (entity.definition.name, entity.definition.schemaVersion)
        guard stored > 1, let type = context.core.types.entityType(named: name),
            type.definition.schemaVersion < stored
        else { return stored }
        let bound = try context.binding(type)
        try bound.requireWritable(over: old, in: context)
        return bound.version
    }

    /// Refuses an update of key attributes.
    func validate(_ update: Update, _ table: TableHandle) throws(CodexError) {
        try update.validate()
        for clause in update.clauses
        where table.plan.keyNames.contains(where: { ByteOrder.equal($0, clause.path.root) }) {
            throw CodexError(
                .invalidExpression,
                "The update changes the key attribute \(clause.path.root). Delete and put instead.")
        }
    }

    /// The image that results from an update of `old`, or of no item.
    ///
    /// An item keeps its schema version; a new one gets that of ``version(of:over:)``.
    ///
    /// - Returns: The image; `nil` if there is no item, and the update only removes, so that none
    ///   is created.
    /// - Throws: The errors of ``Update/apply(to:)``, and as ``version(of:over:)``.
    func updating(
        _ table: TableHandle, _ key: PrimaryKey, _ old: Image?, by update: Update
    ) throws(CodexError) -> Image? {
        if old == nil, update.onlyRemoves { return nil }
        let entity = old == nil ? table.entity(of: key) : table.sealedEntity(ofRaw: old, key)
        let item = try update.apply(to: old?.item ?? table.plan.definition.attributes(of: key))
        var schemaVersion = old?.header.schemaVersion
        if old == nil { schemaVersion = try version(of: entity, over: nil) }
        return Image(
            item: item,
            header: ItemHeader(
                entityNumber: entity?.number ?? old?.header.entityNumber ?? 0,
                schemaVersion: schemaVersion ?? 0,
                version: (old?.header.version ?? 0) + 1))
    }
}
