internal import CodexCore

/// The Swift types of entities that a process uses with a store.
final class KnownTypes: Sendable {
    /// The types of the schema that the store was opened with, which were checked then.
    let opened: [any Entity.Type]
    /// The types whose definitions fit them.
    private let sound: Locked<Set<ObjectIdentifier>>

    init(_ schema: Schema?) {
        opened = schema?.types ?? []
        sound = Locked(Set(opened.map { ObjectIdentifier($0) }))
    }

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
