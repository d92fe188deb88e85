internal import CodexCore

/// Values that look like encrypted ones, without a seal that decides whether they are.
///
/// They are in items that formats before 4 wrote, and in copies
/// (``AttributeMap/recognizingSealedValues()``).
extension SealedFields {
    /// The verdict on a field's value.
    enum Verdict {
        /// It is no encrypted value.
        case plain
        /// It has the form of an encrypted value and names a key of the store, but the key does not
        /// open it in this place.
        ///
        /// It was changed, cut or moved here, or was forged.
        case damaged
        /// It is the encrypted form of this value.
        case sealed(AttributeValue)
        /// Its key is unavailable.
        case unknown
    }

    /// Judges a field's value.
    ///
    /// - Throws: ``CodexError/Code/valueTampered`` for a value that is known to be sealed, and does
    ///   not open; ``CodexError/Code/keyUnavailable`` if the provider fails;
    ///   ``CodexError/Code/corrupted`` for one that authenticates, but has no valid contents.
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

    /// The form in which to store a value that is not known to be sealed.
    ///
    /// - Parameters:
    ///   - element: The field as it is written.
    ///   - stored: The stored field.
    ///   - item: The item that is written.
    ///   - options: The options of the store.
    /// - Returns: `nil` if it is a plain value, which must be sealed.
    /// - Throws: ``CodexError/Code/valueTampered`` for a copied value in the form of an encrypted
    ///   one that does not open here, or is unbound where that is refused;
    ///   ``CodexError/Code/keyUnavailable`` if the provider fails, or lacks the copy's key;
    ///   ``CodexError/Code/valueNotSealed`` if all values must be sealed, and a stored plain one is
    ///   written back.
    func settled(
        _ element: AttributeMap.Element, _ stored: AttributeMap.Element?, in item: Item,
        _ options: StoreOptions
    ) throws(CodexError) -> AttributeMap.Element? {
        if let stored, stored.seal != .plain, stored.value == element.value {
            // The value was read and is written back by a form without seals, such as JSON.
            if stored.seal == .sealed { return stored }
            let kept = keptUndecided(stored, in: item, options)
            if kept == nil, options.requiresSealedFields { throw .valueNotSealed(element.name) }
            return kept
        }
        if let stored, options.requiresSealedFields, stored.seal == .plain,
            element.seal == .plain, stored.value == element.value
        {
            // A program may have written it without the store. A seal would make it trusted.
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
            // Without keys no value can be judged. Reads with the keys check it.
            guard options.sealer == nil else { throw .keyUnavailable(element.name) }
            return element.with(.sealed)
        }
    }

    /// The form in which an undecided value is stored again; `nil` if it is plain, and can be
    /// sealed.
    private func keptUndecided(
        _ stored: AttributeMap.Element, in item: Item, _ options: StoreOptions
    ) -> AttributeMap.Element? {
        guard options.sealer != nil else { return stored }
        // A failing provider must not prevent writes of other fields.
        guard let encodedKey = try? key(of: item),
            let judged = try? verdict(on: stored, encodedKey, options)
        else { return stored }
        switch judged {
        case .plain: return nil
        case .sealed: return stored.with(.sealed)
        case .unknown, .damaged: return stored
        }
    }

    /// The item with its undecided values decided, if their keys are available.
    ///
    /// Plain values are sealed, unless plain values are refused
    /// (``StoreOptions/requiresSealedFields``): a program may have written them without the store.
    /// Damaged values stay unchanged.
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
    /// The number of damaged values, which stay undecided.
    var damagedCount = 0
}
