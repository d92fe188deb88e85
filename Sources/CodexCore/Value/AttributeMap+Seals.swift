/// Whether a stored value is plain, or that of an encrypted field.
package enum ValueSeal: UInt8, Sendable {
    /// It is what it seems to be.
    case plain
    /// It is an encrypted field's value.
    case sealed
    /// It begins as an encrypted value, and nothing else tells whether it is one: the keys decide.
    case undecided
}

extension AttributeMap {
    /// The element named `name`, or `nil`.
    package func element(named name: String) -> Element? { index(of: name).map { elements[$0] } }

    /// The attributes for which `isKept` is true, with their seals.
    package func keeping(where isKept: (Element) -> Bool) -> AttributeMap {
        AttributeMap(uncheckedSorted: elements.filter(isKept))
    }

    /// Whether a value is not plain, or may not be.
    package var hasSeals: Bool {
        // Without a closure, which would copy each element.
        for place in elements.indices where elements[place].seal != .plain { return true }
        return false
    }

    /// The name of an attribute whose value is not plain, or may not be.
    package var sealedName: String? { elements.first { $0.seal != .plain }?.name }

    /// Whether a value is undecided.
    package var hasUndecided: Bool { elements.contains { $0.seal == .undecided } }

    /// How many values are undecided.
    package var undecidedCount: Int { elements.count(where: { $0.seal == .undecided }) }

    /// The same attributes; undecided values are plain, but for those that `isKept` is true for.
    package func decidingPlain(except isKept: (Element) -> Bool = { _ in false }) -> AttributeMap {
        guard hasUndecided else { return self }
        return AttributeMap(
            uncheckedSorted: elements.map {
                $0.seal == .undecided && !isKept($0) ? $0.with(.plain) : $0
            })
    }

    /// The same attributes; a sealed value that `stored` does not have under its name is undecided.
    ///
    /// Items in memory keep their seals. A program may have moved a value to another item, field or
    /// store, where it does not open.
    package func doubtingSeals(except stored: AttributeMap?) -> AttributeMap {
        guard elements.contains(where: { $0.seal == .sealed }) else { return self }
        return AttributeMap(
            uncheckedSorted: elements.map { element in
                guard element.seal == .sealed else { return element }
                let old = stored?.element(named: element.name)
                let isStored = old?.seal == .sealed && old?.value == element.value
                return isStored ? element : element.with(.undecided)
            })
    }

    /// Gives the seals of another map's values to equal values of this one, whatever their names.
    ///
    /// For code of the program that moves values: it does not know of seals.
    package mutating func adoptSeals(of other: AttributeMap) {
        for sealed in other.elements where sealed.seal != .plain {
            for element in elements where element.seal == .plain && element.value == sealed.value {
                set(element.with(sealed.seal))
            }
        }
    }

    /// The item as one that was read from a store, where its content alone is left: from JSON, say.
    ///
    /// Raw items have the values of encrypted fields as binaries that begin with a mark. JSON has
    /// nothing more. Put into a store as it is, such a value would be plain, and be encrypted
    /// again.
    ///
    /// In the item that this returns, such values are marked for the store to judge. It takes for
    /// encrypted what its keys open in that place, and refuses other values that have the form
    /// (``CodexError/Code/valueTampered``). In fields that are not encrypted, they are plain.
    ///
    /// A store without keys takes them as they are, and reads with keys check them. So without
    /// keys, put only what was exported from that store or a copy of it.
    ///
    /// ```swift
    /// let item = try DynamoDBJSON.item(parsing: line).recognizingSealedValues()
    /// try await store.put(item, in: table)
    /// ```
    ///
    /// - Complexity: O(*n*) in the number of attributes.
    public func recognizingSealedValues() -> AttributeMap { recognizingSealedValues { _ in true } }

    /// The same for those attributes only that `mayBeSealed` is true for, by name.
    package func recognizingSealedValues(
        where mayBeSealed: (String) -> Bool
    ) -> AttributeMap {
        guard elements.contains(where: { SealedValue.bearsMark($0.value) }) else { return self }
        return AttributeMap(
            uncheckedSorted: elements.map { element in
                element.seal == .plain && SealedValue.bearsMark(element.value)
                    && mayBeSealed(element.name) ? element.with(.undecided) : element
            })
    }

    /// The attributes whose values have the form of encrypted ones; data may have it, too.
    ///
    /// - Complexity: O(*n*) in the number of attributes.
    public var sealedFormNames: [String] {
        elements.filter { SealedValue($0.value) != nil }.map(\.name)
    }
}
