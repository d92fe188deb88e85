internal import CodexCore
internal import CodexIndex
internal import Synchronization

extension IndexDefinition {
    /// The partitions that an item has entries in.
    func partitions(of item: Item) -> [[AttributeValue]] {
        var partitions: [[AttributeValue]] = [[]]
        for attribute in partitionKey {
            guard let value = item[attribute.name] else { return [] }
            let values = attribute.name == multiValued ? value.keyElements ?? [value] : [value]
            partitions = partitions.flatMap { partition in values.map { partition + [$0] } }
        }
        return partitions
    }
}

/// Makes a cache forget what commits changed, of this process and others, by reading them from the log.
///
/// Changes of the schema are changes, too. What was read of a table goes when the table is removed
/// or made again. What was found by an index goes when the index is removed, added or taken out of
/// service. Each snapshot names its tables, and two are compared: not all such changes are logged.
final class CacheFollower: Sendable {
    private let core: StoreCore
    private let stripes: CacheStripes
    /// The newest transaction whose changes were looked at.
    private let seen = Atomic<Int>(-1)

    /// How far the changes were read.
    private struct Reading {
        let reader: ChangeReader
        /// The tables that what is cached was read of.
        var catalog: Catalog
    }
    private let reading = Locked<Reading?>(nil)

    /// What there may be in the cache.
    private struct Interests {
        /// The types that lookups by primary keys are of, by table.
        var types: [String: Set<ObjectIdentifier>] = [:]
        /// The indexes that are queried, by table; `nil` is the table itself.
        var indexes: [String: Set<String?>] = [:]
    }
    private let interests = Locked(Interests())

    init(_ core: StoreCore, _ stripes: CacheStripes) {
        self.core = core
        self.stripes = stripes
    }

    /// The newest transaction whose changes were looked at.
    var seenID: Int { seen.load(ordering: .acquiring) }

    /// Notes what is about to be read, and may be kept.
    func willRead(_ key: CacheKey, of table: String) {
        interests.withLock { interests in
            if let partition = key.partition {
                interests.indexes[partition.table, default: []].insert(partition.index)
            } else {
                interests.types[table, default: []].insert(key.type)
            }
        }
    }

    /// Looks at the changes up to those of a transaction, at least.
    ///
    /// If they cannot be read, since they are not retained any more say, everything is forgotten.
    func follow(to transactionID: Int) throws {
        try reading.withLock { reading in
            if seenID >= transactionID { return }
            do {
                try follow(&reading)
            } catch let error as CodexError where error.code != .closed {
                reading = nil
                // From here on; what was there before is forgotten when it is known.
                try follow(&reading)
            }
        }
    }

    private func follow(_ reading: inout Reading?) throws {
        var current = try reading ?? begin()
        defer { reading = current }
        while true {
            let changes = try current.reader.read(1000)
            // What is asked for from here on is read of a snapshot that is at least as new.
            let interests = interests.withLock { $0 }
            if let catalog = current.reader.catalog {
                forgetTables(changedIn: catalog, since: current.catalog, interests)
                current.catalog = catalog
            }
            for change in changes { try forget(change, interests, current.catalog) }
            // The transaction of the snapshot to whose end it came.
            if let end = current.reader.endID { return seen.store(end, ordering: .releasing) }
        }
    }

    /// Begins to read where the log ends.
    private func begin() throws(CodexError) -> Reading {
        let reader = ChangeReader(
            core, from: .stream(.latest), .newAndOldImages, .all, includesSilent: true)
        try reader.prepare()
        let catalog = reader.catalog ?? core.catalog
        stripes.invalidateAll()
        return Reading(reader: reader, catalog: catalog)
    }

    // MARK: Schema

    /// Forgets what was read of tables, or by indexes, that are others now.
    private func forgetTables(
        changedIn new: Catalog, since old: Catalog, _ interests: Interests
    ) {
        guard new !== old else { return }
        for name in Set(interests.types.keys).union(interests.indexes.keys) {
            guard !new.changesReads(of: name, by: .primaryKey, since: old) else {
                forgetTable(name, interests.types[name] ?? [])
                continue
            }
            for case let index? in interests.indexes[name] ?? []
            where new.changesReads(of: name, by: .index(index), since: old) {
                forget { $0.partition?.table == name && $0.partition?.index == index }
            }
        }
    }

    /// Forgets what was read of a table: by the primary keys of some types, and by partitions.
    private func forgetTable(_ name: String, _ types: Set<ObjectIdentifier>) {
        forget { key in
            if let partition = key.partition { return partition.table == name }
            return types.contains(key.type)
        }
    }

    private func forget(_ isConcerned: (CacheKey) -> Bool) {
        stripes.forEach { $0.invalidate(where: isConcerned) }
    }

    // MARK: Items

    private func forget(
        _ change: ChangeRecord, _ interests: Interests, _ catalog: Catalog
    ) throws {
        let name = change.table
        let (types, indexes) = (interests.types[name], interests.indexes[name])
        // Of a table that was removed since, nothing is there any more.
        guard types != nil || indexes != nil, let table = try? catalog.table(name),
            table.number == change.entry.table
        else { return }
        if let types {
            let key = try change.key
            for type in types {
                let hash = CacheKey.hash(type, key)
                stripes[hash].withLock { $0.invalidate(hash) }
            }
        }
        for index in indexes ?? [] {
            for partition in try partitions(change, table, index) {
                stripes[partition.hashValue].withLock { $0.invalidate(partition) }
            }
        }
    }

    /// The partitions of a table, or of one of its indexes, that an item was or is in.
    private func partitions(
        _ change: ChangeRecord, _ table: TableHandle, _ name: String?
    ) throws -> Set<CachePartition> {
        guard let name else {
            let values = [try change.key.partition]
            return [CachePartition(table: table.name, index: nil, values: values)]
        }
        // What was found by an index that is gone is gone, too.
        let indexes = table.plan.definition.indexes
        guard let index = indexes.first(where: { $0.name == name }) else { return [] }
        var partitions: Set<CachePartition> = []
        for image in try [change.oldImage, change.newImage].compactMap({ $0 }) {
            for values in index.partitions(of: image) {
                partitions.insert(CachePartition(table: table.name, index: name, values: values))
            }
        }
        return partitions
    }

    /// Refuses reads while the environment is closed, or lets them go on; what is kept stays.
    func setPaused(_ isPaused: Bool) { stripes.forEach { $0.isClosed = isPaused } }

    /// Refuses reads from now on; the environment may be closed when it returns.
    func close() {
        stripes.forEach { stripe in
            stripe.isClosed = true
            stripe.invalidateAll()
        }
        reading.withLock { $0 = nil }
    }
}
