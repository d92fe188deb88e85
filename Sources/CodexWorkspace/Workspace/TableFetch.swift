internal import CodexCore

/// Fetches what a decision on a remote table reads.
///
/// All that is read by key is one batch, with the guards and markers of the queries. Queries that
/// have neither run at the same time, and the others after the batch: a guard is read before the
/// query that it protects. Queries that look at the same markers ask for them once.
struct TableFetch: Sendable {
    let table: any TableBackend
    let entities: EntityItems
    /// Whether rules look at markers, and not at indexes.
    let hasMarkers: Bool
    /// The shards of the counts of a project's tasks, in a table with markers.
    let shardCount: Int

    private var schema: Schema { entities.schema }

    /// Most items that a list without unreadable items passes over: each costs a read.
    private static let unreadableCountMax = 100
    /// Most items of markers that are read at once.
    private static let markedCountMax = 100

    /// A query whose result is missing.
    private struct Search: Sendable {
        let missing: TableReads.Missing
        let query: TableQuery
        let limit: Int?
        /// How many entries of an index are passed over, if there are enough others.
        let place: Int
        /// The marker of a unique key, if it was read.
        var marker: Item??
        /// The markers of another key, if they were read.
        var markers: [Item]?

        init?(_ missing: TableReads.Missing) {
            guard case .query(let query, _, let limit, let place, _, _) = missing.request else {
                return nil
            }
            (self.missing, self.query, self.limit, self.place) = (missing, query, limit, place)
        }

        /// Whether something is read by key before the query.
        var isLate: Bool { !missing.lockNames.isEmpty || missing.markerKey != nil }
    }

    /// Fetches reads, and adds them to those that are there.
    ///
    /// - Throws: The errors of the table.
    func fetch(_ wanted: [TableReads.Missing], into reads: TableReads) async throws {
        let searches = wanted.compactMap { Search($0) }
        let early = searches.filter { !$0.isLate }
        async let earlyResults = results(of: early)
        let items = try await items(wanted.flatMap { Self.requests(of: $0, reads) })
        for missing in wanted {
            if case .item = missing.request {
                reads.items[missing.request] = items[missing.request]
            }
            for name in missing.lockNames where reads.predicateLocks[name] == nil {
                reads.predicateLocks[name] = items[Self.request(CodexFlow.PredicateLock.key(name))]
            }
            if let key = missing.markerKey, reads.markers[key] == nil {
                reads.markers[key] = items[Self.request(key)]
            }
        }
        let late = searches.filter(\.isLate).map { search in
            var search = search
            search.marker = search.missing.markerKey.flatMap { reads.markers[$0] }
            return search
        }
        let found = try await results(of: late) + earlyResults
        for (search, items) in zip(late + early, found) {
            reads.results[search.missing.request] = items
        }
    }

    /// What a read needs by key, apart from what is there.
    private static func requests(
        of missing: TableReads.Missing, _ reads: TableReads
    ) -> [TableReads.Request] {
        guard case .query = missing.request else { return [missing.request] }
        var keys: [PrimaryKey] = []
        for name in missing.lockNames where reads.predicateLocks[name] == nil {
            keys.append(CodexFlow.PredicateLock.key(name))
        }
        if let key = missing.markerKey, reads.markers[key] == nil { keys.append(key) }
        return keys.map { request($0) }
    }

    private static func request(_ key: PrimaryKey) -> TableReads.Request {
        .item(table: CodexFlow.table, key)
    }

    // MARK: Items

    /// Items by key, with one request for all of a table.
    private func items(
        _ requests: [TableReads.Request]
    ) async throws -> [TableReads.Request: Item?] {
        var keys: [String: [PrimaryKey]] = [:]
        for case .item(let name, let key) in Set(requests) { keys[name, default: []].append(key) }
        var found: [TableReads.Request: Item?] = [:]
        for (name, keys) in keys {
            for (key, item) in zip(keys, try await items(name, keys)) {
                found[.item(table: name, key)] = .some(item)
            }
        }
        return found
    }

    private func items(_ name: String, _ keys: [PrimaryKey]) async throws -> [Item?] {
        switch keys.count {
        case 0: []
        case 1: [try await table.item(in: name, key: keys[0], consistency: .consistent)]
        default: try await table.items(in: name, keys: keys, consistency: .consistent)
        }
    }

    // MARK: Queries

    /// The results of queries, which run at the same time.
    private func results(of searches: [Search]) async throws -> [[Item]] {
        guard searches.count > 1 else {
            guard let search = searches.first else { return [] }
            return [try await result(of: search)]
        }
        return try await withThrowingTaskGroup(of: [(place: Int, items: [Item])].self) { group in
            for places in groups(of: searches) {
                group.addTask { try await results(at: places, of: searches) }
            }
            var all = [[Item]](repeating: [], count: searches.count)
            for try await found in group {
                for (place, items) in found { all[place] = items }
            }
            return all
        }
    }

    /// The places of queries; those that look at the same markers are together.
    private func groups(of searches: [Search]) -> [[Int]] {
        var groups: [[Int]] = []
        var known: [TableQuery: Int] = [:]
        for (place, search) in searches.enumerated() {
            let isKnown = search.markers != nil
            let request = isKnown ? nil : marker(of: search)?.search(for: search.query)
            if let request, let group = known[request] {
                groups[group].append(place)
                continue
            }
            if let request { known[request] = groups.count }
            groups.append([place])
        }
        return groups
    }

    /// The results of queries that look at the same markers, or of one query.
    private func results(
        at places: [Int], of searches: [Search]
    ) async throws -> [(place: Int, items: [Item])] {
        var found = places.map { searches[$0] }
        if found.count > 1, let marker = marker(of: found[0]) {
            let markers = try await markers(found[0], marker)
            for place in found.indices { found[place].markers = markers }
        }
        return zip(places, try await results(of: found)).map { (place: $0, items: $1) }
    }

    private func result(of search: Search) async throws -> [Item] {
        guard let marker = marker(of: search) else { return try await items(search) }
        return try await items(search, by: marker)
    }

    /// The kind of markers that a query looks at; `nil` is none.
    private func marker(of search: Search) -> CodexFlow.Marker? {
        guard hasMarkers else { return nil }
        return CodexFlow.Marker.of(search.missing.definition.name, in: search.query.index)
    }

    /// The items of an entity that a query finds, up to the limit.
    private func items(_ search: Search) async throws -> [Item] {
        var (found, token): ([Item], PageToken?) = ([], nil)
        var unreadableCount = 0
        let request = search.query.ofAnyEntity
        if search.place > 0, let limit = search.limit {
            (found, token) = try await candidates(search, limit)
            if token == nil || found.count >= limit { return found }
        }
        repeat {
            let page = try await self.page(
                of: request, search.missing.definition,
                PageLimits(returned: search.limit.map { $0 - found.count }), after: token)
            for item in page.items {
                if search.missing.isReadable(item) {
                    found.append(item)
                } else {
                    unreadableCount += 1
                }
            }
            token = page.next
        } while token != nil && found.count < search.limit ?? .max
            && unreadableCount < Self.unreadableCountMax
        return found
    }

    /// Some of the first items that a query finds, up to the limit, and the end of the page.
    ///
    /// One page of the index has the entries. Twice the wanted ones are read by key, from the place
    /// of the search on, since an index may be older than the table. The others are read only if
    /// too few of these still belong to the list.
    private func candidates(
        _ search: Search, _ limit: Int
    ) async throws -> (items: [Item], next: PageToken?) {
        let (request, definition) = (search.query.ofAnyEntity, search.missing.definition)
        let tableDefinition = try schema.table(request.table)
        let page = try await table.items(
            matching: request, limits: PageLimits(returned: search.place + 2 * limit),
            after: nil, consistency: consistency(of: request))
        // While an index follows a change, it may have two entries of one item.
        var seen: Set<PrimaryKey> = []
        var entries: [Item] = []
        for entry in page.items {
            let key = try tableDefinition.primaryKey(of: entry)
            if seen.insert(key).inserted { entries.append(entry) }
        }
        let start = max(0, min(search.place, entries.count - limit))
        var rest = Array(entries[start...])
        rest += entries[..<start].reversed()
        var found: [Item] = []
        while !rest.isEmpty, found.count < limit {
            let count = rest.count == entries.count ? min(2 * limit, rest.count) : rest.count
            let items = try await wholeItems(Array(rest.prefix(count)), request, of: definition)
            found += items.filter { search.missing.isReadable($0) }
            rest.removeFirst(count)
        }
        return (Array(found.prefix(limit)), page.next)
    }

    /// A page of the items of an entity that a query finds, whole and as they are now.
    ///
    /// In a table without an index of the labels, entries of its own stand for it.
    ///
    /// - Throws: ``CodexError/Code/indexNotReady`` for a list by label that was never built; the
    ///   errors of the table.
    func page(
        of query: TableQuery, _ definition: EntityDefinition, _ limits: PageLimits,
        after token: PageToken?
    ) async throws -> Page<Item> {
        guard hasMarkers, let search = CodexFlow.LabelList.search(for: query, of: definition)
        else {
            let page = try await table.items(
                matching: query, limits: limits, after: token, consistency: consistency(of: query))
            return Page(
                items: try await wholeItems(page.items, query, of: definition), next: page.next,
                examinedCount: page.examinedCount)
        }
        async let isBuilt = hasLabelLists()
        let page = try await table.items(
            matching: search, limits: limits, after: token, consistency: .eventual)
        guard try await isBuilt else {
            throw CodexError(
                .indexNotReady,
                "The lists of tasks by label were never built. Run a consumer of the table's "
                    + "stream with labelActions(of:), and call rebuildLabels().")
        }
        let tasks = page.items.compactMap { CodexFlow.LabelList.task(of: $0) }
        return Page(
            items: try await wholeItems(tasks, query, of: definition), next: page.next,
            examinedCount: page.examinedCount)
    }

    /// Whether the lists of tasks by label were built.
    private func hasLabelLists() async throws -> Bool {
        let state = try await table.item(
            in: CodexFlow.table, key: CodexFlow.LabelList.stateKey, consistency: .consistent)
        return state?[CodexFlow.LabelList.isBuilt] == .bool(true)
    }

    /// A query of an index sees what the service can give; the items are read again by key.
    func consistency(of query: TableQuery) -> ReadConsistency {
        query.index == nil || table.capabilities.hasConsistentIndexQueries ? .consistent : .eventual
    }

    /// The items of an entity among those of a page, whole and as they are now.
    ///
    /// An entry of an index may hold only a part of its item, and may be older than the table. The
    /// item as it is now is what a decision uses, so it must satisfy the query itself.
    func wholeItems(
        _ items: [Item], _ query: TableQuery, of definition: EntityDefinition
    ) async throws -> [Item] {
        let tableDefinition = try schema.table(query.table)
        let isStale = consistency(of: query) == .eventual
        guard try isStale || schema.isPartial(query) else {
            return try items.filter { try entities.isItem($0, of: definition) }
        }
        // While an index follows a change, it may have two entries of one item.
        var seen: Set<PrimaryKey> = []
        let keys = try items.map { try tableDefinition.primaryKey(of: $0) }.filter {
            definition.matches($0, in: tableDefinition) && seen.insert($0).inserted
        }
        let place = try QueryPlace(query, in: tableDefinition)
        var found: [Item] = []
        for case .some(let item) in try await self.items(query.table, keys) {
            let isOne = try entities.isItem(item, of: definition)
            if isOne, place.contains(item, of: definition.name) { found.append(item) }
        }
        return found
    }

    // MARK: Markers

    /// The items of an entity that a query of an index finds, by their markers.
    private func items(
        _ search: Search, by marker: CodexFlow.Marker
    ) async throws -> [Item] {
        let (query, definition) = (search.query.ofAnyEntity, search.missing.definition)
        let tableDefinition = try schema.table(query.table)
        let keys = try marker.candidates(
            try await markers(search, marker), query, in: tableDefinition)
        let place = try QueryPlace(query, in: tableDefinition)
        var found: [Item] = []
        var unreadableCount = 0
        var next = 0
        while next < keys.count, found.count < search.limit ?? .max,
            unreadableCount < Self.unreadableCountMax
        {
            let wanted = search.limit.map { $0 - found.count } ?? Self.markedCountMax
            let part = Array(keys[next...].prefix(min(wanted, Self.markedCountMax)))
            next += part.count
            for case .some(let item) in try await items(query.table, part) {
                guard try entities.isItem(item, of: definition),
                    place.contains(item, of: definition.name)
                else { continue }
                if search.missing.isReadable(item) {
                    found.append(item)
                } else {
                    unreadableCount += 1
                }
            }
        }
        return found
    }

    /// The markers that a query may ask for.
    private func markers(
        _ search: Search, _ marker: CodexFlow.Marker
    ) async throws -> [Item] {
        if case .some(let known) = search.marker { return known.map { [$0] } ?? [] }
        if let known = search.markers { return known }
        guard let request = marker.search(for: search.query) else { return [] }
        return try await table.allItems(matching: request)
    }
}

extension TableQuery {
    /// The query for the items of all entities.
    ///
    /// A remote table has no entities. The backend chooses the items by their keys.
    var ofAnyEntity: TableQuery {
        var query = self
        query.entity = nil
        return query
    }
}

extension Schema {
    /// Whether a query's results may lack attributes of their items.
    func isPartial(_ query: TableQuery) throws(CodexError) -> Bool {
        guard let name = query.index else { return false }
        return try index(name, of: query.table)?.projection != .all
    }

    func index(_ name: String, of table: String) throws(CodexError) -> IndexDefinition? {
        try self.table(table).indexes.first { $0.name == name }
    }
}
