package import CodexCore
internal import CodexIndex
internal import Synchronization

/// What a snapshot or write transaction works with: the LMDB transaction, and caches of what does
/// not change once it is committed.
///
/// Used by one thread at a time.
package class TransactionContext: ShapeSource {
    let core: StoreCore
    /// The tables and entities as the transaction sees them.
    var catalog: Catalog {
        didSet { (bindings, lastBinding) = ([:], nil) }
    }
    var transaction: Transaction {
        didSet { moment = nil }
    }
    /// The second, counted from 1970, by which the transaction judges what is expired; `nil` until
    /// it first has to.
    var moment: Int?
    /// What is asked for the memory of each item that a write decodes; `nil` if nobody counts it.
    var memory: DecodedMemory?
    /// Reused for encoding keys, so that a read allocates none.
    private var keyScratch: [UInt8] = []
    private var shapes: [Shape?] = []
    private var bindings: [ObjectIdentifier: BoundEntity] = [:]
    private var lastBinding: (type: ObjectIdentifier, bound: BoundEntity)?
    private var plans: [PlanKey: FieldPlan] = [:]
    private var lastPlanKey = PlanKey(type: nil, shape: .max)
    private var lastPlan: FieldPlan?

    private struct PlanKey: Hashable {
        let type: ObjectIdentifier?
        let shape: UInt32
    }

    init(_ core: StoreCore, _ transaction: Transaction, _ catalog: Catalog) {
        self.core = core
        self.transaction = transaction
        self.catalog = catalog
        keyScratch.reserveCapacity(512)
    }

    /// The shape numbered `id`, from the cache or the store.
    package func shape(_ id: UInt32) throws(CodexError) -> Shape {
        let position = Int(id)
        if position < shapes.count, let shape = shapes[position] { return shape }
        guard position < Limits.shapeCountMax,
            let bytes = unsafe try transaction.get(catalog.shapes, ShapeRegistry.key(id))
        else {
            throw Wire.corrupted("an item names a shape that the store does not have")
        }
        let shape = try Shape(id: id, encoded: unsafe Span(_unsafeElements: bytes))
        while shapes.count <= position { shapes.append(nil) }
        shapes[position] = shape
        return shape
    }

    /// Where the log ends as far as the snapshot has applied it.
    func storedPosition() throws(CodexError) -> LogPosition {
        try LogPosition(transaction, catalog.meta)
    }

    func storedPositionBytes() throws(CodexError) -> [UInt8] {
        try LogPosition.storedBytes(transaction, catalog.meta)
    }

    /// Forgets shapes that a transaction made and did not commit.
    func forgetShapes(from id: Int) {
        if shapes.count > id { shapes.removeSubrange(id...) }
        plans = plans.filter { $0.key.shape < id }
        lastPlan = nil
    }

    /// An entity type as this store knows it, and the table of its items.
    struct BoundEntity {
        let type: ObjectIdentifier
        let entityType: any Entity.Type
        let entity: EntityBinding
        let table: TableHandle
        /// The type's own fields in its own order, whatever the store's manifest has.
        let fieldNames: [String]
    }

    /// What the store knows of an entity type.
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

    /// Where the entity's fields are in items of the shape.
    @inline(__always)
    func plan(_ bound: BoundEntity, _ shape: Shape) -> FieldPlan {
        let key = PlanKey(type: bound.type, shape: shape.id)
        if let lastPlan, lastPlanKey == key { return lastPlan }
        return slowPlan(bound, shape, key)
    }

    private func slowPlan(
        _ bound: BoundEntity, _ shape: Shape, _ key: PlanKey
    ) -> FieldPlan {
        // Items with names of their own share one number: their plans are not kept.
        guard shape.id != .max else { return FieldPlan(bound.fieldNames, shape) }
        let plan = plans[key] ?? FieldPlan(bound.fieldNames, shape)
        plans[key] = plan
        (lastPlanKey, lastPlan) = (key, plan)
        return plan
    }

    /// Encodes a primary key into the scratch buffer for the duration of `body`.
    @inline(__always)
    func withKey<R>(
        _ key: PrimaryKey, _ table: TableHandle, _ body: ([UInt8]) throws -> R
    ) throws -> R {
        // Taken out meanwhile, so that a nested call has one of its own.
        var scratch: [UInt8] = []
        swap(&scratch, &keyScratch)
        defer { swap(&scratch, &keyScratch) }
        scratch.removeAll(keepingCapacity: true)
        try table.plan.encode(key, into: &scratch)
        return try body(scratch)
    }
}

/// A pooled read transaction.
///
/// Sendable in spite of its state: the pool lends it to one thread at a time, and LMDB allows that
/// for read transactions opened with `MDB_NOTLS`.
package final class ReadContext: TransactionContext, @unchecked Sendable {
    /// The snapshot that the catalog was compared with last.
    private var synchronizedID = -1
    /// The epoch that it was taken in.
    var epoch = 0
    /// The thread that reads with it; 0 while none does.
    let thread = Atomic<UInt>(0)

    func reset() { transaction.reset() }
    func renew() throws(CodexError) {
        moment = nil
        try transaction.renew()
    }
    func abort() {
        core.remove(self)
        transaction.abort()
    }

    /// Makes the catalog that of the snapshot; takes a newer snapshot if databases must be opened.
    @inline(__always)
    func synchronize() throws(CodexError) {
        let id = transaction.id
        if id != synchronizedID { try slowSynchronize() }
    }

    private func slowSynchronize() throws(CodexError) {
        while try Catalog.storedGeneration(transaction, catalog.meta) != catalog.generation {
            // Databases that are opened from now on are not for this snapshot, but for the next.
            catalog = try core.refreshCatalog()
            reset()
            try renew()
        }
        synchronizedID = transaction.id
    }
}
