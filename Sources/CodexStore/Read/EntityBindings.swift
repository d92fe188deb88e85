internal import CodexCore

// What a transaction keeps of entity types: their definitions in this store, and where their fields are.

extension TransactionContext {
    /// An entity type with its number in this store, and the table of its items.
    struct BoundEntity {
        let type: ObjectIdentifier
        let entityType: any Entity.Type
        let entity: EntityBinding
        let table: TableHandle
        /// The type's fields in the type's order, which may differ from the order in the store's
        /// manifest.
        let fieldNames: [String]
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
            let definition = type.definition
            let entity = try catalog.binding(definition)
            guard entity.definition.schemaVersion == definition.schemaVersion else {
                throw CodexError(
                    .schemaMismatch,
                    "The store has schema version \(entity.definition.schemaVersion) of "
                        + "\(definition.name), the program \(definition.schemaVersion). "
                        + "Open the store with the program's schema.")
            }
            bound = BoundEntity(
                type: id, entityType: type, entity: entity,
                table: try catalog.table(entity.definition.table),
                fieldNames: definition.fields.map(\.name))
            bindings[id] = bound
        }
        lastBinding = (id, bound)
        return bound
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
