internal import CodexCore
internal import FoundationEssentials

/// The identity and schema of a store, the numbers of its parts, and their build states.
///
/// It is stored as JSON in the `meta` database.
struct Manifest: Codable {
    /// A table that was removed; the log may still have changes of its items.
    struct Dropped: Codable {
        fileprivate(set) var definition: TableDefinition
        let number: Int
        let slot: Int
        /// The commit that removed it.
        let sequence: UInt64
        /// The trees that are not empty yet; the tree of the items has an empty name.
        var trees: [Retired]
    }

    static let key = Array("manifest".utf8)
    /// The key of a counter of the manifest's changes, so that processes notice each other's
    /// changes.
    static let generationKey = Array("generation".utf8)

    private(set) var format: Int
    private(set) var storeID: UUID
    /// The leader that this store follows, from whose log it takes all its data.
    private(set) var leaderID: UUID?
    /// The ID to which encrypted values are bound: that of the store whose schema first named
    /// encrypted fields.
    ///
    /// Copies (restored stores, followers) have the ID of their original. It is `nil` while the
    /// schema names no encrypted fields, and in stores of earlier releases until they are opened
    /// for writing.
    var bindingID: UUID?
    /// The indexes that the leader has not built, by table.
    ///
    /// If this store replaces the leader, it must do the leader's work: find equal keys, and stamp
    /// items that expire.
    var unbuiltByLeader: [String: [String]]?
    var schema: Schema
    var tables: [String: Table] = [:]
    var entities: [String: Int] = [:]
    /// The history of the schema, if programs of different releases need it.
    var evolution: SchemaEvolution?
    private(set) var dropped: [Dropped]?
    /// The highest number that a removed table had.
    private(set) var lastNumber: Int?
    /// What else a change adds to `meta`, and removes there; it is not stored.
    var sideEffects = SideEffects()

    /// Entries of `meta` that one change of the manifest adds and removes.
    struct SideEffects {
        /// The keys of entries that become obsolete.
        var obsoleteKeys: [[UInt8]] = []
        /// Removed tables that move into ``RemovedTables``.
        var settled: [Dropped] = []
    }

    private enum CodingKeys: CodingKey {
        case format, storeID, leaderID, bindingID, unbuiltByLeader, schema, tables, entities,
            evolution, dropped, lastNumber
    }

    /// A new store's manifest.
    init(schema: Schema) {
        format = StoreFormat.current
        storeID = UUID()
        self.schema = schema
        assignNumbers()
        bindSealedFields()
    }

    /// Adds the additions of a schema; returns whether there were any.
    mutating func merge(_ requested: Schema) throws(CodexError) -> Bool {
        let known = evolution ?? SchemaEvolution()
        let treeCount = numbers.treeCount
        let merged = try schema.merging(requested, cases: known.cases ?? CaseHistory())
        var evolved = known
        // A follower takes over the history of its leader.
        if !isFollower { evolved.note(merged, replacing: schema, for: requested) }
        guard merged != schema || evolved != known else { return false }
        try merged.validate()
        schema = merged
        evolution = evolved.isEmpty ? nil : evolved
        assignNumbers()
        bindSealedFields()
        // A manifest that reading would refuse is not written.
        guard max(numbers.highest, entities.values.max() ?? 0) <= ManifestNumbers.max else {
            throw CodexError(
                .invalidSchema,
                "The store has had \(ManifestNumbers.max) tables or entities. Export it, and "
                    + "import it into a new one.")
        }
        try numbers.requireTreeCount(since: treeCount)
        return true
    }

    /// Sets the store's format to the current one.
    ///
    /// - Returns: Whether that is new.
    @discardableResult
    mutating func raiseFormat() -> Bool {
        defer { format = StoreFormat.current }
        return isOfEarlierFormat
    }

    /// Whether the store's format is not raised yet.
    var isOfEarlierFormat: Bool { format < StoreFormat.current }

    /// Sets the extent to which the values of a table's items are decided.
    mutating func setUndecided(_ undecided: Undecided?, of table: String) {
        tables[table]?.undecided = undecided
        forgetPosition(DecidingProgress.part, of: table)
        raiseFormat()
    }

    /// Gives the manifest a new identity, for another store, which may follow a leader.
    mutating func renewIdentity(leader: UUID?) {
        storeID = UUID()
        leaderID = leader
        raiseFormat()
        guard leader != nil else { return rebuildUnbuilt() }
        unbuiltByLeader = (unbuiltByLeader ?? [:]).merging(unbuiltIndexes) { old, new in
            Set(old).union(new).sorted()
        }
    }

    /// Whether the store follows another one.
    var isFollower: Bool { leaderID != nil }

    /// Ends the following of a leader.
    mutating func endFollowing() {
        leaderID = nil
        sideEffects.obsoleteKeys.append(LeaderPosition.key)
        rebuildUnbuilt()
        bindSealedFields()
    }

    /// Binds encrypted values that are written from now on to the store.
    ///
    /// It does so if the schema names encrypted fields.
    ///
    /// A follower takes over the binding of its leader.
    ///
    /// - Returns: Whether that is new.
    @discardableResult
    mutating func bindSealedFields() -> Bool {
        guard bindingID == nil, !isFollower, schema.entities.contains(where: { !$0.sealed.isEmpty })
        else { return false }
        bindingID = storeID
        return true
    }

    /// Schedules a new build of the indexes that the leader had not built.
    ///
    /// The leader would have found equal keys, and stamped items that expire.
    ///
    /// The indexes get other numbers, so that a build that still runs does not end the new one. A
    /// conflicting index that was in force stays so. Each keeps its layout, or gets the one that it
    /// was given last.
    private mutating func rebuildUnbuilt() {
        var rebuilt: [(table: String, index: String, layout: IndexLayout?, isInForce: Bool)] = []
        for (name, indexes) in unbuiltByLeader ?? [:] {
            let definitions = schema.tables.first { $0.name == name }?.maintainedIndexes ?? []
            for index in definitions where indexes.contains(index.name) {
                guard let entry = tables[name], let number = entry.indexes[index.name] else {
                    continue
                }
                let part = PartKind.index.part(number)
                let isInForce =
                    index.isUnique && !entry.isUnproven(part)
                    && entry.state(part) == .conflicting
                rebuilt.append((name, index.name, entry.namedLayout(of: index), isInForce))
                for part in tables[name]?.removeIndex(index) ?? [] {
                    forgetPosition(part, of: name)
                }
            }
        }
        unbuiltByLeader = nil
        assignNumbers()
        for (table, index, layout, isInForce) in rebuilt {
            guard let number = tables[table]?.indexes[index] else { continue }
            let part = PartKind.index.part(number)
            tables[table]?.setLayout(layout, part)
            if isInForce { tables[table]?.setProven(part) }
        }
    }

    /// The names of the indexes that are not ready, by table.
    var unbuiltIndexes: [String: [String]] {
        tables.mapValues(\.unbuiltIndexes).filter { !$0.value.isEmpty }
    }

    /// The numbers of tables, and the next ones.
    var numbers: ManifestNumbers { ManifestNumbers(self) }

    /// Assigns numbers to new parts of the schema; new parts of an existing table must be built.
    ///
    /// New indexes have layouts, and so the manifest has the current format then.
    mutating func assignNumbers() {
        for table in schema.tables {
            let known = tables[table.name]
            let numbers = numbers
            var entry =
                known ?? Table(number: numbers.highest + 1, slot: numbers.freeSlot, indexes: [:])
            entry.assignNumbers(table, isNew: known == nil)
            // An opening on a full disk may have left the format as it was.
            if entry.indexes != known?.indexes { raiseFormat() }
            tables[table.name] = entry
        }
        for entity in schema.entities where entities[entity.name] == nil {
            entities[entity.name] = (entities.values.max() ?? 0) + 1
        }
    }

    /// Removes a table and its entities from the schema; its trees are emptied later.
    ///
    /// - Parameters:
    ///   - name: The table.
    ///   - sequence: The commit that removes the table.
    /// - Throws: ``CodexError/Code/unknownTable``.
    mutating func drop(_ name: String, at sequence: UInt64) throws(CodexError) {
        let definition = try schema.table(name)
        guard let entry = tables.removeValue(forKey: name) else {
            throw CodexError(.unknownTable, "There is no table \(name).")
        }
        var trees = entry.retired ?? []
        trees += definition.maintainedIndexes.flatMap { entry.trees(of: $0) }
        trees += (entry.counters ?? [:]).values.sorted().map {
            Retired(part: PartKind.counter.part($0), ownsChunks: false)
        }
        // The tree of the items is last: entries of other trees may refer to the items' chunks.
        trees.append(Retired(part: "", ownsChunks: true))
        let undecided = entry.undecided == nil ? [] : [DecidingProgress.part]
        for part in entry.parts.union(undecided) {
            sideEffects.obsoleteKeys.append(BuildProgress.key(table: entry.number, part))
        }
        lastNumber = max(lastNumber ?? 0, entry.number)
        forgetEmptyTables()
        dropped =
            (dropped ?? []) + [
                Dropped(
                    definition: definition, number: entry.number, slot: entry.slot ?? entry.number,
                    sequence: sequence, trees: trees)
            ]
        for entity in schema.entities where entity.table == name {
            sideEffects.obsoleteKeys.append(EarlierWrites.key(entities[entity.name] ?? 0))
        }
        schema = Schema(
            tables: schema.tables.filter { $0.name != name },
            entities: schema.entities.filter { $0.table != name })
        evolution?.keep(schema)
        if evolution?.isEmpty == true { evolution = nil }
    }

    /// The current definition of a table.
    ///
    /// - Throws: ``CodexError/Code/unknownTable`` if the table was removed, or if another one has
    ///   its name.
    func definition(of table: String, number: Int) throws(CodexError) -> TableDefinition {
        let definition = try schema.table(table)
        guard tables[table]?.number == number else {
            throw CodexError(
                .unknownTable, "Table \(table) was removed, and another made. Try again with that.")
        }
        return definition
    }

    /// Records that a tree of a removed table is empty.
    mutating func forget(_ tree: Retired, ofDropped number: Int) {
        for place in (dropped ?? []).indices where dropped?[place].number == number {
            dropped?[place].trees.removeAll { $0 == tree }
        }
        forgetEmptyTables()
    }

    /// Removes the empty ones of the removed tables.
    private mutating func forgetEmptyTables() {
        for var table in dropped ?? [] where table.trees.isEmpty {
            // Reading the table's changes in the log needs only its keys.
            table.definition = table.definition.with(indexes: [], counters: [])
            sideEffects.settled.append(table)
        }
        dropped?.removeAll { $0.trees.isEmpty }
    }

    /// The entries of `meta` that store the manifest, with the entries that a change adds and
    /// removes.
    func entries(
        generation: UInt64
    ) throws(CodexError) -> [(key: [UInt8], value: [UInt8]?)] {
        var entries: [(key: [UInt8], value: [UInt8]?)] = [
            (Self.key, try json()), (Self.generationKey, BigEndian.bytes(generation)),
        ]
        for table in sideEffects.settled { entries.append(try RemovedTables.entry(table)) }
        return entries + sideEffects.obsoleteKeys.map { ($0, nil) }
    }

    // MARK: Building and removing

    /// Removes an index or counter from the schema; its tree is emptied later.
    mutating func remove(
        _ kind: PartKind, _ name: String, of table: String
    ) throws(CodexError) {
        let definition = try schema.table(table)
        let unknown = CodexError(
            .unknownIndex, "Table \(table) has no \(kind.rawValue) \(name).")
        let parts: [String]
        switch kind {
        case .index:
            // The index of expiry is not among them: it goes with the time to live alone.
            guard let index = definition.indexes.first(where: { $0.name == name }) else {
                throw unknown
            }
            parts = tables[table]?.removeIndex(index) ?? []
        case .counter:
            guard let number = tables[table]?.counters?.removeValue(forKey: name) else {
                throw unknown
            }
            parts = [kind.part(number)]
            tables[table]?.retire(kind.part(number), ownsChunks: false)
        }
        schema = Schema(
            tables: schema.tables.map { definition in
                guard definition.name == table else { return definition }
                return definition.with(
                    indexes: kind == .index ? definition.indexes.filter { $0.name != name } : nil,
                    counters: kind == .counter
                        ? definition.counters.filter { $0.name != name } : nil)
            }, entities: schema.entities)
        for part in parts { forgetPosition(part, of: table) }
    }

    /// Removes the time to live of a table.
    ///
    /// Its index of expiry is emptied later, and the seconds of expiry are removed from the items.
    mutating func removeTimeToLive(of table: String) throws(CodexError) {
        let definition = try schema.table(table)
        guard definition.timeToLive != nil,
            let number = tables[table]?.indexes.removeValue(
                forKey: TableDefinition.expiryIndexName)
        else { throw CodexError(.unknownIndex, "Table \(table) has no time to live.") }
        let part = PartKind.index.part(number)
        forgetPosition(part, of: table)
        tables[table]?.retire(part, ownsChunks: false)
        tables[table]?.markFormerExpiry()
        schema = Schema(
            tables: schema.tables.map { $0.name == table ? $0.withoutTimeToLive : $0 },
            entities: schema.entities)
    }

    /// Records that the build progress of a part is obsolete.
    mutating func forgetPosition(_ part: String, of table: String) {
        guard let entry = tables[table] else { return }
        sideEffects.obsoleteKeys.append(BuildProgress.key(table: entry.number, part))
    }

    /// Schedules a new check of conflicting indexes and counters.
    mutating func retryConflicting() {
        for name in tables.keys {
            let counters = tables[name]?.counters ?? [:]
            for (part, state) in tables[name]?.states ?? [:] where state == .conflicting {
                guard
                    let counter = counters.first(where: { PartKind.counter.part($0.value) == part }
                    )?.key
                else {
                    tables[name]?.setState(.building, part)
                    continue
                }
                retry(counter, part, of: name)
            }
        }
        assignNumbers()
    }

    /// Restarts a counter under another number, since its counts are unusable.
    ///
    /// ``assignNumbers()`` assigns the number.
    mutating func retry(_ counter: String, _ part: String, of table: String) {
        forgetPosition(part, of: table)
        tables[table]?.counters?[counter] = nil
        tables[table]?.retire(part, ownsChunks: false)
    }

    // MARK: Reading and writing

    /// Reads the result of ``json()``, of this release or an earlier one.
    ///
    /// - Throws: ``CodexError/Code/unsupportedFormat``, ``CodexError/Code/corrupted``.
    init(json: [UInt8]) throws(CodexError) { self = try ManifestCoding.manifest(json) }

    func json() throws(CodexError) -> [UInt8] { try ManifestCoding.encoded(self) }
}
