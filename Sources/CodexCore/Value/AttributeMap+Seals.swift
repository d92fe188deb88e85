/// Whether a stored value is plain or belongs to an encrypted field.
package enum ValueSeal: UInt8, Sendable {
    /// The value is plain data.
    case plain
    /// The value belongs to an encrypted field.
    case sealed
    /// The value begins like an encrypted value; only the encryption keys can decide whether it is
    /// one.
    case undecided
}

extension AttributeMap {
    /// The element named `name`, or `nil`.
    package func element(named name: String) -> Element? { index(of: name).map { elements[$0] } }

    /// The attributes for which `isKept` returns `true`, with their seals.
    package func keeping(where isKept: (Element) -> Bool) -> AttributeMap {
        AttributeMap(uncheckedSorted: elements.filter(isKept))
    }

    /// Whether a value is sealed or undecided.
    package var hasSeals: Bool {
        // A loop, because a closure would copy each element.
        for place in elements.indices where elements[place].seal != .plain { return true }
        return false
    }

    /// The name of an attribute whose value is sealed or undecided.
    package var sealedName: String? { elements.first { $0.seal != .plain }?.name }

    /// Whether a value is undecided.
    package var hasUndecided: Bool { elements.contains { $0.seal == .undecided } }

    /// The number of undecided values.
    package var undecidedCount: Int { elements.count(where: { $0.seal == .undecided }) }

    /// The same attributes, with undecided values made plain except those for which `isKept` is
    /// `true`.
    package func decidingPlain(except isKept: (Element) -> Bool = { _ in false }) -> AttributeMap {
        guard hasUndecided else { return self }
        return AttributeMap(
            uncheckedSorted: elements.map {
                $0.seal == .undecided && !isKept($0) ? $0.with(.plain) : $0
            })
    }

    /// The same attributes, with each sealed value made undecided unless `stored` has it under its
    /// name.
    ///
    /// Items in memory keep their seals. But a program may have moved a value to another item,
    /// field or store, where it does not open.
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

    /// Copies the seals of another map's values to equal values of this map, under any name.
    ///
    /// It serves program code that moves values and does not know about seals.
    package mutating func adoptSeals(of other: AttributeMap) {
        for sealed in other.elements where sealed.seal != .plain {
            for element in elements where element.seal == .plain && element.value == sealed.value {
                set(element.with(sealed.seal))
            }
        }
    }

    /// The item with a seal on each value that may belong to an encrypted field.
    ///
    /// Call it for an item of which only the content is left, such as an item from JSON. Raw items
    /// contain the values of encrypted fields as binaries that begin with a mark, and JSON keeps
    /// nothing else. Without this call, the store would take such a value as plain and encrypt it
    /// again.
    ///
    /// The store decides about the values that this function seals. It takes a value as encrypted
    /// if its keys open the value in that place. It refuses other values of that form
    /// (``CodexError/Code/valueTampered``). In fields that are not encrypted, the values are plain.
    ///
    /// A store without keys takes the values as they are, and reads with keys check them. Without
    /// keys, therefore put only items that were exported from that store or a copy of it.
    /// keys, put only what was exported from that store or a copy of it.
    ///
    /// ```swift
    /// let item = try DynamoDBJSON.item(parsing: line).recognizingSealedValues()
    /// try await store.put(item, in: table)
    /// ```
    ///
    /// - Complexity: O(*n*) in the number of attributes.
    public func recognizingSealedValues() -> AttributeMap { recognizingSealedValues { _ in true } }

    /// The same, only for attributes whose name `mayBeSealed` accepts.
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

    /// The attributes whose values have the form of encrypted values; plain data may have it too.
    ///
    /// - Complexity: O(*n*) in the number of attributes.
    public var sealedFormNames: [String] {
        elements.filter { SealedValue($0.value) != nil }.map(\.name)
    }
}
