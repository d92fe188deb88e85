internal import CodexCore
internal import CodexIndex

/// The encrypted attributes of an entity.
///
/// Every write seals them and every typed read opens them. Raw items, views, index entries, the log
/// and exports have the sealed values.
struct SealedFields: Sendable {
    let names: [String]
    let plan: TablePlan
    /// The identifier that the store's values are bound to (``Manifest/bindingID``); `nil` if there
    /// is none yet.
    let store: [UInt8]?

    /// The item with its fields opened; fields whose keys are unavailable keep their seals.
    ///
    /// - Throws: ``CodexError/Code/valueTampered``; ``CodexError/Code/valueNotSealed`` if all
    ///   fields must be sealed and one is not; ``CodexError/Code/keyUnavailable`` if all must be
    ///   sealed, and a key is missing.
    func opened(_ item: Item, _ options: StoreOptions) throws(CodexError) -> Item {
        var opened = item.decidingPlain { isSealed($0.name) }
        guard names.contains(where: { item.index(of: $0) != nil }) else { return opened }
        let key = try key(of: item)
        for name in names {
            guard let element = item.element(named: name) else { continue }
            switch try verdict(on: element, key, options) {
            case .plain:
                if options.requiresSealedFields { throw .valueNotSealed(name) }
                if element.seal != .plain { opened[name] = element.value }
            case .damaged: throw .valueTampered(name)
            case .sealed(let value):
                if let sealed = SealedValue(element.value) {
                    try requireBound(sealed, name, options)
                }
                opened[name] = value
            case .unknown:
                if options.requiresSealedFields, options.sealer != nil {
                    throw .keyUnavailable(name)
                }
            }
        }
        return opened
    }

    /// The item with its fields sealed; fields that are already sealed stay unchanged.
    ///
    /// A field with the same value as in `old` keeps its stored bytes, if their key and binding are
    /// current. Values are not compressed first, because the length of a sealed value would reveal
    /// information about its contents.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable`` if there are no keys;
    ///   ``CodexError/Code/valueNotSealed`` if all must be sealed, and a stored plain one is
    ///   written back; and the errors of the provider.
    func sealed(
        _ item: Item, keeping old: Item?, _ options: StoreOptions
    ) throws(CodexError) -> Item {
        var sealed = item.decidingPlain { isSealed($0.name) }
        var plain: [AttributeMap.Element] = []
        for name in names {
            guard let element = item.element(named: name), element.seal != .sealed else { continue }
            let stored = old?.element(named: name)
            if let settled = try settled(element, stored, in: item, options) {
                sealed.set(settled)
            } else {
                plain.append(element)
            }
        }
        guard let first = plain.first else { return sealed }
        guard let sealer = options.sealer else { throw .keyUnavailable(first.name) }
        let key = try key(of: item)
        // Only the comparison needs it, and a provider may have to check a file for it.
        let keyID: String? = try old == nil ? nil : sealer.currentKeyID
        var compressed: [AttributeMap.Element] = []
        for element in plain {
            let stored = old?.element(named: element.name)
            if let stored, let keyID, stored.seal != .plain,
                // A stored value that cannot be opened is replaced.
                let known = try? opened(stored.value, element.name, key, sealer, options),
                known.value == element.value
            {
                if isCurrent(stored, keyID, options) {
                    sealed.set(stored)
                    continue
                }
                if known.wasCompressed { compressed.append(element) }
            }
            sealed.set(try seal(element, key, sealer, options))
        }
        // Values that were compressed before they were sealed may fit only that way. Their length
        // reveals nothing new.
        for element in compressed where sealed.byteCount > DynamoDBLimits.itemByteCountMax {
            sealed.set(try seal(element, key, sealer, options, compresses: true))
        }
        return sealed
    }

    /// The sealed form of a plain value.
    func seal(
        _ element: AttributeMap.Element, _ key: [UInt8], _ sealer: any FieldSealer,
        _ options: StoreOptions, compresses: Bool = false
    ) throws(CodexError) -> AttributeMap.Element {
        var plain: [UInt8] = []
        ValueCodec.append(element.value, topLevel: true, to: &plain)
        if compresses { Compression.compressTail(of: &plain, from: 0) }
        return try sealer.seal(
            plain, place(element.name, key), isPortable: options.sealedFieldBinding == .portable
        ).element(named: element.name)
    }

    /// Whether an attribute is encrypted.
    func isSealed(_ name: String) -> Bool { names.contains { ByteOrder.equal($0, name) } }

    /// Whether a field of an item has a plain value.
    func hasPlain(_ item: Item) -> Bool {
        names.contains { item.element(named: $0)?.seal == .plain }
    }

    /// Whether a field of a stored item is unsealed, or differs from new values in key or binding.
    func isOutdated(_ item: Item, _ keyID: String, _ options: StoreOptions) -> Bool {
        names.contains { name in
            item.element(named: name).map { !isCurrent($0, keyID, options) } ?? false
        }
    }

    /// Whether a stored value is sealed under the current key, with the binding of new values.
    private func isCurrent(
        _ stored: AttributeMap.Element, _ keyID: String, _ options: StoreOptions
    ) -> Bool {
        guard stored.seal == .sealed, let sealed = SealedValue(stored.value), sealed.keyID == keyID
        else { return false }
        return sealed.isBound == (store != nil && options.sealedFieldBinding != .portable)
    }

    func open(
        _ stored: AttributeValue, _ name: String, _ key: [UInt8], _ sealer: any FieldSealer,
        _ options: StoreOptions
    ) throws(CodexError) -> AttributeValue? {
        try opened(stored, name, key, sealer, options)?.value
    }

    func open(
        _ sealed: SealedValue, _ name: String, _ key: [UInt8], _ sealer: any FieldSealer
    ) throws(CodexError) -> AttributeValue? {
        try opened(sealed, name, key, sealer)?.value
    }

    /// The contents of a sealed value, and whether they were compressed before it was sealed.
    private typealias Opened = (value: AttributeValue, wasCompressed: Bool)

    private func opened(
        _ stored: AttributeValue, _ name: String, _ key: [UInt8], _ sealer: any FieldSealer,
        _ options: StoreOptions
    ) throws(CodexError) -> Opened? {
        guard let sealed = SealedValue(stored) else { throw .valueTampered(name) }
        try requireBound(sealed, name, options)
        return try opened(sealed, name, key, sealer)
    }

    private func opened(
        _ sealed: SealedValue, _ name: String, _ key: [UInt8], _ sealer: any FieldSealer
    ) throws(CodexError) -> Opened? {
        guard let plain = try sealer.open(sealed, place(name, key)) else { return nil }
        // The value authenticated, so a holder of the keys made it.
        let value = try ValueCodec.decode(
            plain.span, 0, plain.count, inflatedByteCountMax: StoreLimits.sealedByteCountMax)
        return (value, plain.first == ValueCodec.Tag.compressed.rawValue)
    }

    /// Throws if only values that are bound to the store may be read, and this one is not bound.
    func requireBound(
        _ sealed: SealedValue, _ name: String, _ options: StoreOptions
    ) throws(CodexError) {
        guard sealed.isBound || options.sealedFieldBinding != .storeOnly else {
            throw .valueNotBound(name)
        }
    }

    private func place(_ name: String, _ key: [UInt8]) -> SealedPlace {
        SealedPlace(
            store: store, table: plan.definition.name, attribute: name, key: key)
    }

    func key(of item: Item) throws(CodexError) -> [UInt8] {
        var bytes: [UInt8] = []
        try plan.encode(try plan.definition.primaryKey(of: item), into: &bytes)
        return bytes
    }
}

extension CodexError {
    static func valueTampered(_ name: String) -> CodexError {
        CodexError(
            .valueTampered,
            "The encrypted field \(name) was changed, or moved here from another item, field or "
                + "store. Restore the item from a backup.")
    }

    static func valueNotBound(_ name: String) -> CodexError {
        CodexError(
            .valueTampered,
            "The encrypted field \(name) is bound to no store, and may come from another one. If "
                + "an earlier release or a portable store wrote it, open the store with "
                + "SealedFieldBinding.store, and bind it with reseal().")
    }

    static func valueNotSealed(_ name: String) -> CodexError {
        CodexError(
            .valueNotSealed,
            "The field \(name) must be encrypted, and its stored value is plain. If it is from "
                + "before the schema named the field, encrypt it with reseal(). If not, it was "
                + "written past the store.")
    }
}

extension SealedFields {
    /// Seals the encrypted fields of a change's new image.
    static func seal(
        _ change: inout Change, _ catalog: Catalog, _ core: StoreCore
    ) throws(CodexError) {
        guard let new = change.new else { return }
        let fields = catalog.sealedFields(new.header.entityNumber)
        guard fields != nil || new.item.hasSeals else { return }
        var item = new.item.doubtingSeals(except: change.old?.item)
        if let fields {
            item = try fields.sealed(item, keeping: change.old?.item, core.options)
        } else if new.header.entityNumber != 0 {
            // Values of such an entity are never encrypted.
            item = item.decidingPlain()
        }
        change.new = Image(item: item, header: new.header)
    }
}

extension SealedFields {
    /// An item whose encrypted fields are opened if their keys are available.
    static func opened(
        _ item: Item, _ header: ItemHeader, _ catalog: Catalog, _ core: StoreCore
    ) throws(CodexError) -> Item {
        guard let fields = catalog.sealedFields(header.entityNumber) else {
            // A raw item may later become an item of an entity with encrypted fields.
            return header.entityNumber == 0 ? item : item.decidingPlain()
        }
        return try fields.opened(item, core.options)
    }

    /// An item with its undecided values decided, if their keys are available.
    ///
    /// The values of a raw item stay undecided, because it may become an entity's.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable`` if the provider of keys fails.
    static func decided(
        _ item: Item, _ header: ItemHeader, _ catalog: Catalog, _ core: StoreCore
    ) throws(CodexError) -> DecidedItem {
        guard header.entityNumber != 0 else { return DecidedItem(item: item) }
        guard let fields = catalog.sealedFields(header.entityNumber) else {
            return DecidedItem(item: item.decidingPlain())
        }
        return try fields.decided(item, core.options)
    }
}
