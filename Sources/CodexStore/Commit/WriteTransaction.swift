public import CodexCore
internal import CodexIndex

/// A transaction that reads and writes.
///
/// Lent to the closure of ``Store/write(_:)-(_)``.
///
/// It sees its own writes, in indexes too. If the closure throws, all of them are undone, without
/// disturbing other writes of the same commit group.
public struct WriteTransaction: ReadableTransaction, ~Copyable {
    let context: WriteContext

    init(_ context: consuming WriteContext) { self.context = context }

    /// What the operations work with; not for use outside of the package.
    public var _context: ReadableContext { ReadableContext(base: context) }

    /// What is asked for the memory of each item before an operation decodes it; `nil` if nobody
    /// counts it.
    ///
    /// It holds up to the end of the body. A refusal is ``CodexError/Code/outOfMemory``, and
    /// nothing of the operation is done.
    package var memory: DecodedMemory? {
        get { context.memory }
        nonmutating set { context.memory = newValue }
    }
}

@available(*, unavailable)
extension WriteTransaction: Sendable {}

extension WriteTransaction {
    /// Stores an item, in place of any with its key.
    ///
    /// - Parameters:
    ///   - item: The item, with the table's key attributes.
    ///   - table: The table.
    ///   - condition: What must hold for the item that is there (none is the empty one).
    ///   - returning: What to return: nothing, the old item, or the new one.
    /// - Returns: What `returning` asks for; `nil` if there is no such item.
    /// - Throws: ``CodexError/Code/conditionFailed`` with the current item;
    ///   ``CodexError/Code/uniqueViolation``; ``CodexError/Code/invalidKey``,
    ///   ``CodexError/Code/keyTooLong``, ``CodexError/Code/invalidItem``,
    ///   ``CodexError/Code/itemTooLarge``, ``CodexError/Code/invalidExpression``,
    ///   ``CodexError/Code/unknownTable``; ``CodexError/Code/invalidNumber`` if a counter's sum
    ///   would need more than 38 digits. The transaction may go on after any of them.
    @discardableResult
    public mutating func put(
        _ item: Item, in table: String, condition: Condition? = nil,
        returning: ReturnValues = .none
    ) throws(CodexError) -> Item? {
        guard returning == .none || returning == .allOld || returning == .allNew else {
            throw CodexError(
                .invalidArgument, "A put returns nothing, the old item or the new one.")
        }
        let table = try context.catalog.table(table)
        let key = try table.plan.definition.primaryKey(of: item)
        let old = try context.write(table, key, condition) { old throws(CodexError) in
            context.replacing(table, key, old, with: item)
        }.old
        switch returning {
        case .allOld: return old?.item
        case .allNew: return item
        default: return nil
        }
    }

    /// Changes attributes of an item, or creates it with its key and them.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - key: The item's primary key.
    ///   - update: What to change; it may not change key attributes.
    ///   - condition: What must hold for the item that is there (none is the empty one).
    ///   - returning: What to return.
    /// - Returns: What `returning` asks for; `nil` if there is nothing of the kind.
    /// - Throws: As ``put(_:in:condition:returning:)``, and ``CodexError/Code/invalidPath``.
    @discardableResult
    public mutating func update(
        in table: String, key: PrimaryKey, _ update: Update, condition: Condition? = nil,
        returning: ReturnValues = .none
    ) throws(CodexError) -> Item? {
        let (old, new) = try change(in: table, key: key, update, condition: condition)
        func touched(_ item: Item?) throws(CodexError) -> Item? {
            guard let item else { return nil }
            let touched = try Projection(update.clauses.map(\.path)).apply(to: item)
            return touched.isEmpty ? nil : touched
        }
        switch returning {
        case .none: return nil
        case .allOld: return old
        case .allNew: return new
        case .updatedOld: return try touched(old)
        case .updatedNew: return try touched(new)
        }
    }

    /// Changes attributes of an item as ``update(in:key:_:condition:returning:)`` does.
    ///
    /// - Returns: The item as it was and as it is now.
    /// - Throws: As ``update(in:key:_:condition:returning:)``.
    package mutating func change(
        in table: String, key: PrimaryKey, _ update: Update, condition: Condition? = nil
    ) throws(CodexError) -> (old: Item?, new: Item?) {
        let table = try context.catalog.table(table)
        try context.validate(update, table)
        let (old, new) = try context.write(table, key, condition) { old throws(CodexError) in
            try context.updating(table, key, old, by: update)
        }
        return (old?.item, new?.item)
    }

    /// Removes an item; removing one that is not there is no error.
    ///
    /// - Returns: The old item, if `returning` asks for it.
    /// - Throws: As ``put(_:in:condition:returning:)``.
    @discardableResult
    public mutating func delete(
        in table: String, key: PrimaryKey, condition: Condition? = nil,
        returning: ReturnValues = .none
    ) throws(CodexError) -> Item? {
        guard returning == .none || returning == .allOld else {
            throw CodexError(.invalidArgument, "A delete returns nothing or the old item.")
        }
        let table = try context.catalog.table(table)
        if condition == nil, returning == .none {
            _ = try context.remove(table, key)
            return nil
        }
        let old = try context.write(table, key, condition) { _ in nil }.old
        return returning == .allOld ? old?.item : nil
    }
}

extension WriteTransaction {
    /// Removes an item, and gives its size as DynamoDB counts it.
    ///
    /// - Returns: The size, and the attributes of the item's keys in the table and its indexes;
    ///   `nil` if there is no item.
    /// - Throws: As ``delete(in:key:condition:returning:)``.
    package mutating func deleteMeasuring(
        in table: String, key: PrimaryKey
    ) throws(CodexError) -> (keys: Item, byteCount: Int)? {
        let table = try context.catalog.table(table)
        guard let old = try context.remove(table, key), let byteCount = old.byteCount else {
            return nil
        }
        return (old.item, byteCount)
    }
}

extension WriteContext {
    /// Undoes what `body` did if it throws.
    func atomically(_ body: () throws(CodexError) -> Void) throws(CodexError) {
        let mark = mark
        do throws(CodexError) {
            try body()
        } catch {
            if failure == nil { try rollBack(to: mark) }
            throw error
        }
    }

    /// Reads the item under `key`, checks `condition` on it, and stores what `make` makes of it;
    /// `nil` deletes.
    func write(
        _ table: TableHandle, _ key: PrimaryKey, _ condition: Condition?,
        _ make: (Image?) throws(CodexError) -> Image?
    ) throws(CodexError) -> (old: Image?, new: Image?) {
        if let failure { throw failure }
        try condition?.validate()
        var encoded: [UInt8] = []
        try table.plan.encode(key, into: &encoded)
        let old = try current(table, encoded)
        var steps = Limits.conditionStepCountMax
        try require(condition, old, &steps)
        let new = try make(old)
        if old != nil || new != nil {
            try change([Change(table: table, key: encoded, old: old, new: new)])
        }
        return (old, new)
    }

    /// Removes the item under `key`, if there is one.
    ///
    /// Nothing of it is decoded but what its index entries and counters are made of.
    func remove(_ table: TableHandle, _ key: PrimaryKey) throws(CodexError) -> Image? {
        if let failure { throw failure }
        var encoded: [UInt8] = []
        try table.plan.encode(key, into: &encoded)
        guard let old = try current(table, encoded, keeping: DerivedParts(table)) else {
            return nil
        }
        try change([Change(table: table, key: encoded, old: old, new: nil)])
        return old
    }

    /// Throws unless a condition holds for the item that is there; takes the steps of looking.
    func require(
        _ condition: Condition?, _ current: Image?, _ steps: inout Int
    ) throws(CodexError) {
        guard let condition else { return }
        let holds = condition.evaluate(current?.item ?? Item(), steps: &steps)
        guard steps >= 0 else {
            throw CodexError(
                .invalidExpression,
                "The condition looks at too much of the item: compare or search less of it, or in "
                    + "fewer places.")
        }
        guard !holds else { return }
        throw CodexError(
            .conditionFailed,
            current == nil
                ? "The condition does not hold: there is no item with this key."
                : "The condition does not hold for the stored item.",
            currentItem: current?.item)
    }

    // MARK: New images

    /// The image of `item` in place of `old`.
    func replacing(
        _ table: TableHandle, _ key: PrimaryKey, _ old: Image?, with item: Item
    ) -> Image {
        let entity = table.entity(of: key)
        return Image(
            item: item,
            header: ItemHeader(
                // An entity that the schema does not have any more stays what it is.
                entityNumber: entity?.number ?? old?.header.entityNumber ?? 0,
                schemaVersion: entity?.definition.schemaVersion ?? old?.header.schemaVersion ?? 0,
                version: (old?.header.version ?? 0) + 1))
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

    /// The image that an update makes of `old`, or of nothing.
    func updating(
        _ table: TableHandle, _ key: PrimaryKey, _ old: Image?, by update: Update
    ) throws(CodexError) -> Image {
        let entity = old == nil ? table.entity(of: key) : table.sealedEntity(ofRaw: old, key)
        return Image(
            item: try update.apply(to: old?.item ?? table.plan.definition.attributes(of: key)),
            header: ItemHeader(
                entityNumber: entity?.number ?? old?.header.entityNumber ?? 0,
                schemaVersion: old?.header.schemaVersion ?? entity?.definition.schemaVersion ?? 0,
                version: (old?.header.version ?? 0) + 1))
    }
}
