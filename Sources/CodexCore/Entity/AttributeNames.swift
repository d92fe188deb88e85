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
        if let names = KnownNames.shared.names(of: id) { return names }
        let fields = type.definition.fields
        let names: AttributeNames
        if !fields.isEmpty {
            names = .declared(fields)
        } else if let type = type as? any Decodable.Type {
            names = AttributeNames(codingKeysOf: type)
        } else {
            names = .unchecked
        }
        KnownNames.shared.add(names, of: id)
        return names
    }
}

/// The names of the types that were asked for, which do not change.
///
/// No thread waits: while another one uses it, a type counts as unknown.
///
/// It is `Sendable` because `names` is used only by the thread that set `isTaken`.
private final class KnownNames: @unchecked Sendable {
    static let shared = KnownNames()

    private let isTaken = Atomic(false)
    private var names: [ObjectIdentifier: AttributeNames] = [:]

    func names(of type: ObjectIdentifier) -> AttributeNames? {
        guard take() else { return nil }
        defer { isTaken.store(false, ordering: .releasing) }
        return names[type]
    }

    func add(_ new: AttributeNames, of type: ObjectIdentifier) {
        guard take() else { return }
        defer { isTaken.store(false, ordering: .releasing) }
        names[type] = new
    }

    private func take() -> Bool {
        isTaken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
    }
}

extension Entity {
    /// The names of the attributes that values of the type have, as far as they are known.
    ///
    /// - Complexity: O(1) after the first call for a type.
    package static var attributeNames: AttributeNames { AttributeNames.names(of: self) }

    /// Checks that items of the entity can have the attributes that a filter or condition names.
    ///
    /// - Parameter names: The names of top-level attributes.
    /// - Throws: ``CodexError/Code/invalidExpression`` with the first name that the entity does not
    ///   know.
    /// - Complexity: O(*n* · *m*) for *n* names and *m* fields.
    package static func requireKnown(names: some Sequence<String>) throws(CodexError) {
        let attributes = EntityAttributes(Self.self)
        for name in names where attributes.has(name) == false {
            let entity = attributes.definition.name
            throw CodexError(
                .invalidExpression,
                "Entity \(entity) has no attribute \(name.abbreviated())."
                    + attributes.suggestion(for: name)
            ).inEntity(entity)
        }
    }
}
