public import CodexCore
internal import CodexIndex

/// A transaction that reads and writes.
///
/// The closure of ``Store/write(_:)-(_)`` gets it.
///
/// It sees its own writes, also in indexes. If the closure throws, all of its writes are undone;
/// the other writes of the same commit group are not affected.
public struct WriteTransaction: ReadableTransaction, ~Copyable {
    let context: WriteContext

    init(_ context: consuming WriteContext) { self.context = context }

    /// The context of the operations; it is not for use outside of the package.
    public var _context: _ReadableContext { _ReadableContext(base: context) }

    /// The budget that reserves the memory of each item before it is decoded; `nil` without a
    /// budget.
    ///
    /// It applies up to the end of the body. If it refuses, the operation fails with
    /// ``CodexError/Code/outOfMemory`` and has no effect.
    ///
    /// With a budget, the condition of a single write is checked on the item's stored form. The
    /// error has the item in this form, and the budget keeps the memory that was reserved for it.
    package var memory: DecodedMemory? {
        get { context.memory }
        nonmutating set { context.memory = newValue }
    }
}

@available(*, unavailable)
extension WriteTransaction: Sendable {}

extension WriteTransaction {
    /// Stores an item, and replaces one with the same key.
    ///
    /// If the item belongs to an entity with derived attributes, the store computes them
    /// (``DerivedAttribute``). Values of the item for them have no effect. The item gets the
    /// entity's schema version of the type that the store was opened with; without such a type, it
    /// gets the store's version.
    ///
    /// - Parameters:
    ///   - item: The item, with the table's key attributes.
    ///   - table: The table.
    ///   - condition: The condition for the stored item; a missing item counts as an empty one.
    ///   - returning: The item to return: none, the old one, or the new one.
    /// - Returns: The item that `returning` names; `nil` if there is no such item.
    /// - Throws: ``CodexError/Code/conditionFailed`` with the current item;
    ///   ``CodexError/Code/uniqueViolation``; ``CodexError/Code/invalidKey``,
    ///   ``CodexError/Code/keyTooLong``, ``CodexError/Code/invalidItem``,
    ///   ``CodexError/Code/itemTooLarge``, ``CodexError/Code/invalidExpression``,
    ///   ``CodexError/Code/unknownTable``; ``CodexError/Code/invalidNumber`` if a counter's sum
    ///   would need more than 38 digits; ``CodexError/Code/programTooOld`` if the store was opened
    ///   with the entity's type, and the stored item has a later version. The transaction may go on
    ///   after each of these errors.
    @discardableResult
    public mutating func put(
        _ item: Item, in table: String, condition: Condition? = nil,
        returning: ReturnValues = .none
    ) throws(CodexError) -> Item? {
        guard returning == .none || returning == .allOld || returning == .allNew else {
            throw CodexError(
                .invalidArgument, "A put returns nothing, the old item or the new one.")
        }
        let (old, new) = try change(to: item, in: table, condition: condition)
        switch returning {
        case .allOld: return old
        case .allNew: return new
        default: return nil
        }
    }

    /// Stores an item as ``put(_:in:condition:returning:)`` does.
    ///
    /// - Returns: The old item, and the new one with its derived attributes.
    /// - Throws: As ``put(_:in:condition:returning:)``.
    package mutating func change(
        to item: Item, in table: String, condition: Condition? = nil
    ) throws(CodexError) -> (old: Item?, new: Item?) {
        let table = try context.catalog.table(table)
        let key = try table.plan.definition.primaryKey(of: item)
        let (old, new) = try context.writes.write(table, key, condition) {
            old throws(CodexError) in
            try context.writes.replacing(table, key, old, with: item)
        }
        return (old?.item, new?.item)
    }

    /// Changes attributes of an item, or creates the item with its key and these attributes.
    ///
    /// An update that only removes (REMOVE and DELETE clauses) creates no item. Without an item,
    /// its condition is checked, nothing changes, and no item is returned. A path through a missing
    /// map is then no error. DynamoDB does the same.
    ///
    /// If the item belongs to an entity with derived attributes, the store computes them from the
    /// changed item (``DerivedAttribute``). A change of a derived attribute itself has no effect,
    /// and conditions and changes read the value from before the update. With `.updatedNew`, only
    /// the attributes that `update` names are returned.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - key: The item's primary key.
    ///   - update: The changes; they may not concern key attributes.
    ///   - condition: The condition for the stored item; a missing item counts as an empty one.
    ///   - returning: The item or attributes to return.
    /// - Returns: The item that `returning` names; `nil` if there is no such item or attribute.
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
    /// - Returns: The old and the new item.
    /// - Throws: As ``update(in:key:_:condition:returning:)``.
    package mutating func change(
        in table: String, key: PrimaryKey, _ update: Update, condition: Condition? = nil
    ) throws(CodexError) -> (old: Item?, new: Item?) {
        let table = try context.catalog.table(table)
        try context.writes.validate(update, table)
        let (old, new) = try context.writes.write(table, key, condition) {
            old throws(CodexError) in
            try context.writes.updating(table, key, old, by: update)
        }
        return (old?.item, new?.item)
    }

    /// Removes an item; it is no error if there is none.
    ///
    /// - Returns: The old item, if `returning` names it.
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
        if returning == .none {
            _ = try context.writes.remove(table, key, condition)
            return nil
        }
        return try context.writes.write(table, key, condition) { _ in nil }.old?.item
    }
}

extension WriteTransaction {
    /// Removes an item, and returns its size as DynamoDB counts it.
    ///
    /// - Returns: The size, and the attributes of the item's keys in the table and its indexes;
    ///   `nil` if there is no item.
    /// - Throws: As ``delete(in:key:condition:returning:)``.
    package mutating func deleteMeasuring(
        in table: String, key: PrimaryKey
    ) throws(CodexError) -> (keys: Item, byteCount: Int)? {
        let table = try context.catalog.table(table)
        guard let old = try context.writes.remove(table, key), let byteCount = old.byteCount else {
            return nil
        }
        return (old.item, byteCount)
    }
}
