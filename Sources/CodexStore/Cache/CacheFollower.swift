internal import CodexCore
internal import CodexIndex
internal import Synchronization

extension IndexDefinition {
    /// The partitions of the index that have entries of an item.
    func partitions(of item: Item) -> [[AttributeValue]] {
        var partitions: [[AttributeValue]] = [[]]
        for attribute in partitionKey {
            guard let value = item[attribute.name] else { return [] }
            let isMultiValued = multiValued.map { ByteOrder.equal($0, attribute.name) } ?? false
            let values = isMultiValued ? value.keyElements ?? [value] : [value]
            partitions = partitions.flatMap { partition in values.map { partition + [$0] } }
        }
        return partitions
    }
}

/// Removes changed values from a cache: it reads the commits of all processes from the log.
///
/// It also follows changes of the schema. If a table is removed or made again, its cached values
/// go. If an index is removed, added or not ready any more, the values that were found with it go.
/// Not all such changes are logged. So each snapshot has a catalog, and the follower compares it
/// with the one before.
final class CacheFollower: Sendable {
    private let core: StoreCore
    private let stripes: CacheStripes
    /// The newest transaction whose changes were processed.
    private let seen = Atomic<Int>(-1)

    /// The state of reading the changes.
    private struct Reading {
        let reader: ChangeReader
        /// The catalog of the tables from which the cached values were read.
        var catalog: Catalog
    }
    private let reading = Locked<Reading?>(nil)

    /// The keys that the cache may have values for.
    private struct Interests {
        /// The types of cached lookups by primary keys, by table.
        var types: [String: Set<ObjectIdentifier>] = [:]
        /// The queried indexes, by table; `nil` is the table itself.
        var indexes: [String: Set<String?>] = [:]
    }
    private let interests = Locked(Interests())

    init(_ core: StoreCore, _ stripes: CacheStripes) {
        self.core = core
        self.stripes = stripes
    }

    /// The newest transaction whose changes were processed.
    var seenID: Int { seen.load(ordering: .acquiring) }

    /// Records a read that is about to start, and whose value the cache may keep.
    func willRead(_ key: CacheKey, of table: String) {
        interests.withLock { interests in
            if let partition = key.partition {
                interests.indexes[partition.table, default: []].insert(partition.index)
            } else {
                interests.types[table, default: []].insert(key.type)
            }
        }
    }

    /// Processes the changes at least up to those of a transaction.
    ///
    /// If they cannot be read, for example because they are no longer retained, the cache loses
    /// everything.
    func follow(to transactionID: Int) throws {
        try reading.withLock { reading in
            if seenID >= transactionID { return }
            do {
                try follow(&reading)
            } catch let error as CodexError where error.code != .closed {
                reading = nil
                // It starts at the end of the log, and empties the cache.
                try follow(&reading)
            }
        }
    }

    private func follow(_ reading: inout Reading?) throws {
        var current = try reading ?? begin()
        defer { reading = current }
        while true {
            let changes = try current.reader.read(1000)
            // Later reads use a snapshot that is at least as new.
            let interests = interests.withLock { $0 }
            if let catalog = current.reader.catalog {
                forgetTables(changedIn: catalog, since: current.catalog, interests)
                current.catalog = catalog
            }
            for change in changes { try forget(change, interests, current.catalog) }
            // The transaction of the snapshot whose end the reader reached.
            if let end = current.reader.endID { return seen.store(end, ordering: .releasing) }
        }
    }

    /// Starts to read at the end of the log.
    private func begin() throws(CodexError) -> Reading {
        let reader = ChangeReader(
            core, from: .stream(.latest), .newAndOldImages, .all, includesSilent: true)
        try reader.prepare()
        let catalog = reader.catalog ?? core.catalog
        stripes.invalidateAll()
        return Reading(reader: reader, catalog: catalog)
    }

    // MARK: Schema

    /// Removes the values of tables and indexes that have changed in the schema.
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

    /// Removes the values of a table: lookups of some types by primary keys, and lists by
    /// partitions.
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
        // The cache has no values of a table that was removed since.
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
            if let index, table.hidesItems(of: index, since: change) {
                forget { $0.partition?.table == name && $0.partition?.index == index }
                continue
            }
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
        // The cache has no values of an index that was removed.
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

    /// Refuses reads while the environment is closed, or permits them again; the cache keeps its
    /// values.
    func setPaused(_ isPaused: Bool) { stripes.forEach { $0.isClosed = isPaused } }

    /// Refuses reads from now on; the environment may be closed after the call.
    func close() {
        stripes.forEach { stripe in
            stripe.isClosed = true
            stripe.invalidateAll()
        }
        reading.withLock { $0 = nil }
    }
}
