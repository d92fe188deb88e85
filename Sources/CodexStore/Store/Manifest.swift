internal import CodexCore
internal import FoundationEssentials

/// What a store knows about itself: its identity, its schema, the numbers under which things are
/// stored, and which of them are still being built.
///
/// Kept as JSON in the `meta` database.
struct Manifest: Codable {
    /// What an index or counter is not ready for; ready ones have no state.
    enum BuildState: String, Codable {
        /// A bulk load runs: writes do not maintain it.
        case loading
        /// Writes maintain it; what was there before is being added.
        case building
        /// A unique index that found equal keys: complete, maintained, but not to be looked into.
        case conflicting
    }

    struct Table: Codable {
        /// What items in the log refer to; never used again.
        let number: Int
        /// The number in the names of its trees, which is used again once they are empty; `nil` is
        /// the table's.
        var slot: Int?
        var indexes: [String: Int]
        var counters: [String: Int]?
        /// By tree name after the table's: `i3`, `c1`.
        var states: [String: BuildState]?
        /// Trees of removed indexes and counters that are not empty yet.
        var retired: [Retired]?
        /// What is to be done about values that begin as encrypted ones; `nil` if all are decided.
        var undecided: Undecided?

        /// The name of the tree of its items; those of its parts go on from it.
        var treeName: String { Manifest.treeName(slot ?? number) }

        /// The names of the indexes' and counters' trees after the table's.
        var parts: Set<String> {
            Set(indexes.values.map(PartKind.index.part))
                .union((counters ?? [:]).values.map(PartKind.counter.part))
        }
    }

    /// Whether the values of items that formats before 4 wrote are to be decided: those formats
    /// told encrypted values by how they begin.
    enum Undecided: String, Codable {
        /// The items are to be looked at.
        case unread
        /// They were, and some are left: there were no keys for them, or they are damaged.
        case waiting
    }

    /// A tree that is to be emptied, by its name after the table's.
    struct Retired: Codable, Hashable {
        let part: String
        /// Whether its large values are its own, and not its items'.
        let ownsChunks: Bool
    }

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

    static func treeName(_ slot: Int) -> String { "t\(slot)" }

    /// The format of everything in the store.
    ///
    /// Raised when an older release could not read it.
    static let currentFormat = 4
    /// The first format with a log.
    static let loggedFormat = 3
    /// The first format whose items tell encrypted values by tags.
    private static let taggedFormat = 4
    /// Where the progress of deciding values is kept, in the way of a part of the table.
    static let undecidedPart = "undecided"
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
    private var lastNumber: Int?
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
        format = Self.currentFormat
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
        guard max(highestNumber, entities.values.max() ?? 0) <= Self.numberMax else {
            throw CodexError(
                .invalidSchema,
                "The store has had \(Self.numberMax) tables or entities. Export it, and import it into "
                    + "a new one.")
        }
        try requireTreeCount()
        return true
    }

    /// Throws if the store would have more trees than a process opens.
    ///
    /// Those of removed tables and indexes count until they are empty.
    ///
    /// - Throws: ``CodexError/Code/limitReached``.
    func requireTreeCount() throws(CodexError) {
        let tableTrees = tables.values.reduce(0) { count, table in
            count + 1 + table.indexes.count + (table.counters?.count ?? 0)
                + (table.retired?.count ?? 0)
        }
        let count = tableTrees + (dropped ?? []).reduce(0) { $0 + $1.trees.count }
        guard count <= Limits.treeCountMax else {
            throw CodexError(
                .limitReached,
                "The store would have \(count) tables, indexes and counters, those included that were "
                    + "removed and are not emptied yet; the limit is \(Limits.treeCountMax). Remove "
                    + "some, and wait with whenReady().")
        }
    }

    /// The highest number of a table, index, counter or entity.
    private static let numberMax = 1_000_000_000

    /// Declares the rest of the store to be of the current format.
    ///
    /// - Returns: Whether that is new.
    @discardableResult
    mutating func raiseFormat() -> Bool {
        defer { format = Self.currentFormat }
        return format < Self.currentFormat
    }

    /// Says how far the values of a table's items are decided.
    mutating func setUndecided(_ undecided: Undecided?, of table: String) {
        tables[table]?.undecided = undecided
        forgetPosition(Self.undecidedPart, of: table)
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

    /// Lets the indexes that the leader had not built be built anew: it would have looked for equal
    /// keys, and stamped items that expire.
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
                setState(nil, part, of: name)
                forgetPosition(part, of: name)
                var ownsChunks = false
                if case .include = index.projection { ownsChunks = true }
                let retired = tables[name]?.retired ?? []
                tables[name]?.retired = retired + [Retired(part: part, ownsChunks: ownsChunks)]
            }
        }
        unbuiltByLeader = nil
        assignNumbers()
    }

    /// The names of the indexes that are not ready, by table.
    var unbuiltIndexes: [String: [String]] {
        tables.compactMapValues { table in
            let names = table.indexes.filter { table.states?[PartKind.index.part($0.value)] != nil }
                .keys.sorted()
            return names.isEmpty ? nil : names
        }
    }

    /// Numbers what is new in the schema; in a table that was there, it is to be built.
    mutating func assignNumbers() {
        for table in schema.tables {
            let isNew = tables[table.name] == nil
            var entry = tables[table.name] ?? newTable()
            // A number is free again only once its old tree is empty.
            func free(_ kind: PartKind, _ used: [Int]) -> Int {
                var number = 1
                while used.contains(number)
                    || entry.retired?.contains(where: { $0.part == kind.part(number) }) == true
                {
                    number += 1
                }
                return number
            }
            for index in table.maintainedIndexes where entry.indexes[index.name] == nil {
                let number = free(.index, Array(entry.indexes.values))
                entry.indexes[index.name] = number
                if !isNew {
                    entry.states = (entry.states ?? [:]).setting(
                        PartKind.index.part(number), .building)
                }
            }
            var counters = entry.counters ?? [:]
            for counter in table.counters where counters[counter.name] == nil {
                let number = free(.counter, Array(counters.values))
                counters[counter.name] = number
                if !isNew {
                    entry.states = (entry.states ?? [:]).setting(
                        PartKind.counter.part(number), .building)
                }
            }
            entry.counters = counters
            tables[table.name] = entry
        }
        for entity in schema.entities where entities[entity.name] == nil {
            entities[entity.name] = (entities.values.max() ?? 0) + 1
        }
    }

    private func newTable() -> Table {
        Table(number: highestNumber + 1, slot: freeSlot(), indexes: [:])
    }

    /// The highest number that a table has, or had.
    var highestNumber: Int { max(tables.values.map(\.number).max() ?? 0, lastNumber ?? 0) }

    /// A number for the trees of a new table.
    func freeSlot() -> Int {
        let used = Set(
            tables.values.map { $0.slot ?? $0.number }
                + (dropped ?? []).filter { !$0.trees.isEmpty }.map(\.slot))
        return (1...).first { !used.contains($0) } ?? 1
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
        let undecided = entry.undecided == nil ? [] : [Self.undecidedPart]
        for part in entry.parts.union(undecided) {
            obsoleteKeys.append(BuildProgress.key(table: entry.number, part))
        }
        lastNumber = max(lastNumber ?? 0, entry.number)
        settle()
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

    /// Notes that a tree of a removed table is empty.
    mutating func forget(_ tree: Retired, ofDropped number: Int) {
        for place in (dropped ?? []).indices where dropped?[place].number == number {
            dropped?[place].trees.removeAll { $0 == tree }
        }
        settle()
    }

    /// Takes removed tables out that are empty.
    private mutating func settle() {
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

    /// The states of a table's indexes and counters, by tree name after the table's.
    func state(_ part: String, of table: String) -> BuildState? {
        tables[table]?.states?[part]
    }

    mutating func setState(_ state: BuildState?, _ part: String, of table: String) {
        let states = tables[table]?.states ?? [:]
        tables[table]?.states = states.setting(part, state)
    }

    /// Takes an index or counter out of the schema; its tree is emptied later.
    mutating func remove(
        _ kind: PartKind, _ name: String, of table: String
    ) throws(CodexError) {
        let definition = try schema.table(table)
        let removed = kind == .index ? tables[table]?.indexes[name] : tables[table]?.counters?[name]
        // The index of expiry stays: what it is for cannot be taken away.
        guard let removed, let entry = tables[table], name != TableDefinition.expiryIndexName else {
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
        setState(nil, part, of: table)
        tables[table]?.retired =
            (entry.retired ?? []) + [Retired(part: part, ownsChunks: ownsChunks)]
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

    /// Takes note that the progress of a part's building is of no use any more.
    mutating func forgetPosition(_ part: String, of table: String) {
        guard let entry = tables[table] else { return }
        obsoleteKeys.append(BuildProgress.key(table: entry.number, part))
    }

    /// Takes note that a removed tree is empty.
    mutating func forget(_ retired: Retired, of table: String) {
        tables[table]?.retired?.removeAll { $0 == retired }
    }

    /// Stops the maintenance of a table's indexes and counters that are ready.
    mutating func beginLoading(_ table: String) {
        for part in tables[table]?.parts ?? [] where state(part, of: table) == nil {
            setState(.loading, part, of: table)
        }
    }

    /// Lets what a load left behind be built.
    mutating func endLoading(_ table: String) {
        for (part, state) in tables[table]?.states ?? [:] where state == .loading {
            setState(.building, part, of: table)
        }
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
                    setState(.building, part, of: name)
                    continue
                }
                retryConflicting(counter, part, of: name)
            }
        }
        assignNumbers()
    }

    /// Lets a counter start again under another number: what it has counted is of no use.
    ///
    /// The number is assigned with ``assignNumbers()``.
    mutating func retryConflicting(_ counter: String, _ part: String, of table: String) {
        setState(nil, part, of: table)
        forgetPosition(part, of: table)
        tables[table]?.counters?[counter] = nil
        let retired = tables[table]?.retired ?? []
        tables[table]?.retired = retired + [Retired(part: part, ownsChunks: false)]
    }

    // MARK: Reading and writing

    init(json: [UInt8]) throws(CodexError) {
        do {
            struct Version: Decodable { let format: Int }
            let stored = try JSONDecoder().decode(Version.self, from: Data(json)).format
            guard stored <= Self.currentFormat else {
                throw CodexError(
                    .unsupportedFormat,
                    "The store has format \(stored); this release reads up to "
                        + "\(Self.currentFormat). Use a newer release.")
            }
            self = try JSONDecoder().decode(Manifest.self, from: Data(json))
            if stored < Self.taggedFormat {
                for name in tables.keys { tables[name]?.undecided = .unread }
            }
            try validate()
        } catch let error as CodexError where error.code == .unsupportedFormat {
            throw error
        } catch {
            throw CodexError(
                .corrupted, "The store's manifest cannot be read. Restore from a backup.",
                cause: error)
        }
    }

    /// Checks what the rest of the store relies on: names and numbers that are there once each.
    private func validate() throws(CodexError) {
        try schema.validate()
        func requireNumbers(_ names: [String], _ numbers: [String: Int]) throws(CodexError) {
            let used = names.compactMap { numbers[$0] }
            guard used.count == names.count, Set(used).count == used.count,
                numbers.values.allSatisfy({ (1...Self.numberMax).contains($0) })
            else { throw Wire.corrupted("the manifest's numbers") }
        }
        let numbers = tables.mapValues(\.number)
        try requireNumbers(schema.tables.map(\.name), numbers)
        // Those of removed tables too: the next one is one higher, and the log names them all.
        let gone = (dropped ?? []).map(\.number) + (lastNumber.map { [$0] } ?? [])
        guard Set(numbers.values).count == numbers.count,
            Set(entities.values).count == entities.count,
            gone.allSatisfy({ (0...Self.numberMax).contains($0) })
        else { throw Wire.corrupted("the manifest's numbers") }
        let retired = tables.values.flatMap { $0.retired ?? [] } + (dropped ?? []).flatMap(\.trees)
        let slots = tables.values.compactMap(\.slot) + (dropped ?? []).map(\.slot)
        guard retired.allSatisfy({ Self.isPart($0.part) }),
            slots.allSatisfy({ (1...Self.numberMax).contains($0) })
        else { throw Wire.corrupted("the manifest's numbers") }
        try requireNumbers(schema.entities.map(\.name), entities)
        for table in schema.tables {
            let entry = tables[table.name]
            try requireNumbers(table.maintainedIndexes.map(\.name), entry?.indexes ?? [:])
            try requireNumbers(table.counters.map(\.name), entry?.counters ?? [:])
        }
    }

    /// Whether a tree may have the name, after its table's.
    private static func isPart(_ name: String) -> Bool {
        name.isEmpty || (name.hasPrefix("i") || name.hasPrefix("c")) && Int(name.dropFirst()) != nil
    }

    func json() throws(CodexError) -> [UInt8] { try Self.encoded(self) }

    static func encoded(_ value: some Encodable) throws(CodexError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value))
        } catch {
            throw CodexError(.invalidSchema, "The schema cannot be stored.", cause: error)
        }
    }
}

/// What a table has besides its items.
enum PartKind: String, Sendable {
    case index
    case counter

    /// The name of its tree of that number, after the table's.
    func part(_ number: Int) -> String { (self == .index ? "i" : "c") + "\(number)" }
}

extension Dictionary {
    fileprivate func setting(_ key: Key, _ value: Value?) -> Self {
        var copy = self
        copy[key] = value
        return copy
    }
}
