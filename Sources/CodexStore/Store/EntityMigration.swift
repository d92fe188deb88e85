internal import CodexCore

/// The schema versions that an entity's stored items may have, and the changes between them.
///
/// A store has it for each entity whose version was raised, or that an older program knows. Index
/// entries are made of the attributes that an item has. If a version changed an attribute, an item
/// of an earlier version may lack its entry in an index on it, until a migration rewrites the item.
/// So typed queries by such an index are refused until then: see
/// ``TransactionContext/requireFindable(_:by:)``.
struct EntityMigration: Codable, Hashable, Sendable {
    /// The lowest version that a stored item may have, apart from ``EarlierWrites``.
    private(set) var oldest: Int
    /// The last commit before the last complete migration began.
    ///
    /// ``EarlierWrites`` up to it were migrated, and count no more.
    private(set) var sequence: UInt64
    /// For each attribute that differs between versions, the version that changed it last.
    ///
    /// `nil` means that any attribute may differ in any version.
    private(set) var changed: [String: Int]?

    /// The maximum number of changed attributes that are named.
    static let nameCountMax = 1000

    /// The state of an entity whose items may have any version.
    init() { (oldest, sequence, changed) = (1, 0, [:]) }

    /// Records that a version changed attributes.
    mutating func note(_ names: Set<String>, changedBy version: Int) {
        guard var changed else { return }
        for name in names { changed[name] = max(changed[name] ?? 0, version) }
        self.changed = changed.count <= Self.nameCountMax ? changed : nil
    }

    /// Records that all items have at least a version.
    ///
    /// - Parameters:
    ///   - version: The version.
    ///   - sequence: A commit whose items were examined.
    mutating func end(at version: Int, from sequence: UInt64) {
        oldest = max(oldest, version)
        self.sequence = max(self.sequence, sequence)
    }

    /// The version that last changed one of some attributes; 0 if none did.
    func lastChange(of names: some Sequence<String>, in definition: EntityDefinition) -> Int {
        guard let changed else { return definition.schemaVersion }
        return names.reduce(0) { max($0, changed[$1] ?? 0) }
    }

    /// Whether its numbers can be those of an entity with a definition.
    func fits(_ definition: EntityDefinition) -> Bool {
        let (newest, changed) = (definition.schemaVersion, changed ?? [:])
        return oldest >= 1 && oldest <= newest && sequence < 1 << 62
            && changed.count <= Self.nameCountMax
            && changed.values.allSatisfy { $0 >= 2 && $0 <= newest }
    }
}

/// The versions that changed the key of an index, or the group or sums of a counter, for the items
/// of an entity.
struct KeyChanges: Sendable {
    /// The version that last changed one of the attributes, or one that it is made from; 0 if none
    /// did.
    let last: Int
    /// The same, apart from derived attributes: the store computes them for items of all versions,
    /// with its present definition.
    let lastUncomputed: Int

    /// Finds the versions for some attributes.
    ///
    /// - Parameters:
    ///   - names: The names of the attributes, without those of the table's key.
    ///   - definition: The entity's definition in the store.
    ///   - migration: The changes.
    init(_ names: [String], _ definition: EntityDefinition, _ migration: EntityMigration) {
        var (last, lastUncomputed) = (0, 0)
        for name in names {
            let sources = definition.sources(of: name)
            // An undeclared field may be one that only `upgrade` fills. So a derived attribute that
            // reads one counts as changed with its definition.
            let isComputed =
                definition.derived[name] != nil
                && sources.allSatisfy { definition.field(named: $0) != nil }
            let uncomputed = isComputed ? sources : sources.union([name])
            lastUncomputed = max(
                lastUncomputed, migration.lastChange(of: uncomputed, in: definition))
            last = max(last, migration.lastChange(of: sources.union([name]), in: definition))
        }
        (self.last, self.lastUncomputed) = (last, lastUncomputed)
    }
}

/// The writes of items of earlier schema versions, by programs that are older than the store.
///
/// An entry of `meta` for each entity that has such items since its last migration.
struct EarlierWrites: Hashable {
    /// The lowest version that was written.
    let oldest: Int
    /// The last commit that wrote one.
    let sequence: UInt64

    private static let prefix = Array("earlier ".utf8)

    /// The entry's key.
    static func key(_ entity: Int) -> [UInt8] { prefix + BigEndian.bytes(UInt64(entity)) }

    /// Whether a key of `meta` may be that of an entry.
    static func isKey(_ key: [UInt8]) -> Bool {
        key.count == prefix.count + 8 && key.starts(with: prefix)
    }

    init(oldest: Int, sequence: UInt64) { (self.oldest, self.sequence) = (oldest, sequence) }

    /// Reads the form of ``bytes``.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    init(_ bytes: [UInt8]) throws(CodexError) {
        guard bytes.count == 16, let version = BigEndian.integer(bytes.prefix(8)),
            let sequence = BigEndian.integer(bytes.suffix(8)), (1..<1 << 53).contains(version),
            sequence < 1 << 62
        else { throw Wire.corrupted("the versions of older programs") }
        self.init(oldest: Int(version), sequence: sequence)
    }

    /// The stored form.
    var bytes: [UInt8] { BigEndian.bytes(UInt64(oldest)) + BigEndian.bytes(sequence) }

    /// The entry of an entity; `nil` if there is none.
    static func stored(
        _ entity: Int, _ transaction: Transaction, _ meta: DatabaseID
    ) throws(CodexError) -> EarlierWrites? {
        guard let bytes = unsafe try transaction.get(meta, key(entity)) else { return nil }
        return try EarlierWrites(unsafe Array(bytes))
    }
}
