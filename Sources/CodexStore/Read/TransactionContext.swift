package import CodexCore

/// The LMDB transaction of a snapshot or write transaction, with caches.
///
/// The caches have data that does not change once it is committed.
///
/// Only one thread at a time uses it.
package class TransactionContext: ShapeSource {
    let core: StoreCore
    /// The tables and entities as the transaction sees them.
    var catalog: Catalog {
        didSet { (bindings, lastBinding) = ([:], nil) }
    }
    var transaction: Transaction {
        didSet { instant = nil }
    }
    /// The second, counted from 1970, by which the transaction decides expiry; `nil` until the
    /// first use.
    var instant: Int?
    /// The budget that reserves the memory of each item that a write decodes; `nil` without a
    /// budget.
    var memory: DecodedMemory?
    /// A buffer for encoding keys, reused so that a read allocates none; only ``withKey(_:_:_:)``
    /// uses it.
    final var keyScratch: [UInt8]
    /// The memory for the items of index entries, reused so that a walk over them allocates none.
    final var referencedItems = ReferencedItems()
    /// The shapes by their numbers, as far as they were read.
    ///
    /// Each read of an item looks here. A change takes the array, and swaps it back. So no access
    /// to the property lasts for a call, and the compiler needs no check of exclusive access.
    private var shapes: [Shape?] = []
    /// The cache of ``binding(_:)``.
    final var bindings: [ObjectIdentifier: BoundEntity] = [:]
    final var lastBinding: (type: ObjectIdentifier, bound: BoundEntity)?
    /// The cache of ``plan(_:_:)``.
    final var plans: [PlanKey: FieldPlan] = [:]
    final var lastPlanKey = PlanKey(type: nil, shape: .max)
    final var lastPlan: FieldPlan?

    init(_ core: StoreCore, _ transaction: Transaction, _ catalog: Catalog) {
        self.core = core
        self.transaction = transaction
        self.catalog = catalog
        var scratch: [UInt8] = []
        scratch.reserveCapacity(512)
        keyScratch = scratch
    }

    /// The shape numbered `id`, from the cache or the store.
    package func shape(_ id: UInt32) throws(CodexError) -> Shape {
        let position = Int(id)
        if position < shapes.count, let shape = shapes[position] { return shape }
        guard position < StoreLimits.shapeCountMax,
            let bytes = unsafe try transaction.get(catalog.shapes, ShapeRegistry.key(id))
        else {
            throw Wire.corrupted("an item names a shape that the store does not have")
        }
        let shape = try Shape(id: id, encoded: unsafe Span(_unsafeElements: bytes))
        var known: [Shape?] = []
        swap(&known, &shapes)
        while known.count <= position { known.append(nil) }
        known[position] = shape
        swap(&known, &shapes)
        return shape
    }

    /// The position in the log up to which the snapshot has applied it.
    func storedPosition() throws(CodexError) -> LogPosition {
        try LogPosition(transaction, catalog.meta)
    }

    func storedPositionBytes() throws(CodexError) -> [UInt8] {
        try LogPosition.storedBytes(transaction, catalog.meta)
    }

    /// Forgets shapes that a transaction added and did not commit.
    func forgetShapes(from id: Int) {
        var known: [Shape?] = []
        swap(&known, &shapes)
        if known.count > id { known.removeSubrange(id...) }
        swap(&known, &shapes)
        plans = plans.filter { $0.key.shape < id }
        lastPlan = nil
    }
}
