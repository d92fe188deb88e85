internal import CodexCore
internal import CodexIndex

// Keys are made by the definitions of the store's schema: by these, each process derives the
// attributes of the items that it writes.

extension KeyResolution {
    /// Creates a resolution for an entity in a transaction.
    init(_ bound: TransactionContext.BoundEntity) {
        self.init(bound.entity.definition, in: bound.table.plan.definition)
    }

    /// Creates a resolution for an entity by the schema of a catalog.
    ///
    /// - Throws: ``CodexError/Code/unknownEntity``, ``CodexError/Code/unknownTable``.
    init(_ type: any Entity.Type, by catalog: Catalog) throws(CodexError) {
        let entity = try catalog.binding(type.definition).definition
        self.init(entity, in: try catalog.table(entity.table).plan.definition)
    }
}
