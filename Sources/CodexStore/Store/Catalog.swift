internal import CodexCore
internal import CodexIndex
internal import FoundationEssentials

/// An index's plan and its tree.
struct IndexHandle: Sendable {
    let plan: IndexPlan
    let tree: Tree
    let state: Manifest.BuildState?
    /// The tree's name after the table's.
    let part: String
    /// Whether it is a unique index that was never ready (``Manifest/Table/unproven``).
    let isUnproven: Bool
    /// Whether it will replace another tree of the index, which answers until then
    /// (``Manifest/Relayout``).
    let isReplacement: Bool

    /// Whether writes maintain the index.
    var isMaintained: Bool { state != .loading }

    /// Whether entries may have large values of their own, and not those of the items.
    var ownsChunks: Bool { plan.definition.ownsChunks(plan.layout) }

    /// Whether writes of equal keys are refused.
    ///
    /// A unique index whose first build found equal keys is not in force until they are gone. Of
    /// two trees of an index, the one that answers decides.
    var refusesEqualKeys: Bool {
        plan.definition.isUnique && !isReplacement && !(isUnproven && state == .conflicting)
    }
}

/// A counter's plan and its tree.
struct CounterHandle: Sendable {
    let plan: CounterPlan
    let tree: Tree
    let state: Manifest.BuildState?
    let part: String
}

/// A table's plan and its trees.
final class TableHandle: Sendable {
    let plan: TablePlan
    let number: Int
    let tree: Tree
    /// The table's indexes, including the index of expiry; the trees that will replace others come
    /// last.
    let indexes: [IndexHandle]
    /// The index of the items that expire, if the table has a time to live.
    let expiryIndex: IndexHandle?
    let counters: [CounterHandle]
    /// The attributes of an item that a deletion decodes.
    let derivedParts: DerivedParts
    /// The entities whose items are in the table.
    let entities: [EntityBinding]
    /// Trees of removed indexes and counters that are not empty yet, by name after the table's.
    let retired: [(part: Manifest.Retired, tree: Tree)]
    /// Whether values must be decided; `nil` in a follower, whose items are its leader's.
    let undecided: Manifest.Undecided?
    /// Whether items may have the second of expiry of a time to live that was removed.
    let hasFormerExpiry: Bool
    /// Whether this store must remove such seconds: a follower gets the changes of its leader.
    let clearsExpiry: Bool
    /// Whether items expire.
    let expires: Bool

    init(
        plan: TablePlan, number: Int, tree: Tree, indexes: [IndexHandle],
        counters: [CounterHandle], entities: [EntityBinding],
        retired: [(part: Manifest.Retired, tree: Tree)], undecided: Manifest.Undecided?,
        hasFormerExpiry: Bool, isFollower: Bool
    ) {
        self.plan = plan
        self.number = number
        self.tree = tree
        self.indexes = indexes
        expiryIndex = indexes.first { $0.plan.isExpiry }
        self.counters = counters
        derivedParts = DerivedParts(indexes, counters)
        self.entities = entities
        self.retired = retired
        self.undecided = undecided
        self.hasFormerExpiry = hasFormerExpiry
        clearsExpiry = hasFormerExpiry && !isFollower
        expires = plan.definition.timeToLive != nil && !hasFormerExpiry
    }

    var name: String { plan.definition.name }

    /// Whether the table has parts to build or empty, or values to decide.
    var hasWork: Bool {
        isToBeBuilt || !retired.isEmpty || undecided == .unread || clearsExpiry
    }

    /// Whether an index or counter must be built.
    var isToBeBuilt: Bool {
        let states = indexes.map(\.state) + counters.map(\.state)
        return states.contains { $0 == .building || $0 == .loading }
    }

    /// Whether a bulk load into the table runs, or was killed.
    var isLoading: Bool {
        indexes.contains { $0.state == .loading } || counters.contains { $0.state == .loading }
    }

    /// The index, if it can be read.
    func index(_ name: String) throws(CodexError) -> IndexHandle {
        let index = try knownIndex(name)
        try requireReady(index.state, .index, name)
        return index
    }

    /// The index, in any state, except the index of expiry, which cannot be read.
    func knownIndex(_ name: String) throws(CodexError) -> IndexHandle {
        let index = indexes.first { $0.plan.definition.name == name }
        guard let index, !index.plan.isExpiry else {
            throw unknown(.index, name, plan.definition.indexes.map(\.name))
        }
        return index
    }

    /// The counter, if it can be read.
    func counter(_ name: String) throws(CodexError) -> CounterHandle {
        guard let counter = counters.first(where: { $0.plan.definition.name == name }) else {
            throw unknown(.counter, name, counters.map(\.plan.definition.name))
        }
        if counter.state == .conflicting {
            throw CodexError(
                .indexNotReady,
                "Counter \(name) of table \(self.name) has a group whose sum needs more than "
                    + "\(DynamoDBLimits.numberDigitCountMax) digits. Change its items or remove "
                    + "it, then "
                    + "call waitUntilReady().")
        }
        try requireReady(counter.state, .counter, name)
        return counter
    }

    private func unknown(_ kind: PartKind, _ name: String, _ known: [String]) -> CodexError {
        CodexError(
            .unknownIndex,
            "Table \(self.name) has no \(kind.rawValue) \(name)."
                + (known.isEmpty ? "" : " It has: \(known.joined(separator: ", "))."))
    }

    private func requireReady(
        _ state: Manifest.BuildState?, _ kind: PartKind, _ name: String
    ) throws(CodexError) {
        switch state {
        case nil: return
        case .loading, .building:
            throw CodexError(
                .indexNotReady,
                "The \(kind.rawValue) \(name) of table \(self.name) is being built. "
                    + "Wait for it with waitUntilReady().")
        case .conflicting:
            throw CodexError(
                .indexNotReady,
                "The unique index \(name) of table \(self.name) has items with equal keys. "
                    + "Change those that duplicates(ofIndex:in:) lists, then call "
                    + "waitUntilReady().")
        }
    }

    /// The entity to which a primary key belongs, by the entities' templates.
    func entity(of key: PrimaryKey) -> EntityBinding? {
        entities.first { $0.definition.matches(key, in: plan.definition) }
    }

    /// The entity with encrypted fields that a raw item becomes once it is updated, if any.
    func sealedEntity(ofRaw image: Image?, _ key: PrimaryKey) -> EntityBinding? {
        guard image?.header.entityNumber == 0, hasSealedEntities else { return nil }
        return entity(of: key).flatMap { $0.definition.sealed.isEmpty ? nil : $0 }
    }

    private var hasSealedEntities: Bool { entities.contains { !$0.definition.sealed.isEmpty } }
}

/// A tree of a removed table that is not empty yet.
struct DroppedTree: Sendable {
    /// The table's number.
    let number: Int
    let part: Manifest.Retired
    let tree: Tree
}

/// The tables, indexes, counters and entities of a store as of one generation of its manifest, with
/// their open databases.
final class Catalog: Sendable {
    let generation: UInt64
    let manifest: Manifest
    let meta: DatabaseID
    let shapes: DatabaseID
    let tokens: DatabaseID
    let consumers: DatabaseID
    let overflow: Overflow
    let storeID: [UInt8]
    private let tables: [String: TableHandle]
    private let bindings: [String: EntityBinding]
    private let names: [Int: String]
    /// The encrypted attributes of entities that have some, by the entities' numbers.
    private let sealed: [Int: SealedFields]
    /// The derived attributes of entities that have some, by the entities' numbers.
    private let derivations: [Int: Derivation]
    /// Trees of removed tables that are not empty yet.
    let droppedTrees: [DroppedTree]
    /// All databases that the manifest names.
    let databases: Set<DatabaseID>
    /// The databases by name.
    private let handles: [String: DatabaseID]
    /// Whether any table has parts to build or empty, or values to decide.
    let hasWork: Bool

    static let metaName = "meta"

    /// Opens, or in a write transaction creates, everything that the manifest names.
    ///
    /// The transaction must have begun with the core's schema lock held: only one transaction of a
    /// process may open LMDB's handles at a time (lmdb.h).
    ///
    /// - Parameters:
    ///   - manifest: The manifest.
    ///   - generation: Its generation.
    ///   - transaction: The transaction.
    ///   - create: Whether to create databases that are missing.
    ///   - known: The present catalog of the process, whose handles are open. LMDB compares the
    ///     name of a database that is opened with those of all open ones.
    /// - Throws: ``CodexError/Code/corrupted`` if a database is missing, and the errors of LMDB.
    init(
        _ manifest: Manifest, generation: UInt64, _ transaction: Transaction, create: Bool,
        known: Catalog? = nil
    ) throws(CodexError) {
        var databases: Set<DatabaseID> = []
        var handles: [String: DatabaseID] = [:]
        func open(_ name: String) throws(CodexError) -> DatabaseID {
            if let database = known?.handles[name] {
                databases.insert(database)
                handles[name] = database
                return database
            }
            guard let database = try transaction.open(name, create: create) else {
                throw CodexError(
                    .corrupted,
                    "The store lacks a part that its manifest names. Restore from a backup.")
            }
            databases.insert(database)
            handles[name] = database
            return database
        }
        self.generation = generation
        var stored = manifest
        // The next change must not repeat them: another part may have a removed one's number then.
        stored.sideEffects = Manifest.SideEffects()
        self.manifest = stored
        meta = try open(Self.metaName)
        shapes = try open("shapes")
        tokens = try open("tokens")
        consumers = try open("consumers")
        let overflow = Overflow(meta: meta, long: try open("long"), chunks: try open("chunks"))
        self.overflow = overflow
        storeID = Array(manifest.storeID.uuidString.utf8)
        let bindings = manifest.schema.entities.map {
            EntityBinding($0, number: manifest.entities[$0.name] ?? 0, manifest)
        }
        // Each name and number is in the manifest once; a damaged file could differ, so nothing
        // traps.
        self.bindings = Dictionary(bindings.map { ($0.definition.name, $0) }) { $1 }
        // Entities of removed tables are included, since their changes may be read.
        names = Dictionary(manifest.entities.map { ($0.value, $0.key) }) { $1 }
        var tables: [String: TableHandle] = [:]
        for definition in manifest.schema.tables {
            guard let entry = manifest.tables[definition.name] else { continue }
            let plan = TablePlan(definition) { entry.layout(of: $0) }
            func tree(_ part: String?) throws(CodexError) -> Tree {
                let name = entry.treeName + (part.map { ".\($0)" } ?? "")
                return Tree(try open(name), name: name, overflow)
            }
            var indexes: [IndexHandle] = []
            for index in plan.indexes {
                let part = PartKind.index.part(entry.indexes[index.definition.name] ?? 0)
                indexes.append(
                    IndexHandle(
                        plan: index, tree: try tree(part), state: entry.states?[part], part: part,
                        isUnproven: entry.isUnproven(part), isReplacement: false))
            }
            for index in definition.indexes {
                guard let relayout = entry.relayouts?[index.name] else { continue }
                let part = PartKind.index.part(relayout.number)
                indexes.append(
                    IndexHandle(
                        plan: plan.plan(of: index, in: relayout.layout), tree: try tree(part),
                        state: entry.states?[part], part: part, isUnproven: false,
                        isReplacement: true))
            }
            var counters: [CounterHandle] = []
            for counter in plan.counters {
                let part = PartKind.counter.part(entry.counters?[counter.definition.name] ?? 0)
                counters.append(
                    CounterHandle(
                        plan: counter, tree: try tree(part), state: entry.states?[part], part: part)
                )
            }
            var retired: [(part: Manifest.Retired, tree: Tree)] = []
            for old in entry.retired ?? [] { retired.append((old, try tree(old.part))) }
            tables[definition.name] = TableHandle(
                plan: plan, number: entry.number, tree: try tree(nil), indexes: indexes,
                counters: counters,
                entities: bindings.filter { $0.definition.table == definition.name },
                retired: retired, undecided: manifest.isFollower ? nil : entry.undecided,
                hasFormerExpiry: entry.formerExpiry ?? false, isFollower: manifest.isFollower)
        }
        self.tables = tables
        var droppedTrees: [DroppedTree] = []
        for table in manifest.dropped ?? [] {
            for old in table.trees {
                let name =
                    Manifest.Table.treeName(table.slot)
                    + (old.part.isEmpty ? "" : ".\(old.part)")
                droppedTrees.append(
                    DroppedTree(
                        number: table.number, part: old,
                        tree: Tree(try open(name), name: name, overflow)))
            }
        }
        self.droppedTrees = droppedTrees
        self.databases = databases
        self.handles = handles
        var sealed: [Int: SealedFields] = [:]
        for binding in bindings where !binding.definition.sealed.isEmpty {
            guard let table = tables[binding.definition.table] else { continue }
            sealed[binding.number] = SealedFields(
                names: binding.definition.sealed, plan: table.plan,
                store: manifest.bindingID?.byteArray)
        }
        self.sealed = sealed
        var derivations: [Int: Derivation] = [:]
        for binding in bindings { derivations[binding.number] = Derivation(binding.definition) }
        self.derivations = derivations
        treeCount = tables.values.map { 1 + $0.indexes.count + $0.counters.count }.max() ?? 1
        hasWork = !droppedTrees.isEmpty || tables.values.contains { $0.hasWork }
    }

    /// Reads the manifest and opens its databases.
    ///
    /// - Parameters:
    ///   - transaction: The transaction.
    ///   - known: The present catalog of the process.
    /// - Throws: ``CodexError/Code/corrupted``, and the errors of LMDB.
    convenience init(_ transaction: Transaction, known: Catalog? = nil) throws(CodexError) {
        guard let meta = try transaction.open(Self.metaName, create: false),
            let json = unsafe try transaction.get(meta, Manifest.key)
        else {
            throw CodexError(.corrupted, "The store has no manifest. Restore from a backup.")
        }
        try self.init(
            try Manifest(json: unsafe Array(json)),
            generation: try Self.storedGeneration(transaction, meta), transaction, create: false,
            known: known)
    }

    /// The generation of the manifest that a transaction sees.
    @inline(__always)
    static func storedGeneration(
        _ transaction: Transaction, _ meta: DatabaseID
    ) throws(CodexError) -> UInt64 {
        guard let bytes = unsafe try transaction.get(meta, Manifest.generationKey) else { return 0 }
        guard let generation = unsafe BigEndian.integer(bytes), generation < 1 << 62 else {
            throw Wire.corrupted("the manifest's generation")
        }
        return generation
    }

    /// The definition of a table, or `nil`.
    func definition(of table: String) -> TableDefinition? { tables[table]?.plan.definition }

    func table(_ name: String) throws(CodexError) -> TableHandle {
        if let table = tables[name] { return table }
        _ = try manifest.schema.table(name)
        throw CodexError(.unknownTable, "There is no table \(name).")
    }

    func table(number: Int) throws(CodexError) -> TableHandle {
        guard let table = tables.values.first(where: { $0.number == number }) else {
            throw Wire.corrupted("a table's number in the log")
        }
        return table
    }

    /// The maximum number of trees that a change of an item may touch.
    let treeCount: Int

    /// The database of the system space `space` in the log.
    func database(_ space: SystemSpace) -> DatabaseID {
        switch space {
        case .meta: meta
        case .shapes: shapes
        case .tokens: tokens
        case .consumers: consumers
        }
    }

    var allTables: [TableHandle] { tables.values.sorted { $0.name < $1.name } }

    func binding(_ definition: EntityDefinition) throws(CodexError) -> EntityBinding {
        guard let binding = bindings[definition.name] else {
            throw CodexError(
                .unknownEntity,
                "The store's schema has no entity \(definition.name). "
                    + "Open the store with a schema that has it.")
        }
        return binding
    }

    func entityName(_ number: Int) -> String? { names[number] }

    /// The encrypted attributes of an entity's items; `nil` if there are none.
    @inline(__always)
    func sealedFields(_ entity: Int) -> SealedFields? {
        sealed.isEmpty ? nil : sealed[entity]
    }

    /// The derived attributes of an entity's items; `nil` if there are none.
    @inline(__always)
    func derivation(of entity: Int) -> Derivation? {
        derivations.isEmpty ? nil : derivations[entity]
    }

    /// Whether any entity has encrypted attributes.
    var hasSealedFields: Bool { !sealed.isEmpty }

    /// Whether each item of a table must have the stamp of its time to live.
    ///
    /// A follower's items get their stamps when the leader builds, which may be after the follower
    /// has built its own index.
    func hasStamps(_ table: TableHandle) -> Bool {
        let unbuilt = manifest.isFollower ? manifest.unbuiltByLeader?[table.name] : nil
        return table.expiryIndex?.state == nil && !table.hasFormerExpiry
            && unbuilt?.contains(TableDefinition.expiryIndexName) != true
    }

    /// Whether an index or counter that is for `entities` has the items of entity `number`.
    func includes(_ entities: [String]?, _ number: Int) -> Bool {
        guard let entities else { return true }
        return entityName(number).map { entities.contains($0) } ?? false
    }
}
