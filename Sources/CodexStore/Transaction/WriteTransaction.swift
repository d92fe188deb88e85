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
    ///   ``CodexError/Code/unknownTable``. The transaction may go on after any of them.
    @discardableResult
    public mutating func put(
        _ item: Item, in table: String, condition: Condition? = nil,
        returning: ReturnValues = .none
    ) throws(CodexError) -> Item? {
        guard returning == .none || returning == .allOld || returning == .allNew else {
            throw CodexError(
                .invalidArgument, "A put returns nothing, the old item or the new one.")
        }
        let table = try context.core.table(table)
        let key = try table.plan.definition.primaryKey(of: item)
        let old = try context.write(table, key, condition) { old throws(CodexError) in
            let entity = table.entity(of: key)
            return Image(
                item: item,
                header: ItemHeader(
                    // An entity that this process does not know yet stays what it is.
                    entityNumber: entity?.number ?? old?.header.entityNumber ?? 0,
                    schemaVersion: entity?.definition.schemaVersion ?? old?.header.schemaVersion
                        ?? 0,
                    version: (old?.header.version ?? 0) + 1))
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
        try update.validate()
        let table = try context.core.table(table)
        for clause in update.clauses
        where table.plan.keyNames.contains(where: { ByteOrder.equal($0, clause.path.root) }) {
            throw CodexError(
                .invalidExpression,
                "The update changes the key attribute \(clause.path.root). Delete and put instead.")
        }
        let (old, new) = try context.write(table, key, condition) { old throws(CodexError) in
            let entity = table.entity(of: key)
            let item = try update.apply(
                to: old?.item ?? table.plan.definition.attributes(of: key))
            return Image(
                item: item,
                header: ItemHeader(
                    entityNumber: old?.header.entityNumber ?? entity?.number ?? 0,
                    schemaVersion: old?.header.schemaVersion ?? entity?.definition.schemaVersion
                        ?? 0,
                    version: (old?.header.version ?? 0) + 1))
        }
        let touched = try Projection(update.clauses.map(\.path))
        func nonEmpty(_ item: Item?) -> Item? { item.flatMap { $0.isEmpty ? nil : $0 } }
        switch returning {
        case .none: return nil
        case .allOld: return old?.item
        case .allNew: return new?.item
        case .updatedOld: return nonEmpty(old.map { touched.apply(to: $0.item) })
        case .updatedNew: return nonEmpty(new.map { touched.apply(to: $0.item) })
        }
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
        let table = try context.core.table(table)
        let old = try context.write(table, key, condition) { _ in nil }.old
        return returning == .allOld ? old?.item : nil
    }

    /// Does all the actions in order, or none of them.
    ///
    /// - Throws: ``CodexError/Code/duplicateTarget`` if two actions name the same item, and as the
    ///   single operations do. Nothing of the list is done then.
    public mutating func perform(_ actions: [WriteAction]) throws(CodexError) {
        try context.requireDistinctTargets(actions)
        try context.atomically { () throws(CodexError) in
            for action in actions {
                switch action {
                case .put(let table, let item, let condition):
                    try put(item, in: table, condition: condition)
                case .update(let table, let key, let update, let condition):
                    try self.update(in: table, key: key, update, condition: condition)
                case .delete(let table, let key, let condition):
                    try delete(in: table, key: key, condition: condition)
                case .check(let table, let key, let condition):
                    try context.check(try context.core.table(table), key, condition)
                }
            }
        }
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
        let old = try image(table, encoded)
        try require(condition, old)
        let new = try make(old)
        if old != nil || new != nil { try change(table, encoded, old: old, new: new) }
        return (old, new)
    }

    /// Checks a condition without writing.
    func check(
        _ table: TableHandle, _ key: PrimaryKey, _ condition: Condition
    ) throws(CodexError) {
        try condition.validate()
        var encoded: [UInt8] = []
        try table.plan.encode(key, into: &encoded)
        try require(condition, try image(table, encoded))
    }

    private func require(_ condition: Condition?, _ current: Image?) throws(CodexError) {
        guard let condition, !condition.evaluate(current?.item ?? Item()) else { return }
        throw CodexError(
            .conditionFailed,
            current == nil
                ? "The condition does not hold: there is no item with this key."
                : "The condition does not hold for the stored item.",
            currentItem: current?.item)
    }

    func requireDistinctTargets(_ actions: [WriteAction]) throws(CodexError) {
        var seen: Set<[UInt8]> = []
        for action in actions {
            let table: TableHandle
            let key: PrimaryKey
            switch action {
            case .put(let name, let item, _):
                table = try core.table(name)
                key = try table.plan.definition.primaryKey(of: item)
            case .update(let name, let target, _, _), .delete(let name, let target, _),
                .check(let name, let target, _):
                table = try core.table(name)
                key = target
            }
            var bytes = Array(table.name.utf8) + [0]
            var encoded: [UInt8] = []
            try table.plan.encode(key, into: &encoded)
            bytes += encoded
            guard seen.insert(bytes).inserted else {
                throw CodexError(
                    .duplicateTarget, "Two actions of one list name the same item. Merge them.")
            }
        }
    }
}
