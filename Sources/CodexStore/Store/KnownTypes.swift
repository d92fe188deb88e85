internal import CodexCore

/// The Swift types of entities that a process uses with a store.
final class KnownTypes: Sendable {
    /// The types of the schema that the store was opened with, which were checked then.
    let opened: [any Entity.Type]
    /// The same types by the names of their entities.
    private let named: [String: any Entity.Type]
    /// The types whose definitions fit them.
    private let sound: Locked<Set<ObjectIdentifier>>

    init(_ schema: Schema?) {
        opened = schema?.types ?? []
        named = Dictionary(opened.map { ($0.definition.name, $0) }) { $1 }
        sound = Locked(Set(opened.map { ObjectIdentifier($0) }))
    }

    /// The type of an entity, if the store was opened with it.
    func entityType(named name: String) -> (any Entity.Type)? { named[name] }

    /// Checks the definition of a type against the type, once.
    ///
    /// - Throws: ``CodexError/Code/invalidSchema``.
    func requireSound(_ type: any Entity.Type) throws(CodexError) {
        let id = ObjectIdentifier(type)
        if sound.withLock({ $0.contains(id) }) { return }
        try Schema.validate(type)
        sound.withLock { _ = $0.insert(id) }
    }
}
