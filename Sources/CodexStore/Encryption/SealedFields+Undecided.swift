internal import CodexCore

/// Values that begin as encrypted ones, where nothing else says whether they are.
///
/// They are in items that formats before 4 wrote, and in copies
/// (``AttributeMap/recognizingSealedValues()``).
extension SealedFields {
    /// What the value of a field is.
    enum Verdict {
        /// It is no encrypted value.
        case plain
        /// It has the form of one and names a key of the store, and that does not open it in this
        /// place: it was changed, cut or moved here, or somebody made it up.
        case damaged
        /// It is an encrypted one, of this value.
        case sealed(AttributeValue)
        /// Its key is not there.
        case unknown
    }

    /// Judges a field's value.
    ///
    /// - Throws: ``CodexError/Code/valueTampered`` for one that is known to be sealed, and does not
    ///   open; ``CodexError/Code/keyUnavailable`` if the provider fails;
    ///   ``CodexError/Code/corrupted`` for one that authenticates, and holds no value.
    func verdict(
        on element: AttributeMap.Element, _ key: [UInt8], _ options: StoreOptions
    ) throws(CodexError) -> Verdict {
        switch element.seal {
        case .plain: return .plain
        case .sealed:
            guard let sealer = options.sealer else { return .unknown }
            let plain = try open(element.value, element.name, key, sealer, options)
            return plain.map { Verdict.sealed($0) } ?? .unknown
        case .undecided:
            guard let sealed = SealedValue(element.value, mayBeCut: true) else { return .plain }
            return try verdict(on: sealed, element.name, key, options)
        }
    }

    private func verdict(
        on sealed: SealedValue, _ name: String, _ key: [UInt8], _ options: StoreOptions
    ) throws(CodexError) -> Verdict {
        guard let sealer = options.sealer else { return .unknown }
        do throws(CodexError) {
            let plain = try open(sealed, name, key, sealer)
            return plain.map { Verdict.sealed($0) } ?? .unknown
        } catch CodexError.Code.valueTampered {
            return .damaged
        }
    }

    /// How a value is stored that is not known to be sealed.
    ///
    /// - Parameters:
    ///   - element: The field as it is written.
    ///   - stored: The field as it is stored.
    ///   - item: The item that is written.
    ///   - options: The store's.
    /// - Returns: `nil` if it is a plain value, and so is to be sealed.
    /// - Throws: ``CodexError/Code/valueTampered`` for a value of a copy that has the form of an
    ///   encrypted one, and does not open here, or is bound to no store where that is refused;
    ///   ``CodexError/Code/keyUnavailable`` if the provider fails, or lacks the copy's key;
    ///   ``CodexError/Code/valueNotSealed`` if all are to be sealed, and a stored plain one is
    ///   written back.
    func settled(
        _ element: AttributeMap.Element, _ stored: AttributeMap.Element?, in item: Item,
        _ options: StoreOptions
    ) throws(CodexError) -> AttributeMap.Element? {
        if let stored, stored.seal != .plain, stored.value == element.value {
            // It is written back as it was read, from where seals are not told: JSON, say.
            if stored.seal == .sealed { return stored }
            let kept = keptUndecided(stored, in: item, options)
            if kept == nil, options.requiresSealedFields { throw .valueNotSealed(element.name) }
            return kept
        }
        if let stored, options.requiresSealedFields, stored.seal == .plain,
            element.seal == .plain, stored.value == element.value
        {
            // Somebody may have written it past the store. Sealed, it would be trusted.
            throw .valueNotSealed(element.name)
        }
        guard element.seal == .undecided else { return nil }
        switch try verdict(on: element, key(of: item), options) {
        case .plain: return nil
        case .damaged: throw .valueTampered(element.name)
        case .sealed:
            if let sealed = SealedValue(element.value) {
                try requireBound(sealed, element.name, options)
            }
            return element.with(.sealed)
        case .unknown:
            // Without keys nothing can be judged. Reads with the keys check it.
            guard options.sealer == nil else { throw .keyUnavailable(element.name) }
            return element.with(.sealed)
        }
    }

    /// How an undecided value is stored again; `nil` if it is a plain one, and can be sealed.
    private func keptUndecided(
        _ stored: AttributeMap.Element, in item: Item, _ options: StoreOptions
    ) -> AttributeMap.Element? {
        guard options.sealer != nil else { return stored }
        // A provider that fails keeps nobody from writing other fields.
        guard let encodedKey = try? key(of: item),
            let judged = try? verdict(on: stored, encodedKey, options)
        else { return stored }
        switch judged {
        case .plain: return nil
        case .sealed: return stored.with(.sealed)
        case .unknown, .damaged: return stored
        }
    }

    /// The item with its undecided values decided, as far as the keys are there.
    ///
    /// Plain values are sealed, but not where such are refused
    /// (``StoreOptions/requiresSealedFields``): somebody may have written them past the store.
    /// Damaged ones stay as they are.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable`` if the provider fails.
    func decided(_ item: Item, _ options: StoreOptions) throws(CodexError) -> DecidedItem {
        guard item.hasUndecided else { return DecidedItem(item: item) }
        let key = try key(of: item)
        var decided = DecidedItem(item: item.decidingPlain { isSealed($0.name) })
        for element in decided.item where element.seal == .undecided {
            switch try verdict(on: element, key, options) {
            case .sealed: decided.item.set(element.with(.sealed))
            case .damaged: decided.damagedCount += 1
            case .unknown: continue
            case .plain:
                guard let sealer = options.sealer, !options.requiresSealedFields else { continue }
                decided.item.set(try seal(element.with(.plain), key, sealer, options))
            }
        }
        return decided
    }
}

/// An item whose undecided values were judged.
struct DecidedItem {
    var item: Item
    /// How many of its values are damaged, and so stay undecided.
    var damagedCount = 0
}
