internal import Synchronization

/// What is known of the attributes that the values of an entity's type have.
package enum AttributeNames: Sendable {
    /// The definition declares the fields.
    case declared([FieldDefinition])
    /// The type's coding keys: the function says whether there is one of a name.
    case keys(@Sendable (String) -> Bool)
    /// The names cannot be checked: the type accepts any coding keys, or only code knows its
    /// attributes.
    case unchecked

    /// A name that no type has, unless it takes any name.
    private static let absurdName = "\u{1}codex"

    /// Whether the type has a field of a name; `nil` if that cannot be known.
    package func hasField(_ name: String) -> Bool? {
        switch self {
        case .declared(let fields): fields.contains { ByteOrder.equal($0.name, name) }
        case .keys(let accepts): accepts(name)
        case .unchecked: nil
        }
    }

    /// The declared field of a name.
    package func field(_ name: String) -> FieldDefinition? {
        guard case .declared(let fields) = self else { return nil }
        return fields.first { ByteOrder.equal($0.name, name) }
    }

    /// The names that the coding keys of a type accept.
    fileprivate init(codingKeysOf type: any Decodable.Type) {
        guard let keys = CodingKeyProbe.keyType(of: type) else {
            self = .unchecked
            return
        }
        let accepts = { @Sendable (name: String) -> Bool in
            keys.init(stringValue: name).map { ByteOrder.equal($0.stringValue, name) } ?? false
        }
        self = accepts(Self.absurdName) ? .unchecked : .keys(accepts)
    }

    fileprivate static func names(of type: any Entity.Type) -> AttributeNames {
        let id = ObjectIdentifier(type)
        if let names = knownNames.withLockIfAvailable({ $0[id] }) ?? nil { return names }
        let fields = type.definition.fields
        let names: AttributeNames
        if !fields.isEmpty {
            names = .declared(fields)
        } else if let type = type as? any Decodable.Type {
            names = AttributeNames(codingKeysOf: type)
        } else {
            names = .unchecked
        }
        knownNames.withLockIfAvailable { $0[id] = names }
        return names
    }
}

/// The names of the types that were asked for, which do not change.
///
/// No thread waits: while another one uses it, a type counts as unknown.
private let knownNames = Mutex<[ObjectIdentifier: AttributeNames]>([:])

extension Entity {
    /// The names of the attributes that values of the type have, as far as they are known.
    ///
    /// - Complexity: O(1) after the first call for a type.
    package static var attributeNames: AttributeNames { AttributeNames.names(of: self) }

    /// Checks that a filter of a typed query can find items.
    ///
    /// A filter sees the stored bytes of an encrypted attribute. It can ask whether an item has
    /// such an attribute, but no value equals those bytes.
    ///
    /// - Parameters:
    ///   - filter: The filter.
    ///   - stored: The entity's definition in the store, which may have more encrypted attributes
    ///     and cases; `nil` is that of the type.
    /// - Throws: ``CodexError/Code/invalidExpression`` with the first name that the entity does not
    ///   know, with a comparison for which no item has a value, or with an encrypted attribute
    ///   whose value the filter reads.
    /// - Complexity: O(*n* · *m*) for *n* names and *m* fields.
    package static func requireUsable(
        _ filter: Condition, in stored: EntityDefinition? = nil
    ) throws(CodexError) {
        let attributes = EntityAttributes(Self.self, as: stored)
        let entity = attributes.definition.name
        for name in filter.paths.map(\.root) where attributes.has(name) == false {
            throw CodexError(
                .invalidExpression,
                "Entity \(entity) has no attribute \(name.abbreviated())."
                    + attributes.suggestion(for: name)
            ).inEntity(entity)
        }
        if let mismatch = attributes.mismatch(in: filter) {
            throw CodexError(
                .invalidExpression,
                "The filter for entity \(entity) \(mismatch)." + EntityAttributes.mismatchRemedy
            ).inEntity(entity)
        }
        let encrypted = attributes.definition.sealed
        if encrypted.isEmpty { return }
        let deciding = filter.decidingAttributes
        if let name = encrypted.first(where: deciding.contains) {
            throw CodexError(
                .invalidExpression,
                "Attribute \(name.abbreviated()) of entity \(entity) is encrypted, and a filter "
                    + "sees encrypted bytes. Read the items without it, and compare their values."
            ).inEntity(entity)
        }
    }
}
