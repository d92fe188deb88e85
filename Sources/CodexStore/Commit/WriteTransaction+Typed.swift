public import CodexCore
internal import CodexIndex

extension WriteTransaction {
    /// Stores an entity, and replaces one with the same key, of any version.
    ///
    /// It never replaces an item of another entity. A raw item, which has no entity, is replaced.
    ///
    /// - Throws: The errors of the entity's ``Entity/validate()``,
    ///   ``CodexError/Code/otherEntity`` if the key has an item of another entity,
    ///   ``CodexError/Code/programTooOld`` if the item has a later version of the entity,
    ///   ``CodexError/Code/uniqueViolation``, ``CodexError/Code/unknownEntity``,
    ///   ``CodexError/Code/typeMismatch`` for a value that cannot be stored,
    ///   ``CodexError/Code/invalidIdentifier``, ``CodexError/Code/keyTooLong``,
    ///   ``CodexError/Code/itemTooLarge``, ``CodexError/Code/invalidItem``.
    public mutating func put<E: Entity>(_ entity: E) throws(CodexError) {
        try context.entityWrites.write(entity) { _ throws(CodexError) in }
    }

    /// Stores an entity whose key is not taken.
    ///
    /// - Throws: ``CodexError/Code/conditionFailed`` with the current item if the key is taken, and
    ///   as ``put(_:)``.
    public mutating func insert<E: Entity>(_ entity: E) throws(CodexError) {
        try context.entityWrites.write(entity) { old throws(CodexError) in
            if let old { throw EntityWrites.taken(E.self, old) }
        }
    }

    /// Stores a changed entity if it did not change in the store since it was read.
    ///
    /// A change of the fields that form the key moves the entity to the new key, as
    /// ``update(_:_:)`` does. The item under the old key is removed in the same transaction. That
    /// needs a value that was read from a store: a ``Stored`` that a program makes has no old key,
    /// and its version is compared with that of the item under the value's own key.
    ///
    /// Attributes that the type does not know stay. If an item is deleted and created again, its
    /// version starts at 1 again. Where that can happen between the read and the write, use
    /// ``update(_:_:)``.
    ///
    /// - Returns: The entity with its new version; an entity that was moved has version 1.
    /// - Throws: ``CodexError/Code/versionMismatch`` with the current item if the item changed or
    ///   was deleted; ``CodexError/Code/conditionFailed`` with the current item if the new key is
    ///   taken; as ``put(_:)``.
    @discardableResult
    public mutating func replace<E: Entity>(_ stored: Stored<E>) throws(CodexError) -> Stored<E> {
        try context.entityWrites.replace(stored)
    }

    /// Reads an entity, changes it with `body`, and stores it.
    ///
    /// Attributes that the type does not know stay, for example fields of a newer program. A change
    /// of the fields that form the key moves the entity to the new key. The new key must be free.
    ///
    /// - Returns: The changed entity.
    /// - Throws: ``CodexError/Code/notFound`` if there is no such entity,
    ///   ``CodexError/Code/conditionFailed`` with the current item if a new key is taken, any error
    ///   of `body`, and as ``put(_:)``.
    @discardableResult
    public mutating func update<E: Entity>(
        _ lookup: Lookup<E>, _ body: (inout E) throws -> Void
    ) throws -> E {
        guard let current = try stored(lookup) else {
            throw CodexError(
                .notFound, "There is no such \(E.definition.name). Insert it first."
            ).inEntity(E.definition.name)
        }
        var changed = current.value
        try body(&changed)
        try context.entityWrites.write(changed, from: current.key) { _ throws(CodexError) in }
        return changed
    }

    /// Removes an entity.
    ///
    /// - Returns: Whether there was one.
    /// - Throws: As ``ReadableTransaction/get(_:)``.
    @discardableResult
    public mutating func delete<E: Entity>(_ lookup: Lookup<E>) throws -> Bool {
        // An entity can be removed even if it cannot be read: its encryption keys may be lost.
        let bound = try context.binding(E.self)
        let key = try view(lookup) { view in
            guard view.header.entityNumber == bound.entity.number else {
                throw context.otherEntity(bound, view.header)
            }
            return try bound.table.plan.definition.primaryKey(of: try view.item())
        }
        guard let key else { return false }
        try delete(in: bound.table.name, key: key)
        return true
    }
}

/// Stores entities.
struct EntityWrites {
    private let context: WriteContext

    init(_ context: WriteContext) { self.context = context }

    /// An entity that will be stored.
    private struct NewEntity: ~Copyable {
        let bound: TransactionContext.BoundEntity
        let item: Item
        let key: PrimaryKey

        var table: TableHandle { bound.table }
    }

    /// Stores an entity after `check` saw the stored image.
    ///
    /// - Parameters:
    ///   - entity: The entity.
    ///   - keepsUnknown: Whether attributes that the type does not know stay.
    ///   - check: Throws to refuse.
    /// - Returns: The header of the stored item.
    /// - Throws: As ``WriteTransaction/put(_:)``, and the errors of `check`. The error has the
    ///   entity and the key.
    @discardableResult
    func write<E: Entity>(
        _ entity: E, keepsUnknown: Bool = false, _ check: (Image?) throws(CodexError) -> Void
    ) throws(CodexError) -> ItemHeader {
        try storing(entity) { new throws(CodexError) in
            try store(new, keepsUnknown: keepsUnknown, check)
        }
    }

    /// Stores an entity that was read from a key, which may not be its key any more.
    ///
    /// Attributes that the type does not know stay.
    ///
    /// - Parameters:
    ///   - entity: The entity.
    ///   - key: The key that it was read from; `nil` is its own key.
    ///   - check: Gets the stored image that is replaced or removed, and throws to refuse.
    /// - Returns: The header of the stored item.
    /// - Throws: As ``WriteTransaction/replace(_:)``, and the errors of `check`.
    @discardableResult
    func write<E: Entity>(
        _ entity: E, from key: PrimaryKey?, _ check: (Image?) throws(CodexError) -> Void
    ) throws(CodexError) -> ItemHeader {
        try storing(entity) { new throws(CodexError) in
            try store(new, from: key, check)
        }
    }

    /// Stores an entity if it did not change since it was read.
    ///
    /// - Throws: As ``WriteTransaction/replace(_:)``.
    func replace<E: Entity>(_ stored: Stored<E>) throws(CodexError) -> Stored<E> {
        try storing(stored.value) { new throws(CodexError) in
            let header = try store(new, from: stored.key) { old throws(CodexError) in
                guard old?.header.version != stored.version else { return }
                throw Self.changed(E.self, old)
            }
            return Stored(
                stored.value, version: header.version, schemaVersion: header.schemaVersion,
                key: new.key)
        }
    }

    // MARK: Checks

    /// The reason why a replacement of the stored entity would be refused; `nil` if there is none.
    ///
    /// It changes nothing. Whether another item has a unique key is not looked at.
    func refusal<E: Entity>(ofReplacementBy entity: E) -> CodexError? {
        do throws(CodexError) {
            return try storing(entity) { new throws(CodexError) in
                try refusal(of: new)
            }
        } catch {
            return error
        }
    }

    private func refusal(of new: borrowing NewEntity) throws(CodexError) -> CodexError? {
        let (bound, table) = (new.bound, new.table)
        var key: [UInt8] = []
        try table.plan.encode(new.key, into: &key)
        let old = try context.image(table, key)
        try requireOwn(bound, old)
        var others = Item()
        if let old { others = try unknownAttributes(bound, old) }
        let header = ItemHeader(entityNumber: bound.entity.number, schemaVersion: bound.version)
        let image = try Image(typed: new.item, header, keeping: others, over: old)
        var change = Change(table: table, key: key, old: old, new: image)
        try change.new?.derive(context.catalog)
        try change.stamp(context.catalog)
        try SealedFields.seal(&change, context.catalog, context.core)
        return context.items.refusal(of: change)
    }

    // MARK: Errors

    /// The error for a key that is taken.
    fileprivate static func taken(_ type: any Entity.Type, _ old: Image) -> CodexError {
        CodexError(
            .conditionFailed, "There is a \(type.definition.name) with this key already.",
            currentItem: old.item)
    }

    private static func changed(_ type: any Entity.Type, _ old: Image?) -> CodexError {
        let name = type.definition.name
        return CodexError(
            .versionMismatch,
            old == nil
                ? "The \(name) was deleted since it was read. Read again."
                : "The \(name) changed since it was read. Read again.",
            currentItem: old?.item)
    }

    /// Refuses to replace or remove an item of another entity.
    private func requireOwn(
        _ bound: TransactionContext.BoundEntity, _ old: Image?
    ) throws(CodexError) {
        guard let header = old?.header, header.entityNumber != 0,
            header.entityNumber != bound.entity.number
        else { return }
        throw context.otherEntity(bound, header)
    }

    // MARK: Steps

    /// Makes the item of an entity, and passes it to `body`.
    ///
    /// Errors get the entity and the key.
    private func storing<E: Entity, R>(
        _ entity: E, _ body: (borrowing NewEntity) throws(CodexError) -> R
    ) throws(CodexError) -> R {
        let bound = try context.binding(E.self)
        var key: PrimaryKey?
        do throws(CodexError) {
            try entity.validate()
            let item = try entity.item()
            let own = try bound.table.plan.definition.primaryKey(of: item)
            key = own
            return try body(NewEntity(bound: bound, item: item, key: own))
        } catch {
            throw error.inEntity(bound.entity.definition.name).inItem(key: key)
        }
    }

    /// Stores an entity under its key, or moves it there from the key that it was read from.
    private func store(
        _ new: borrowing NewEntity, from key: PrimaryKey?,
        _ check: (Image?) throws(CodexError) -> Void
    ) throws(CodexError) -> ItemHeader {
        guard let key, key != new.key else {
            return try store(new, keepsUnknown: true, check)
        }
        var encoded: [UInt8] = []
        try new.table.plan.encode(key, into: &encoded)
        let old = try context.writes.current(new.table, encoded)
        try requireOwn(new.bound, old)
        try check(old)
        try new.bound.requireWritable(over: old, in: context)
        let unknown = try old.map { old throws(CodexError) in
            try unknownAttributes(new.bound, old)
        }
        // Under another key, the sealed value could not be opened any more.
        if let name = unknown?.sealedName { throw CodexError.keyUnavailable(name) }
        var header = ItemHeader()
        try context.writes.atomically { () throws(CodexError) in
            _ = try context.writes.remove(new.table, key)
            header = try store(new, adding: unknown ?? Item()) { taken throws(CodexError) in
                if let taken { throw Self.taken(new.bound.entityType, taken) }
            }
        }
        return header
    }

    /// Stores an entity under its key after `check` saw the stored image.
    ///
    /// - Parameters:
    ///   - new: The entity.
    ///   - keepsUnknown: Whether attributes that the type does not know stay.
    ///   - added: Further attributes.
    ///   - check: Throws to refuse.
    /// - Returns: The header of the stored item.
    /// - Throws: ``CodexError/Code/otherEntity``, ``CodexError/Code/programTooOld``,
    ///   ``CodexError/Code/keyUnavailable`` for a sealed attribute of another name, and what
    ///   `check` throws; also the errors of the write.
    private func store(
        _ new: borrowing NewEntity, keepsUnknown: Bool = false, adding added: Item = Item(),
        _ check: (Image?) throws(CodexError) -> Void
    ) throws(CodexError) -> ItemHeader {
        let bound = new.bound
        var header = ItemHeader(entityNumber: bound.entity.number, schemaVersion: bound.version)
        _ = try context.writes.write(new.table, new.key, nil) { old throws(CodexError) in
            try requireOwn(bound, old)
            try check(old)
            try bound.requireWritable(over: old, in: context)
            header.version = (old?.header.version ?? 0) + 1
            var others = added
            if keepsUnknown, let old { others = try unknownAttributes(bound, old) }
            return try Image(typed: new.item, header, keeping: others, over: old)
        }
        return header
    }

    /// The attributes of an item that the type would not write for it.
    ///
    /// They include encrypted attributes whose keys are unavailable.
    private func unknownAttributes(
        _ bound: TransactionContext.BoundEntity, _ old: Image
    ) throws(CodexError) -> Item {
        let item = try SealedFields.opened(old.item, old.header, context.catalog, context.core)
        let type = bound.entityType
        return try type.unknownAttributes(
            of: try type.upgraded(item, from: old.header.schemaVersion))
    }
}
