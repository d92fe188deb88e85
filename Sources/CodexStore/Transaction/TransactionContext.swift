package import CodexCore
internal import CodexIndex

/// What a snapshot or write transaction works with: the LMDB transaction, and caches of what does
/// not change once it is committed.
///
/// Used by one thread at a time.
package class TransactionContext: ShapeSource {
    let core: StoreCore
    fileprivate(set) var transaction: Transaction
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

    init(_ core: StoreCore, _ transaction: Transaction) {
        self.core = core
        self.transaction = transaction
        keyScratch.reserveCapacity(512)
    }

    /// The shape numbered `id`, from the cache or the store.
    package func shape(_ id: UInt32) throws(CodexError) -> Shape {
        let position = Int(id)
        if position < shapes.count, let shape = shapes[position] { return shape }
        guard position < Limits.shapeCountMax,
            let bytes = unsafe try transaction.get(core.shapes, ShapeRegistry.key(id))
        else {
            throw Wire.corrupted("an item names a shape that the store does not have")
        }
        let shape = try Shape(id: id, encoded: unsafe Span(_unsafeElements: bytes))
        while shapes.count <= position { shapes.append(nil) }
        shapes[position] = shape
        return shape
    }

    fileprivate static let sequenceKey = Array("sequence".utf8)

    /// The store's number of the last commit.
    func storedSequence() throws(CodexError) -> UInt64 {
        guard let bytes = unsafe try transaction.get(core.meta, Self.sequenceKey) else { return 0 }
        let sequence = unsafe bytes.reduce(0) { $0 << 8 | UInt64($1) }
        guard bytes.count == 8, sequence < 1 << 63 else {
            throw Wire.corrupted("the sequence number")
        }
        return sequence
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
            let entity = try core.binding(definition)
            guard entity.definition.schemaVersion == definition.schemaVersion else {
                throw CodexError(
                    .schemaMismatch,
                    "The store has schema version \(entity.definition.schemaVersion) of "
                        + "\(definition.name), the program \(definition.schemaVersion). "
                        + "Open the store with the program's schema.")
            }
            bound = BoundEntity(
                type: id, entity: entity, table: try core.table(entity.definition.table),
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
    func reset() { transaction.reset() }
    func renew() throws(CodexError) { try transaction.renew() }
    func abort() { transaction.abort() }
}

/// The interned attribute-name lists, as the writer sees them.
///
/// Kept between transactions.
struct ShapeRegistry {
    private var numbers: [[UInt8]: UInt32] = [:]
    private(set) var count = 0
    private var last: (names: [String], id: UInt32)?

    /// A shape's key in the `shapes` database: its number, big-endian, so that keys ascend.
    static func key(_ id: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: id >> $0) }
    }

    /// Takes over what other processes added since the last transaction.
    mutating func refresh(_ transaction: Transaction, _ database: DatabaseID) throws(CodexError) {
        let stored = try transaction.statistics(database).entryCount
        if stored < count { self = ShapeRegistry() }
        while count < stored {
            guard let bytes = unsafe try transaction.get(database, Self.key(UInt32(count))) else {
                throw Wire.corrupted("the numbers of shapes have a gap")
            }
            numbers[unsafe Array(bytes)] = UInt32(count)
            count += 1
        }
    }

    /// Forgets what a transaction added that did not commit.
    mutating func truncate(to count: Int) {
        guard count < self.count else { return }
        numbers = numbers.filter { $0.value < count }
        self.count = count
        last = nil
    }

    /// The number of the list, added if there is room.
    mutating func intern(
        _ names: [String], _ transaction: Transaction, _ database: DatabaseID
    ) throws(CodexError) -> UInt32? {
        if let last, last.names.count == names.count,
            zip(last.names, names).allSatisfy({ ByteOrder.equal($0, $1) })
        {
            return last.id
        }
        guard names.count <= Limits.shapeAttributeCountMax else { return nil }
        let encoded = Shape.encode(names)
        if let id = numbers[encoded] {
            last = (names, id)
            return id
        }
        guard count < Limits.shapeCountMax, encoded.count <= Limits.shapeByteCountMax else {
            return nil
        }
        let id = UInt32(count)
        try transaction.put(database, Self.key(id), encoded)
        numbers[encoded] = id
        count += 1
        last = (names, id)
        return id
    }
}

/// The context of the writer's transactions.
///
/// Used by the writer's thread only.
package final class WriteContext: TransactionContext, ShapeInterner {
    private var registry = ShapeRegistry()
    private var shapeCountAtBegin = 0
    private var undo: [UndoEntry] = []
    private(set) var sequence: UInt64 = 0
    /// The failure that made the LMDB transaction useless; the group is run again without its
    /// culprit.
    private(set) var failure: CodexError?

    private struct UndoEntry {
        let table: TableHandle
        let key: [UInt8]
        let old: Image?
        let new: Image?
    }

    /// Begins the first transaction.
    init(_ core: StoreCore) throws(CodexError) {
        super.init(core, try core.environment.begin(readOnly: false))
        try began()
    }

    /// Begins the next transaction after ``commit()`` or ``abort()``.
    func begin() throws(CodexError) {
        transaction = try core.environment.begin(readOnly: false)
        try began()
    }

    private func began() throws(CodexError) {
        failure = nil
        undo = []
        do throws(CodexError) {
            try registry.refresh(transaction, core.shapes)
            shapeCountAtBegin = registry.count
            sequence = try storedSequence()
        } catch {
            transaction.abort()
            throw error
        }
    }

    package func intern(_ names: [String]) throws(CodexError) -> UInt32? {
        try registry.intern(names, transaction, core.shapes)
    }

    /// Whether the transaction changed anything.
    var hasChanges: Bool { !undo.isEmpty }

    /// Remembers that LMDB refused a change: nothing more can be done in this transaction.
    func noting<R>(_ body: () throws(CodexError) -> R) throws(CodexError) -> R {
        do throws(CodexError) {
            return try body()
        } catch {
            if error.cause is LMDBFailure { failure = error }
            throw error
        }
    }

    // MARK: Undo

    /// A place in the transaction to go back to.
    var mark: Int { undo.count }

    func record(_ table: TableHandle, _ key: [UInt8], _ old: Image?, _ new: Image?) {
        undo.append(UndoEntry(table: table, key: key, old: old, new: new))
    }

    /// Undoes what was done since `mark`, by the one function that changes items.
    func rollBack(to mark: Int) throws(CodexError) {
        while undo.count > mark, let entry = undo.popLast() {
            try apply(entry.table, entry.key, old: entry.new, new: entry.old)
        }
    }

    // MARK: End

    /// Prepares and commits the group.
    func commit() throws(CodexError) {
        sequence += 1
        do throws(CodexError) {
            let bytes = (0..<8).reversed().map { UInt8(truncatingIfNeeded: sequence >> ($0 * 8)) }
            try transaction.put(core.meta, Self.sequenceKey, bytes)
            try core.options.commitSink.prepare(
                CommitRecord(sequence: sequence, changes: try collectChanges()))
        } catch {
            abort()
            throw error
        }
        do throws(CodexError) {
            try transaction.commit()
        } catch {
            forget()
            // LMDB reports a write that was cut short by a full disk as EIO.
            guard error.code == .inputOutput, FileSystem.isFull(core.path) else { throw error }
            throw CodexError(
                .diskFull, "No space is left on the device. Free some, then try again.",
                cause: error.cause)
        }
        if sequence % Self.readerCheckInterval == 0 { core.environment.clearDeadReaders() }
    }

    /// After how many commits the slots of killed readers are looked for.
    private static let readerCheckInterval: UInt64 = 256

    private func collectChanges() throws(CodexError) -> [ItemChange] {
        guard core.options.commitSink.wantsChanges else { return [] }
        var changes: [ItemChange] = []
        for entry in undo where entry.old?.item != entry.new?.item {
            changes.append(
                ItemChange(
                    table: entry.table.name, key: try entry.table.plan.primaryKey(entry.key.span),
                    old: entry.old?.item, new: entry.new?.item))
        }
        return changes
    }

    /// Ends the transaction without effect.
    func abort() {
        transaction.abort()
        forget()
    }

    private func forget() {
        registry.truncate(to: shapeCountAtBegin)
        forgetShapes(from: shapeCountAtBegin)
        undo = []
    }
}
