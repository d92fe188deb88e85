public import CodexCore
internal import CodexIndex

extension WriteTransaction {
    /// Stores an entity, and replaces one with the same key, of any version.
    ///
    /// - Throws: The errors of the entity's ``Entity/validate()``,
    ///   ``CodexError/Code/uniqueViolation``, ``CodexError/Code/unknownEntity``,
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
            if let old { throw Self.taken(E.self, old) }
        }
    }

    private static func taken(_ type: (some Entity).Type, _ old: Image) -> CodexError {
        CodexError(
            .conditionFailed, "There is a \(type.definition.name) with this key already.",
            currentItem: old.item)
    }

    /// Stores a changed entity if it did not change in the store since it was read.
    ///
    /// Attributes that the type does not know stay. If an item is deleted and created again, its
    /// version starts at 1 again. Where that can happen between the read and the write, use
    /// ``update(_:_:)``.
    ///
    /// - Returns: The entity with its new version.
    /// - Throws: ``CodexError/Code/versionMismatch`` with the current item, and as ``put(_:)``.
    @discardableResult
    public mutating func replace<E: Entity>(_ stored: Stored<E>) throws(CodexError) -> Stored<E> {
        let header = try context.entityWrites.write(stored.value, keepsUnknown: true) {
            old throws(CodexError) in
            guard old?.header.version != stored.version else { return }
            throw CodexError(
                .versionMismatch,
                old == nil
                    ? "The \(E.definition.name) was deleted since it was read. Read again."
                    : "The \(E.definition.name) changed since it was read. Read again.",
                currentItem: old?.item)
        }
        return Stored(stored.value, version: header.version, schemaVersion: header.schemaVersion)
    }

    /// Reads an entity, changes it with `body`, and stores it.
    ///
    /// Attributes that the type does not know stay, for example fields of a newer program. A change
    /// of the fields that form the key moves the entity to the new key.
    ///
    /// - Returns: The changed entity.
    /// - Throws: ``CodexError/Code/notFound`` if there is no such entity, any error of `body`, and
    ///   as ``put(_:)``.
    @discardableResult
    public mutating func update<E: Entity>(
        _ lookup: Lookup<E>, _ body: (inout E) throws -> Void
    ) throws -> E {
        guard let current = try get(lookup) else {
            throw CodexError(
                .notFound, "There is no such \(E.definition.name). Insert it first.")
        }
        var changed = current
        try body(&changed)
        let definition = try context.binding(E.self).table.plan.definition
        let oldKey = try definition.primaryKey(of: try current.item())
        if try definition.primaryKey(of: try changed.item()) == oldKey {
            try context.entityWrites.write(changed, keepsUnknown: true) { _ throws(CodexError) in }
        } else {
            let unknown = try context.entityWrites.unknownAttributes(E.self, oldKey)
            // Under another key, the sealed value could not be opened any more.
            if let name = unknown.sealedName { throw CodexError.keyUnavailable(name) }
            try context.writes.atomically { () throws(CodexError) in
                try delete(in: definition.name, key: oldKey)
                try context.entityWrites.write(changed, adding: unknown) {
                    taken throws(CodexError) in
                    if let taken { throw Self.taken(E.self, taken) }
                }
            }
        }
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

    /// Stores an entity after `check` saw the stored image.
    ///
    /// - Parameters:
    ///   - entity: The entity.
    ///   - keepsUnknown: Whether attributes that the type does not know stay.
    ///   - added: Further attributes.
    ///   - check: Throws to refuse.
    /// - Returns: The header of the stored item.
    /// - Throws: As ``WriteTransaction/put(_:)``, and the errors of `check`.
    @discardableResult
    func write<E: Entity>(
        _ entity: E, keepsUnknown: Bool = false, adding added: Item = Item(),
        _ check: (Image?) throws(CodexError) -> Void
    ) throws(CodexError) -> ItemHeader {
        let bound = try context.binding(E.self)
        let (binding, table) = (bound.entity, bound.table)
        try entity.validate()
        let item = try entity.item()
        let key = try table.plan.definition.primaryKey(of: item)
        var header = ItemHeader(
            entityNumber: binding.number, schemaVersion: binding.definition.schemaVersion)
        _ = try context.writes.write(table, key, nil) { old throws(CodexError) in
            try check(old)
            header.version = (old?.header.version ?? 0) + 1
            var item = item
            var others = added
            if keepsUnknown, let old {
                others = try unknownAttributes(E.self, old)
            }
            for element in others where item[element.name] == nil {
                // Under another name, the sealed value could not be opened any more.
                if element.seal != .plain, old?.item[element.name] != element.value {
                    throw CodexError.keyUnavailable(element.name)
                }
                item.set(element)
            }
            return Image(item: item, header: header)
        }
        return header
    }

    /// The attributes of the item under `key` that the type would not write for it.
    fileprivate func unknownAttributes<E: Entity>(
        _ type: E.Type, _ key: PrimaryKey
    ) throws(CodexError) -> Item {
        let table = try context.binding(type).table
        var encoded: [UInt8] = []
        try table.plan.encode(key, into: &encoded)
        guard let old = try context.image(table, encoded) else { return Item() }
        return try unknownAttributes(type, old)
    }

    /// The attributes of an item that the type would not write for it.
    ///
    /// They include encrypted attributes whose keys are unavailable.
    private func unknownAttributes<E: Entity>(
        _ type: E.Type, _ old: Image
    ) throws(CodexError) -> Item {
        let item = try SealedFields.opened(old.item, old.header, context.catalog, context.core)
        return try E.unknownAttributes(of: try E.upgraded(item, from: old.header.schemaVersion))
    }
}
