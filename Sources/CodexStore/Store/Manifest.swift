internal import CodexCore
internal import FoundationEssentials

/// What a store knows about itself: its identity, its schema, the numbers under which things are
/// stored, and which of them are still being built.
///
/// Kept as JSON in the `meta` database.
struct Manifest: Codable {
    /// A table that was removed: the log may have changes of its items still.
    struct Dropped: Codable {
        fileprivate(set) var definition: TableDefinition
        let number: Int
        let slot: Int
        /// The commit that removed it.
        let sequence: UInt64
        /// The trees that are not empty yet; that of the items is the one without a name.
        var trees: [Retired]
    }

    static let key = Array("manifest".utf8)
    /// Counts the manifest's changes, so that processes notice those of others.
    static let generationKey = Array("generation".utf8)

    private(set) var format: Int
    private(set) var storeID: UUID
    /// The store that this one follows; it takes everything from that one's log.
    private(set) var leaderID: UUID?
    /// What encrypted values are bound to: the ID of the store whose schema first named some.
    ///
    /// Copies (restored stores, followers) have that of the store that they are copies of. It is
    /// `nil` while the schema names none, and in stores of earlier releases until they are opened
    /// for writing.
    private(set) var bindingID: UUID?
    /// The indexes that the leader has not built, by table: what that one would have found out
    /// (equal keys) or done (stamping items that expire) is to be seen to here if this store takes
    /// its place.
    var unbuiltByLeader: [String: [String]]?
    var schema: Schema
    var tables: [String: Table] = [:]
    var entities: [String: Int] = [:]
    private(set) var dropped: [Dropped]?
    /// The highest number that a removed table had.
    private(set) var lastNumber: Int?
    /// Entries of `meta` that a change makes useless; not stored.
    private(set) var obsoleteKeys: [[UInt8]] = []
    /// Removed tables that a change moves into ``RemovedTables``; not stored.
    private var settled: [Dropped] = []

    private enum CodingKeys: CodingKey {
        case format, storeID, leaderID, bindingID, unbuiltByLeader, schema, tables, entities,
            dropped, lastNumber
    }

    /// A new store's manifest.
    init(schema: Schema) {
        format = StoreFormat.current
        storeID = UUID()
        self.schema = schema
        assignNumbers()
        bindSealedFields()
    }

    /// Takes over additions; returns whether there were any.
    mutating func merge(_ requested: Schema) throws(CodexError) -> Bool {
        let merged = try schema.merging(requested)
        guard merged != schema else { return false }
        try merged.validate()
        schema = merged
        assignNumbers()
        bindSealedFields()
        // What would be refused when it is read is not written.
        guard max(numbers.highest, entities.values.max() ?? 0) <= ManifestNumbers.max else {
            throw CodexError(
                .invalidSchema,
                "The store has had \(ManifestNumbers.max) tables or entities. Export it, and "
                    + "import it into a new one.")
        }
        try numbers.requireTreeCount()
        return true
    }

    /// Declares the rest of the store to be of the current format.
    ///
    /// - Returns: Whether that is new.
    @discardableResult
    mutating func raiseFormat() -> Bool {
        defer { format = StoreFormat.current }
        return format < StoreFormat.current
    }

    /// Says how far the values of a table's items are decided.
    mutating func setUndecided(_ undecided: Undecided?, of table: String) {
        tables[table]?.undecided = undecided
        forgetPosition(DecidingProgress.part, of: table)
        raiseFormat()
    }

    /// Makes it that of another store, which may follow one.
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

    /// Makes the store one that follows none.
    mutating func endFollowing() {
        leaderID = nil
        obsoleteKeys.append(LeaderPosition.key)
        rebuildUnbuilt()
        bindSealedFields()
    }

    /// Binds the encrypted values that are written from now on to the store, if the schema names
    /// some.
    ///
    /// A follower takes over what its leader's are bound to.
    ///
    /// - Returns: Whether that is new.
    @discardableResult
    mutating func bindSealedFields() -> Bool {
        guard bindingID == nil, !isFollower, schema.entities.contains(where: { !$0.sealed.isEmpty })
        else { return false }
        bindingID = storeID
        return true
    }

    /// Takes over what the values of the store are bound to of which this one is a copy.
    mutating func adoptBinding(_ leader: Manifest) { bindingID = leader.bindingID }

    /// Lets the indexes that the leader had not built be built again: it would have looked for
    /// equal keys, and stamped items that expire.
    ///
    /// Under other numbers, so that a build that runs does not end this one.
    private mutating func rebuildUnbuilt() {
        for (name, indexes) in unbuiltByLeader ?? [:] {
            let definitions = schema.tables.first { $0.name == name }?.maintainedIndexes ?? []
            for index in definitions where indexes.contains(index.name) {
                guard let number = tables[name]?.indexes.removeValue(forKey: index.name) else {
                    continue
                }
                let part = PartKind.index.part(number)
                forgetPosition(part, of: name)
                var ownsChunks = false
                if case .include = index.projection { ownsChunks = true }
                tables[name]?.retire(part, ownsChunks: ownsChunks)
            }
        }
        unbuiltByLeader = nil
        assignNumbers()
    }

    /// The names of the indexes that are not ready, by table.
    var unbuiltIndexes: [String: [String]] {
        tables.mapValues(\.unbuiltIndexes).filter { !$0.value.isEmpty }
    }

    /// The numbers that tables have and get.
    var numbers: ManifestNumbers { ManifestNumbers(self) }

    /// Numbers what is new in the schema; in a table that was there, it is to be built.
    mutating func assignNumbers() {
        for table in schema.tables {
            let known = tables[table.name]
            let numbers = numbers
            var entry =
                known ?? Table(number: numbers.highest + 1, slot: numbers.freeSlot, indexes: [:])
            entry.assignNumbers(table, isNew: known == nil)
            tables[table.name] = entry
        }
        for entity in schema.entities where entities[entity.name] == nil {
            entities[entity.name] = (entities.values.max() ?? 0) + 1
        }
    }

    /// Takes a table out of the schema, and the entities that are in it; its trees are emptied
    /// later.
    ///
    /// - Parameters:
    ///   - name: The table.
    ///   - sequence: The commit that does it.
    /// - Throws: ``CodexError/Code/unknownTable``.
    mutating func drop(_ name: String, at sequence: UInt64) throws(CodexError) {
        let definition = try schema.table(name)
        guard let entry = tables.removeValue(forKey: name) else {
            throw CodexError(.unknownTable, "There is no table \(name).")
        }
        var trees = entry.retired ?? []
        for index in definition.maintainedIndexes {
            guard let number = entry.indexes[index.name] else { continue }
            var ownsChunks = false
            if case .include = index.projection { ownsChunks = true }
            trees.append(Retired(part: PartKind.index.part(number), ownsChunks: ownsChunks))
        }
        trees += (entry.counters ?? [:]).values.sorted().map {
            Retired(part: PartKind.counter.part($0), ownsChunks: false)
        }
        // Last: entries of other trees may refer to its items' chunks.
        trees.append(Retired(part: "", ownsChunks: true))
        let undecided = entry.undecided == nil ? [] : [DecidingProgress.part]
        for part in entry.parts.union(undecided) {
            obsoleteKeys.append(BuildProgress.key(table: entry.number, part))
        }
        lastNumber = max(lastNumber ?? 0, entry.number)
        forgetEmptyTables()
        dropped =
            (dropped ?? []) + [
                Dropped(
                    definition: definition, number: entry.number, slot: entry.slot ?? entry.number,
                    sequence: sequence, trees: trees)
            ]
        schema = Schema(
            tables: schema.tables.filter { $0.name != name },
            entities: schema.entities.filter { $0.table != name })
    }

    /// The definition of a table, as it is now.
    ///
    /// - Throws: ``CodexError/Code/unknownTable`` if it is gone, or another has its name.
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

    /// Takes removed tables out that are empty.
    private mutating func forgetEmptyTables() {
        for var table in dropped ?? [] where table.trees.isEmpty {
            // Reading its changes in the log needs no more than its keys.
            table.definition = table.definition.with(indexes: [], counters: [])
            settled.append(table)
        }
        dropped?.removeAll { $0.trees.isEmpty }
    }

    /// Lets go of what the log has no use for: see ``RemovedTables/obsoleteKeys(upTo:_:_:)``.
    mutating func forgetRemoved(_ keys: [[UInt8]]) { obsoleteKeys += keys }

    /// The entries of `meta` that store the manifest, with what a change adds and removes there.
    func entries(
        generation: UInt64
    ) throws(CodexError) -> [(key: [UInt8], value: [UInt8]?)] {
        var entries: [(key: [UInt8], value: [UInt8]?)] = [
            (Self.key, try json()), (Self.generationKey, BigEndian.bytes(generation)),
        ]
        for table in settled { entries.append(try RemovedTables.entry(table)) }
        return entries + obsoleteKeys.map { ($0, nil) }
    }

    // MARK: Building and removing

    /// Takes an index or counter out of the schema; its tree is emptied later.
    mutating func remove(
        _ kind: PartKind, _ name: String, of table: String
    ) throws(CodexError) {
        let definition = try schema.table(table)
        let removed = kind == .index ? tables[table]?.indexes[name] : tables[table]?.counters?[name]
        // The index of expiry stays: what it is for cannot be taken away.
        guard let removed, name != TableDefinition.expiryIndexName else {
            throw CodexError(.unknownIndex, "Table \(table) has no \(kind.rawValue) \(name).")
        }
        var ownsChunks = false
        switch kind {
        case .index:
            let index = definition.indexes.first { $0.name == name }
            if case .include? = index?.projection { ownsChunks = true }
            tables[table]?.indexes[name] = nil
        case .counter: tables[table]?.counters?[name] = nil
        }
        let part = kind.part(removed)
        tables[table]?.retire(part, ownsChunks: ownsChunks)
        schema = Schema(
            tables: schema.tables.map { definition in
                guard definition.name == table else { return definition }
                return definition.with(
                    indexes: kind == .index ? definition.indexes.filter { $0.name != name } : nil,
                    counters: kind == .counter
                        ? definition.counters.filter { $0.name != name } : nil)
            }, entities: schema.entities)
        forgetPosition(part, of: table)
    }

    /// Records that the progress of a part's building is of no use any more.
    mutating func forgetPosition(_ part: String, of table: String) {
        guard let entry = tables[table] else { return }
        obsoleteKeys.append(BuildProgress.key(table: entry.number, part))
    }

    /// Lets unique indexes with equal keys be looked at again.
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

    /// Lets a counter start again under another number: what it has counted is of no use.
    ///
    /// The number is assigned with ``assignNumbers()``.
    mutating func retry(_ counter: String, _ part: String, of table: String) {
        forgetPosition(part, of: table)
        tables[table]?.counters?[counter] = nil
        tables[table]?.retire(part, ownsChunks: false)
    }

    // MARK: Reading and writing

    /// Reads what ``json()`` gave, in this release or an earlier one.
    ///
    /// - Throws: ``CodexError/Code/unsupportedFormat``, ``CodexError/Code/corrupted``.
    init(json: [UInt8]) throws(CodexError) { self = try ManifestCoding.manifest(json) }

    func json() throws(CodexError) -> [UInt8] { try ManifestCoding.encoded(self) }
}
