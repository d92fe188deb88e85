internal import CodexCore
internal import CodexIndex

// What a transaction keeps of entity types: definitions in this store, and places of fields.

extension TransactionContext {
    /// An entity type with its number in this store, and the table of its items.
    ///
    /// It is a class because each read item passes it on: copies would cost more than the reading
    /// of a field.
    final class BoundEntity: Sendable {
        let type: ObjectIdentifier
        let entityType: any Entity.Type
        let entity: EntityBinding
        let table: TableHandle
        /// The type's fields in the type's order, which may differ from the order in the store's
        /// manifest.
        let fieldNames: [String]
        /// The schema version that the program knows; the store may have a later one.
        let version: Int
        /// The attributes that differ from the program's definition; none if both have one version.
        let changedNames: Set<String>

        init(
            _ type: any Entity.Type, _ definition: EntityDefinition, _ entity: EntityBinding,
            _ table: TableHandle
        ) {
            self.type = ObjectIdentifier(type)
            entityType = type
            self.entity = entity
            self.table = table
            fieldNames = definition.fields.map(\.name)
            version = definition.schemaVersion
            changedNames =
                version < entity.definition.schemaVersion
                ? definition.changedNames(to: entity.definition) : []
        }

        /// Whether the program is older than the store.
        var isOlder: Bool { version < entity.definition.schemaVersion }
    }

    /// The key of a cached plan: an entity type and a shape.
    struct PlanKey: Hashable {
        let type: ObjectIdentifier?
        let shape: UInt32
    }

    /// The binding of an entity type in this store.
    @inline(__always)
    func binding(_ type: any Entity.Type) throws(CodexError) -> BoundEntity {
        let id = ObjectIdentifier(type)
        if let lastBinding, lastBinding.type == id { return lastBinding.bound }
        return try slowBinding(type, id)
    }

    private func slowBinding(
        _ type: any Entity.Type, _ id: ObjectIdentifier
    ) throws(CodexError) -> BoundEntity {
        let bound: BoundEntity
        if let known = bindings[id] {
            bound = known
        } else {
            bound = try newBinding(type)
            bindings[id] = bound
        }
        lastBinding = (id, bound)
        return bound
    }

    private func newBinding(_ type: any Entity.Type) throws(CodexError) -> BoundEntity {
        let definition = type.definition
        try core.types.requireSound(type)
        let entity = try catalog.binding(definition)
        let table = try catalog.table(entity.definition.table)
        let (version, stored) = (definition.schemaVersion, entity.definition.schemaVersion)
        guard version <= stored else {
            throw CodexError(
                .schemaMismatch,
                "The store has schema version \(stored) of \(definition.name), the program "
                    + "\(version). Open the store with the program's schema.")
        }
        // The opening checks this. But a type may be used that the opening's schema did not have.
        if version < stored {
            let keys = table.plan.definition.keyAttributes.map(\.name)
            guard
                definition.table == table.name,
                keys.allSatisfy({ definition.keys[$0] == entity.definition.keys[$0] })
            else {
                throw CodexError(
                    .schemaMismatch,
                    "\(definition.name) has another table or key in the store than in the "
                        + "program. Open the store with the program's schema.")
            }
        }
        return BoundEntity(type, definition, entity, table)
    }

    /// The positions of the entity's fields in items of the shape.
    @inline(__always)
    func plan(_ bound: BoundEntity, _ shape: Shape) -> FieldPlan {
        let key = PlanKey(type: bound.type, shape: shape.id)
        if let lastPlan, lastPlanKey == key { return lastPlan }
        return slowPlan(bound, shape, key)
    }

    private func slowPlan(
        _ bound: BoundEntity, _ shape: Shape, _ key: PlanKey
    ) -> FieldPlan {
        // Items that store their names themselves share one number, so their plans are not kept.
        guard shape.id != .max else { return FieldPlan(bound.fieldNames, shape) }
        let plan = plans[key] ?? FieldPlan(bound.fieldNames, shape)
        plans[key] = plan
        (lastPlanKey, lastPlan) = (key, plan)
        return plan
    }
}
