internal import CodexCore
internal import CodexStore

// The analytics read items that any writer may have stored. An item that does not decode, or that
// breaks a rule on single values, is ignored.

extension Entity {
    /// Decodes an item; `nil` if it is no such entity, or breaks a rule on single values.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable`` if encrypted fields were not opened: such an
    ///   item must not count as a missing one.
    static func sound(in item: Item) throws(CodexError) -> Self? {
        if let entity = placed(in: item), (try? entity.validate()) != nil { return entity }
        try item.requireOpened()
        return nil
    }

    /// Decodes an item; `nil` if it is no such entity.
    ///
    /// - Throws: As ``sound(in:)``.
    static func readable(in item: Item) throws(CodexError) -> Self? {
        if let entity = try? Self(item: item) { return entity }
        try item.requireOpened()
        return nil
    }

    /// Decodes an item; `nil` unless its attributes match its key, since a raw item may contradict
    /// it.
    static func placed(in item: Item) -> Self? {
        guard let entity = try? Self(item: item),
            definition.keys.allSatisfy({ name, template in
                guard case .string(let key)? = item[name] else { return false }
                return (try? template.render(item)).flatMap { $0 } == key
            })
        else { return nil }
        return entity
    }
}

extension Item {
    /// Throws if the item has an encrypted value that was not opened.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable``.
    func requireOpened() throws(CodexError) {
        if let sealed = elements.first(where: { $0.seal == .sealed }) {
            throw .keyUnavailable(sealed.name)
        }
    }
}

extension WriteTransaction {
    /// The valid entities that a query finds; other items are ignored.
    func sound<E: Entity>(_ query: CodexCore.Query<E>) throws -> [E] {
        var found: [E] = []
        try forEach(query.request) { view in
            if let entity = try E.sound(in: try opened(view)) { found.append(entity) }
            return true
        }
        return found
    }

    /// The entity that a lookup names; `nil` also if the item is not a valid entity.
    func sound<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        guard case .primaryKey(let key) = lookup.target else { return nil }
        return try view(in: E.definition.table, key: key) { view in
            try E.sound(in: try opened(view))
        } ?? nil
    }
}

extension Snapshot {
    /// Passes the valid entities that a query finds to `body`, until it returns `false`.
    func forEachSound<E: Entity>(
        _ query: CodexCore.Query<E>, _ store: Store, _ body: (E) throws -> Bool
    ) throws {
        try forEach(query.request) { view in
            guard let entity = try E.sound(in: try store.opened(view)) else { return true }
            return try body(entity)
        }
    }

    /// The entity that a lookup names; `nil` also if the item is not a valid entity.
    func sound<E: Entity>(_ lookup: Lookup<E>, _ store: Store) throws -> E? {
        guard case .primaryKey(let key) = lookup.target else { return nil }
        return try view(in: E.definition.table, key: key) { view in
            try E.sound(in: try store.opened(view))
        } ?? nil
    }
}
