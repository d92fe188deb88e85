internal import CodexCore
internal import FoundationEssentials

/// The reads of a decision on a remote table; one task at a time uses it.
final class TableReads: CodexFlow.CheckedReader, CodexFlow.NumberingReader,
    CodexFlow.ProtectingReader
{
    enum Request: Hashable {
        case item(table: String, PrimaryKey)
        /// A query; `from` passes over the first entries of an index if there are enough others,
        /// `isLenient` leaves out items that cannot be read, and `isOfGraph` reads the locks of a
        /// project's graph before it.
        case query(
            TableQuery, of: String, limit: Int?, from: Int, isLenient: Bool, isOfGraph: Bool)
    }

    /// A read that must be fetched before the decision can be made.
    struct Missing: Error {
        let request: Request
        /// The entity to read.
        let definition: EntityDefinition
        /// The predicate locks of a query.
        var lockNames: [String] = []
        /// The marker that a query of a unique key asks for.
        var markerKey: PrimaryKey?
        /// Whether a query's result may have an item.
        var isReadable: @Sendable (Item) -> Bool = { _ in true }
    }

    /// A number of a task that must be taken before the decision can be made.
    struct NumberRequest: Error, Hashable {
        let project: CodexFlow.Project.ID
    }

    let entities: EntityItems
    /// Whether rules look at markers, and not at indexes.
    let hasMarkers: Bool
    /// The shards of the counts of a project's tasks, in a table with markers.
    let shardCount: Int
    /// The queues from which the decisions choose tasks.
    let choices: QueueChoices
    var schema: Schema { entities.schema }

    // What was fetched, also if no decision has asked for it.

    var items: [Request: Item?] = [:]
    /// The results of queries, as whole items of the entity.
    var results: [Request: [Item]] = [:]
    /// The predicate locks of the queries, as they were before the queries.
    var predicateLocks: [String: Item?] = [:]
    /// The markers of unique keys, as they were before the queries.
    var markers: [PrimaryKey: Item?] = [:]
    /// The numbers that were taken for the command; `nil` if it takes its number itself.
    var numbers: [NumberRequest: Int?] = [:]

    /// The reads that decisions have asked for, in their order.
    private(set) var asked: [Missing] = []
    private(set) var used: Set<Request> = []
    private(set) var usedLocks: Set<String> = []
    private(set) var usedMarkers: Set<PrimaryKey> = []
    /// Items that queries returned: a replaced or deleted item must still equal the one here.
    private(set) var found: [Request: Item] = [:]
    /// Whether all reads of each item gave the same state of it.
    ///
    /// Otherwise another command wrote it between them. A condition on one state does not protect a
    /// decision that used the other one.
    private(set) var isConsistent = true
    /// The fields of the types that each item was read as.
    private(set) var fields: [Request: Set<String>] = [:]
    /// The items that queries returned and whose content a decision relies on.
    private(set) var relied: Set<Request> = []
    /// The present time of the first decision with these reads.
    private var time: Date?

    /// Creates reads of which nothing is fetched.
    init(
        _ entities: EntityItems, hasMarkers: Bool, shardCount: Int, choices: QueueChoices
    ) {
        self.entities = entities
        self.hasMarkers = hasMarkers
        self.shardCount = shardCount
        self.choices = choices
    }

    /// Creates reads of what others have fetched, without a trace of their use.
    init(fetchedBy other: TableReads) {
        entities = other.entities
        hasMarkers = other.hasMarkers
        shardCount = other.shardCount
        choices = other.choices
        items = other.items
        results = other.results
        predicateLocks = other.predicateLocks
        markers = other.markers
    }

    /// The present time: the same one each time that a command is decided with these reads.
    ///
    /// A command may query by the time. With another time, it would ask for another query than the
    /// one that was fetched, each time. An attempt after a conflict has other reads, and its own
    /// time.
    func now(_ clock: () -> Date) -> Date {
        if let time { return time }
        let first = clock().bounded
        time = first
        return first
    }

    private func item(_ definition: EntityDefinition, _ key: PrimaryKey) throws -> Item? {
        let missing = Missing(
            request: .item(table: definition.table, key), definition: definition)
        let request = missing.request
        guard let known = items[request] else {
            try Self.requireRoom([key.partition], key.sort.map { [$0] } ?? [])
            throw missing
        }
        use(missing)
        fields[request, default: []].formUnion(definition.fields.map(\.name))
        if let found = found[request], found != known { isConsistent = false }
        return known
    }

    /// Notes that a decision uses a read: the write has the condition that it is unchanged.
    func use(_ missing: Missing) {
        guard used.insert(missing.request).inserted else { return }
        asked.append(missing)
        usedLocks.formUnion(missing.lockNames)
        if let key = missing.markerKey { usedMarkers.insert(key) }
    }

    /// Throws if values are too long for a key.
    ///
    /// The table would refuse such a read too, but outside of the decision, which may pass over it.
    private static func requireRoom(
        _ partition: [AttributeValue], _ sort: [AttributeValue]
    ) throws(CodexError) {
        guard
            partition.allSatisfy({ $0.byteCount <= DynamoDBLimits.partitionKeyByteCountMax }),
            sort.allSatisfy({ $0.byteCount <= DynamoDBLimits.sortKeyByteCountMax })
        else {
            throw CodexError(
                .keyTooLong, "The command reads a key that is too long. Use shorter identifiers.")
        }
    }

    func get<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        switch try lookup.resolved(in: try schema.table(E.definition.table)) {
        case .primaryKey(let key):
            guard let item = try item(E.definition, key) else { return nil }
            return try entities.entity(item)
        case .index(let name, let partition, let sort):
            let query = TableQuery(
                table: E.definition.table, index: name, partition: partition, sortValues: sort)
            return try all(Query<E>(query), limit: 1).first
        case .values, .indexValues:
            throw CodexError(.invalidKey, "The lookup has no key, although it was made.")
        }
    }

    func all<E: Entity>(_ query: CodexCore.Query<E>, limit: Int?) throws -> [E] {
        try all(query, limit, isLenient: false)
    }

    func readable<E: Entity>(_ query: CodexCore.Query<E>, limit: Int?) throws -> [E] {
        try all(query, limit, isLenient: true)
    }

    /// Some of the first entities of the query, from a place on; see
    /// ``CodexFlow/DecisionReader/candidates(of:limit:from:)``.
    func readable<E: Entity>(
        _ query: CodexCore.Query<E>, _ limit: Int, from place: Int
    ) throws -> [E] {
        try all(query, limit, isLenient: true, from: place)
    }

    func linked<E: Entity>(
        _ query: CodexCore.Query<E>, in project: CodexFlow.Project.ID, isLenient: Bool
    ) throws -> [E] {
        try all(query, nil, isLenient: isLenient, inGraphOf: project)
    }

    func rely<E: Entity>(on entity: E) throws {
        let table = try schema.table(E.definition.table)
        relied.insert(
            .item(table: table.name, try table.primaryKey(of: try entity.item())))
    }

    /// The entities of a query.
    ///
    /// - Parameters:
    ///   - query: The query.
    ///   - limit: The most entities.
    ///   - isLenient: Whether it leaves out items that cannot be read.
    ///   - project: The project whose graph's locks protect the result; `nil` is the lock of the
    ///     query itself.
    ///   - place: How many entries are passed over, if there are enough others.
    /// - Returns: The entities.
    /// - Throws: ``Missing``, and the errors of reading.
    private func all<E: Entity>(
        _ query: CodexCore.Query<E>, _ limit: Int?, isLenient: Bool,
        inGraphOf project: CodexFlow.Project.ID? = nil, from place: Int = 0
    ) throws -> [E] {
        let table = try schema.table(E.definition.table)
        let made = try query.resolved(in: table, of: schema)
        var missing = Missing(
            request: .query(
                made, of: E.definition.name, limit: limit, from: place, isLenient: isLenient,
                isOfGraph: project != nil),
            definition: E.definition)
        if let project {
            missing.lockNames = CodexFlow.PredicateLock.graphNames(of: project)
        } else if let name = CodexFlow.PredicateLock.name(
            of: made, E.definition, hasMarkers: hasMarkers)
        {
            missing.lockNames = [name]
        }
        if hasMarkers {
            missing.markerKey = CodexFlow.Marker.of(E.definition.name, in: made.index)?
                .key(for: made)
        }
        guard let result = results[missing.request] else {
            try Self.requireRoom(made.partition, made.sortPrefix + made.sort.values)
            if isLenient {
                let reader = entities
                missing.isReadable = { (try? reader.entity($0, as: E.self)) != nil }
            }
            throw missing
        }
        use(missing)
        var found: [E] = []
        for item in result {
            found.append(try entities.entity(item))
            let request = Request.item(table: table.name, try table.primaryKey(of: item))
            fields[request, default: []].formUnion(E.definition.fields.map(\.name))
            if let known = self.found[request], known != item { isConsistent = false }
            // An item that was missing when it was read by key differs as well.
            if used.contains(request), let known = items[request], known != item {
                isConsistent = false
            }
            if self.found[request] == nil { self.found[request] = item }
        }
        return found
    }

    /// A number that was taken before; without markers, a decision takes its number itself.
    func takeTaskNumber(of project: CodexFlow.Project.ID) throws -> Int? {
        guard hasMarkers else { return nil }
        let request = NumberRequest(project: project)
        guard let number = numbers[request] else { throw request }
        return number
    }

    func takes<E: Entity>(_ entity: E) throws -> Bool {
        let table = try schema.table(E.definition.table)
        let request = Request.item(
            table: table.name, try table.primaryKey(of: try entity.item()))
        return table.takes(try entities.item(of: entity, over: known(request) ?? nil))
    }

    /// The item as it was read; `nil` if it was not read, and `nil` in it if there is none.
    func known(_ request: Request) -> Item?? {
        if used.contains(request), let item = items[request] { return .some(item) }
        guard let item = found[request] else { return nil }
        return .some(.some(item))
    }
}

extension TableDefinition {
    /// Whether a table takes an item: it is not too large, and none of its keys is too long.
    fileprivate func takes(_ item: Item) -> Bool {
        guard (try? item.validate()) != nil else { return false }
        func fit(_ keys: [KeyAttribute], _ byteCount: Int) -> Bool {
            keys.allSatisfy { item[$0.name]?.byteCount ?? 0 <= byteCount }
        }
        return fit([partitionKey], DynamoDBLimits.partitionKeyByteCountMax)
            && fit(sortKey.map { [$0] } ?? [], DynamoDBLimits.sortKeyByteCountMax)
            && indexes.allSatisfy { index in
                // The elements of a multi-valued attribute have the limits of the rules.
                let partition = index.partitionKey.filter { $0.name != index.multiValued }
                return fit(partition, DynamoDBLimits.partitionKeyByteCountMax)
                    && fit(index.sortKey, DynamoDBLimits.sortKeyByteCountMax)
            }
    }
}
