internal import CodexCore
internal import CodexIndex

/// The encrypted attributes of an entity.
///
/// Every write seals them and every typed read opens them; raw items, views, entries of indexes, the log
/// and exports have them sealed.
struct SealedFields: Sendable {
    let names: [String]
    let plan: TablePlan

    /// The item with its fields opened; those whose keys are not to be had stay sealed.
    ///
    /// - Throws: ``CodexError/Code/valueTampered``; ``CodexError/Code/valueNotSealed`` if all are to be
    ///   sealed and one is not.
    func opened(_ item: Item, _ options: StoreOptions) throws(CodexError) -> Item {
        guard names.contains(where: { item[$0] != nil }) else { return item }
        let key = try key(of: item)
        var opened = item
        for name in names {
            guard let value = item[name] else { continue }
            guard SealedValue.isSealed(value) else {
                if options.requiresSealedFields { throw .valueNotSealed(name) }
                continue
            }
            guard let sealer = options.sealer else { continue }
            if let plain = try open(value, name, key, sealer) {
                opened[name] = plain
            } else if options.requiresSealedFields {
                throw .keyUnavailable(name)
            }
        }
        return opened
    }

    /// The item with its fields sealed; those that are sealed already stay as they are, and those that
    /// say what `old` said keep its bytes while its key is the current one.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable`` if there are no keys, and what the provider throws.
    func sealed(
        _ item: Item, keeping old: Item?, _ options: StoreOptions
    ) throws(CodexError) -> Item {
        let plain = names.filter { name in item[name].map { !SealedValue.isSealed($0) } ?? false }
        guard let first = plain.first else { return item }
        guard let sealer = options.sealer else { throw .keyUnavailable(first) }
        let key = try key(of: item)
        let keyID = try sealer.currentKeyID
        var sealed = item
        for name in plain {
            guard let value = item[name] else { continue }
            if let stored = old?[name], SealedValue(stored)?.keyID == keyID,
                // One that cannot be opened is replaced.
                (try? open(stored, name, key, sealer)) == value
            {
                sealed[name] = stored
                continue
            }
            sealed[name] = try sealer.seal(
                ValueCodec.encoded(value), place(name, key)
            ).attributeValue
        }
        return sealed
    }

    /// Whether a field of a stored item is not sealed, or not under the current key.
    func isOutdated(_ item: Item, _ keyID: String) -> Bool {
        names.contains { name in
            item[name].map { SealedValue($0)?.keyID != keyID } ?? false
        }
    }

    private func open(
        _ stored: AttributeValue, _ name: String, _ key: [UInt8], _ sealer: any FieldSealer
    ) throws(CodexError) -> AttributeValue? {
        guard let sealed = SealedValue(stored) else { throw .valueTampered(name) }
        guard let plain = try sealer.open(sealed, place(name, key)) else { return nil }
        return try ValueCodec.decode(plain.span, 0, plain.count)
    }

    private func place(_ name: String, _ key: [UInt8]) -> SealedPlace {
        SealedPlace(table: plan.definition.name, attribute: name, key: key)
    }

    private func key(of item: Item) throws(CodexError) -> [UInt8] {
        var bytes: [UInt8] = []
        try plan.encode(try plan.definition.primaryKey(of: item), into: &bytes)
        return bytes
    }
}

extension CodexError {
    static func valueTampered(_ name: String) -> CodexError {
        CodexError(
            .valueTampered,
            "The encrypted field \(name) was changed, or moved here from another item or field. Restore "
                + "the item from a backup.")
    }

    static func valueNotSealed(_ name: String) -> CodexError {
        CodexError(
            .valueNotSealed,
            "The field \(name) is to be encrypted and is not. If it was stored before that was asked "
                + "for, encrypt it with reseal(); if not, somebody else wrote it.")
    }
}

extension AttributeMap {
    /// The name of an attribute that is encrypted and could not be opened.
    var sealedName: String? { first { SealedValue.isSealed($0.value) }?.name }
}

extension WriteContext {
    /// Seals the encrypted fields of a change's new image.
    func seal(_ change: inout Change) throws(CodexError) {
        guard let new = change.new, let fields = catalog.sealedFields(new.header.entityNumber)
        else { return }
        let item = try fields.sealed(new.item, keeping: change.old?.item, core.options)
        change.new = Image(item: item, header: new.header)
    }
}

extension StoreCore {
    /// An item with its encrypted fields opened, as far as the keys are there.
    func opened(_ item: Item, _ header: ItemHeader, _ catalog: Catalog) throws(CodexError) -> Item {
        guard let fields = catalog.sealedFields(header.entityNumber) else { return item }
        return try fields.opened(item, options)
    }
}
