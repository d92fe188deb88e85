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
final class CacheFollower: Sendable {
    private let core: StoreCore
    private let stripes: CacheStripes
    /// The newest transaction whose changes were looked at.
    private let seen = Atomic<Int>(-1)

    private let reading = Locked<ChangeReader?>(nil)

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

    /// Takes note of what is about to be read, and may be kept.
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
        try reading.withLock { reader in
            if seenID >= transactionID { return }
            do {
                try follow(&reader)
            } catch let error as CodexError where error.code != .closed {
                reader = nil
                // From here on; what was there before is forgotten when it is known.
                try follow(&reader)
            }
        }
    }

    private func follow(_ reading: inout ChangeReader?) throws {
        guard let reader = reading else {
            let reader = ChangeReader(
                core, from: .position(.latest), .newAndOldImages, .all)
            try reader.prepare()
            stripes.invalidateAll()
            reading = reader
            return try follow(&reading)
        }
        while true {
            let changes = try reader.read(1000)
            let interests = interests.withLock { $0 }
            for change in changes { try forget(change, interests) }
            // The transaction of the snapshot to whose end it came.
            if let end = reader.endID { return seen.store(end, ordering: .releasing) }
        }
    }

    private func forget(_ change: ChangeRecord, _ interests: Interests) throws {
        let table = change.table
        if let types = interests.types[table] {
            let key = try change.key
            for type in types {
                let hash = CacheKey.hash(type, key)
                stripes[hash].withLock { $0.invalidate(hash) }
            }
        }
        guard let indexes = interests.indexes[table] else { return }
        let definition = try core.catalog.table(table).plan.definition
        let images = try [change.oldImage, change.newImage].compactMap { $0 }
        for name in indexes {
            var partitions: Set<CachePartition> = []
            if let name {
                guard let index = definition.indexes.first(where: { $0.name == name }) else {
                    // It was removed: what was found by it cannot be followed any more.
                    stripes.invalidateAll()
                    continue
                }
                for image in images {
                    for values in index.partitions(of: image) {
                        partitions.insert(CachePartition(table: table, index: name, values: values))
                    }
                }
            } else {
                let values = [try change.key.partition]
                partitions.insert(CachePartition(table: table, index: nil, values: values))
            }
            for partition in partitions {
                stripes[partition.hashValue].withLock { $0.invalidate(partition) }
            }
        }
    }

    /// Refuses reads from now on; the environment may be closed when it returns.
    func close() {
        stripes.forEach { stripe in
            stripe.isClosed = true
            stripe.invalidateAll()
        }
        reading.withLock { $0 = nil }
    }
}
