import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Customers with their sites and visits, three entities in one partition.
private enum Customers {
    struct Customer: Codable, Entity, Hashable {
        static let definition = EntityDefinition(
            "customer", table: "main", keys: ["PK": "CUSTOMER#{id}", "SK": "PROFILE"])

        var id: String
        var region = "north"
        var name = ""
    }

    struct Visit: Codable, Entity, Hashable {
        static let definition = EntityDefinition(
            "visit", table: "main", keys: ["PK": "CUSTOMER#{customer}", "SK": "VISIT#{number}"])

        struct Fields {
            let customer = Field<Visit, String>("customer")
            let number = Field<Visit, Number>("number")
            let region = Field<Visit, String>("region")
            let hours = Field<Visit, Int>("hours")
        }

        static let fields = Fields()
        static let byRegion: EntityIndex<Visit> = "byRegion"

        var customer = "a"
        var number: Number
        var region = "north"
        var hours = 1
    }

    /// An entity whose sort keys begin as those of visits.
    struct Remark: Codable, Entity, Hashable {
        static let definition = EntityDefinition(
            "remark", table: "main",
            keys: ["PK": "CUSTOMER#{customer}", "SK": "VISIT#{number}#REMARK#{id}"])

        var customer = "a"
        var number: Int
        var id: String
        var region = "north"
    }

    struct Site: Codable, Entity, Hashable {
        static let definition = EntityDefinition(
            "site", table: "main", keys: ["PK": "SITE#{id}", "SK": "SITE"])

        var id: UUID
    }

    static let table = TableDefinition(
        "main", partitionKey: KeyAttribute("PK"), sortKey: KeyAttribute("SK"),
        indexes: [
            IndexDefinition(
                "byRegion", partitionKey: [KeyAttribute("region")],
                sortKey: [KeyAttribute("PK"), KeyAttribute("SK")], projection: .keysOnly)
        ])
    static let other = TableDefinition("other", partitionKey: KeyAttribute("PK"))
    static let bare = Schema(tables: [table, other])
    static let schema = bare.adding(Customer.self, Visit.self, Remark.self, Site.self)
}

/// Typed queries, which find the items of their entity alone.
@Suite("Queries of an entity")
struct EntityQueryTests {
    private typealias Customer = Customers.Customer
    private typealias Visit = Customers.Visit
    private typealias Remark = Customers.Remark
    private typealias Site = Customers.Site

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }
    private let fields = Visit.fields
    private let visits = Query<Visit>(partition: "CUSTOMER#a")
    private let northern = Query<Visit>(partition: "north", index: "byRegion")

    init() throws { temporary = try TemporaryStore(schema: Customers.schema) }

    /// A customer, visits from 0 on, and a remark on each.
    private func fill(_ store: Store, _ count: Int) async throws {
        try await store.write { transaction in
            try transaction.put(Customer(id: "a"))
            for number in 0..<count {
                try transaction.put(Visit(number: Number(number), hours: number))
                try transaction.put(Remark(number: number, id: "r"))
            }
        }
    }

    private func keys(_ query: TableQuery) throws -> [String] {
        try store.items(matching: query).items.compactMap { $0["SK"]?.string }
    }

    // MARK: Losses

    @Test(
        "A deletion by a typed query's request leaves other entities, by table and index",
        arguments: [false, true], [1, 2, 100])
    func deletion(usesIndex: Bool, batchCount: Int) async throws {
        try await fill(store, 5)
        let request = (usesIndex ? northern : visits).filtered(by: fields.hours > 1).request
        #expect(try await store.deleteItems(matching: request, batchCount: batchCount) == 3)
        let all = TableQuery(table: "main", partition: ["CUSTOMER#a"])
        #expect(try keys(all).count == 8)
        #expect(try store.all(visits).map(\.hours) == [0, 1])
        #expect(try store.count(Query<Remark>(partition: "CUSTOMER#a")) == 5)
        #expect(try store.count(Query<Customer>(partition: "CUSTOMER#a")) == 1)
        // The untyped call deletes what is in the partition.
        #expect(try await store.deleteItems(matching: all, batchCount: batchCount) == 8)
        #expect(try store.verify().isSound)
    }

    @Test("A deletion finds raw items of the entity by their keys, and leaves others")
    func rawDeletion() async throws {
        let raw = try TemporaryStore(schema: Customers.bare)
        for sort in ["PROFILE", "VISIT#0000000001", "VISIT#0000000001#REMARK#r", "OTHER"] {
            let item: Item = ["PK": "CUSTOMER#a", "SK": .string(sort), "region": "north"]
            try await raw.store.put(item, in: "main")
        }
        raw.store.close()
        let store = try Store(at: raw.path, schema: Customers.schema)
        defer { store.close() }
        try await store.put(Visit(number: 2))
        for query in [visits, northern] {
            #expect(try store.count(query) == 2)
            #expect(try store.count(query.request) == QueryCount(count: 2, examinedCount: 5))
            #expect(try store.items(matching: query.request).items.count == 2)
            // A typed read does not take a raw item for an entity in silence.
            #expect(throws: CodexError(.otherEntity, "")) { try store.all(query) }
        }
        #expect(try await store.deleteItems(matching: northern.request) == 2)
        let all = TableQuery(table: "main", partition: ["CUSTOMER#a"])
        #expect(
            try store.items(matching: all).items.compactMap { $0["SK"]?.string }
                == ["OTHER", "PROFILE", "VISIT#0000000001#REMARK#r"])
        #expect(try store.all(visits).isEmpty)
        #expect(try store.verify().isSound)
    }

    // MARK: What is found

    @Test("Items, counts and walks see the entity alone; the others count as examined")
    func found() async throws {
        try await fill(store, 4)
        let expected = (0..<4).map { "VISIT#000000000\($0)" }
        for query in [visits, northern] {
            #expect(try keys(query.request) == expected)
            #expect(try keys(query.reversed.request) == expected.reversed())
            #expect(try store.count(query.request) == QueryCount(count: 4, examinedCount: 9))
            #expect(try store.count(query) == 4)
            #expect(try store.all(query).map(\.hours) == [0, 1, 2, 3])
            try store.read { snapshot in
                var (typed, untyped) = (0, 0)
                try snapshot.forEach(query) { _ in
                    typed += 1
                    return true
                }
                try snapshot.forEach(query.request) { _ in
                    untyped += 1
                    return untyped < 3
                }
                #expect(typed == 4 && untyped == 3)
            }
            let examined = try store.items(
                matching: query.request, limits: PageLimits(examined: 3))
            #expect(examined.examinedCount == 3 && examined.next != nil)
        }
        // A filter of a partial index sees the whole item in typed and bulk calls.
        #expect(try store.all(northern.filtered(by: fields.hours > 1)).map(\.hours) == [2, 3])
        #expect(try store.count(northern.filtered(by: fields.hours > 1)) == 2)
    }

    @Test("Page tokens are bound to the entity")
    func tokens() async throws {
        try await fill(store, 4)
        let remarks = Query<Remark>(partition: "CUSTOMER#a")
        let page = try store.query(visits, limit: 2)
        let token = try #require(page.next)
        #expect(try store.query(visits, after: token).items.map(\.hours) == [2, 3])
        #expect(
            try store.items(matching: visits.request, after: token).items.count == 2)
        var anyEntity = visits.request
        anyEntity.entity = nil
        #expect(throws: CodexError(.invalidPageToken, "")) {
            try store.query(remarks, after: token)
        }
        #expect(throws: CodexError(.invalidPageToken, "")) {
            try store.items(matching: anyEntity, after: token)
        }
        let untyped = try store.items(matching: anyEntity, limits: PageLimits(returned: 1))
        let untypedToken = try #require(untyped.next)
        #expect(throws: CodexError(.invalidPageToken, "")) {
            try store.query(visits, after: untypedToken)
        }
        // The last page of an entity whose items come before others has no token of theirs.
        let rest = try store.query(visits, limit: 2, after: token)
        #expect(rest.items.count == 2)
        var (last, count) = (rest.next, 0)
        while let next = last {
            let page = try store.query(visits, limit: 2, after: next)
            #expect(page.items.isEmpty)
            (last, count) = (page.next, count + 1)
        }
        #expect(count <= 1)
    }

    @Test("An entity that the schema or the table does not have is refused")
    func unknown() async throws {
        try await fill(store, 1)
        for (entity, part) in [("visits", "Did you mean visit?"), ("x", "visit")] {
            let query = TableQuery(table: "main", partition: ["CUSTOMER#a"], entity: entity)
            do {
                _ = try store.items(matching: query)
                Issue.record("\(entity) was found")
            } catch let error as CodexError {
                #expect(error.code == .unknownEntity && error.message.contains(part), "\(error)")
            }
            await #expect(throws: CodexError(.unknownEntity, "")) {
                try await store.deleteItems(matching: query)
            }
        }
        let elsewhere = TableQuery(table: "other", partition: ["CUSTOMER#a"], entity: "visit")
        #expect(throws: CodexError(.unknownEntity, "")) { try store.count(elsewhere) }
        #expect(throws: CodexError(.unknownEntity, "")) {
            try store.all(Query<Visit>(elsewhere))
        }
    }

    // MARK: Keys from values

    @Test("Keys of reads and writes are made from values")
    func made() async throws {
        for text in ["-2", "-0.5", "0", "0.25", "7", "10", "123456789012"] {
            try await store.put(Visit(number: try Number(parsing: text)))
        }
        try await store.put(Customer(id: "a"))
        try await store.put(Remark(number: 7, id: "r"))
        func numbers(_ query: Query<Visit>) throws -> [String] {
            try store.all(query).map(\.number.description)
        }
        let all = Query(fields.customer("a"))
        #expect(try numbers(all) == ["-2", "-0.5", "0", "0.25", "7", "10", "123456789012"])
        #expect(try numbers(Query<Visit>(["customer": "a"])) == numbers(all))
        let (customer, number) = (fields.customer("a"), fields.number)
        #expect(try numbers(Query(customer, sort: number.before(0))) == ["-2", "-0.5"])
        #expect(try numbers(Query(customer, sort: number.within(0...7))) == ["0", "0.25", "7"])
        #expect(try numbers(Query(customer, sort: number.after(7))) == ["10", "123456789012"])
        #expect(try numbers(Query(customer, sort: number.at(7)).reversed) == ["7"])
        let region = Query(Visit.byRegion, fields.region("north"), customer)
        #expect(try numbers(region).count == 7)
        #expect(try store.count(all) == 7)
        let page = try store.query(all, limit: 3)
        #expect(try store.query(all, limit: 100, after: page.next).items.count == 4)
        let lookup = Lookup(customer, number(7))
        #expect(try store.get(lookup)?.number == 7)
        #expect(try store.stored(Lookup<Visit>(["customer": "a", "number": 7]))?.version == 1)
        #expect(try store.get(Lookup(customer, number(8))) == nil)
        let entry = Lookup(Visit.byRegion, fields.region("north"), customer, number(10))
        #expect(try store.get(entry)?.number == 10)
        try await store.update(lookup) { $0.hours = 5 }
        let hours: AttributeValue? = try store.read { snapshot in
            try snapshot.view(lookup) { try $0.item()["hours"] } ?? nil
        }
        #expect(hours == 5)
        #expect(try await store.delete(lookup))
        #expect(try store.get(lookup) == nil)
        #expect(try store.count(Query<Remark>(["customer": "a"])) == 1)
        var results = 0
        for try await _ in store.results(of: all, pageSize: 2) { results += 1 }
        #expect(results == 6)
    }

    @Test("A query that was made from values has no keys for untyped calls")
    func unresolved() async throws {
        try await fill(store, 2)
        let request = Query(fields.customer("a")).request
        #expect(throws: CodexError(.invalidKey, "")) { try store.items(matching: request) }
        #expect(throws: CodexError(.invalidKey, "")) { try store.count(request) }
        await #expect(throws: CodexError(.invalidKey, "")) {
            try await store.deleteItems(matching: request)
        }
        #expect(try store.count(TableQuery(table: "main", partition: ["CUSTOMER#a"])).count == 5)
    }

    @Test("Wrong values and filters are errors of each call, and never an empty result")
    func mistakes() async throws {
        try await fill(store, 2)
        let wrong = Query<Visit>(["custmer": "a"])
        #expect(throws: CodexError(.invalidKey, "")) { try store.all(wrong) }
        #expect(throws: CodexError(.invalidKey, "")) { try store.count(wrong) }
        #expect(throws: CodexError(.invalidKey, "")) {
            try store.read { try $0.forEach(wrong) { _ in true } }
        }
        #expect(throws: CodexError(.invalidKey, "")) {
            try store.get(Lookup<Visit>(["customer": "a"]))
        }
        await #expect(throws: CodexError(.invalidKey, "")) {
            try await store.delete(Lookup<Visit>(["customer": "a"]))
        }
        #expect(throws: CodexError(.unknownIndex, "")) {
            try store.all(Query<Visit>("byRegoin", ["region": "north"]))
        }
        for query in [visits, Query(fields.customer("a"))] {
            let filtered = query.filtered(by: .attributeExists("Hours"))
            #expect(throws: CodexError(.invalidExpression, "")) { try store.all(filtered) }
            #expect(throws: CodexError(.invalidExpression, "")) { try store.count(filtered) }
        }
    }

    @Test("A key in another spelling is an error if there is an item in the right one")
    func spellings() async throws {
        try await fill(store, 8)
        let id = try #require(UUID(uuidString: "6F9619FF-8B86-D011-B42D-00C04FC964FF"))
        try await store.put(Site(id: id))
        let site = Lookup<Site>(partition: .string("SITE#\(id.uuidString)"), sort: "SITE")
        #expect(throws: CodexError(.invalidKey, "")) { try store.get(site) }
        #expect(throws: CodexError(.invalidKey, "")) {
            try store.get(Lookup<Site>(["id": id.uuidString]))
        }
        #expect(try store.get(Lookup<Site>(["id": id]))?.id == id)
        // Visits declare no fields, so that 7 might be an identifier.
        let visit = Lookup<Visit>(partition: "CUSTOMER#a", sort: "VISIT#7")
        #expect(try store.get(visit) == nil)
        #expect(try store.get(Lookup<Visit>(["customer": "a", "number": "7"])) == nil)
        #expect(
            try store.all(Query<Visit>(partition: "CUSTOMER#a", sort: .equal("VISIT#7"))).isEmpty)
        #expect(throws: CodexError(.invalidKey, "")) {
            try store.count(Query<Site>(partition: .string("SITE#\(id.uuidString)")))
        }
        // A number in place of text.
        try await store.put(Customer(id: "7"))
        #expect(throws: CodexError(.invalidKey, "")) { try store.get(Lookup<Customer>(["id": 7])) }
        #expect(try store.get(Lookup<Customer>(["id": "7"]))?.id == "7")
        // What is in no spelling is absent.
        #expect(try store.get(Lookup<Visit>(partition: "CUSTOMER#a", sort: "VISIT#9")) == nil)
        #expect(try store.get(Lookup<Site>(["id": UUID()])) == nil)
        #expect(try store.get(Lookup<Site>(["id": UUID().uuidString])) == nil)
        #expect(try store.all(Query<Visit>(partition: "CUSTOMER#b")).isEmpty)
        #expect(
            try store.all(Query<Visit>(partition: "CUSTOMER#a", sort: .equal("VISIT#9"))).isEmpty)
    }

    // MARK: Caches and observations

    @Test("Caches keep and observations follow what is read by values")
    func followed() async throws {
        try await fill(store, 1)
        let cache = try StoreCache(store)
        let all = Query(fields.customer("a"))
        let first = Lookup(fields.customer("a"), fields.number(0))
        let manual = Lookup<Visit>(partition: "CUSTOMER#a", sort: "VISIT#0000000000")
        let region = Query(Visit.byRegion, fields.region("north"))
        for _ in 0..<2 {
            #expect(try cache.all(all).count == 1)
            #expect(try cache.all(region).count == 1)
            #expect(try cache.get(first)?.hours == 0)
            #expect(try cache.get(manual)?.hours == 0)
        }
        #expect(cache.statistics.missCount == 3 && cache.statistics.hitCount == 5)
        var lists = store.observe(all).makeAsyncIterator()
        var items = store.observe(first).makeAsyncIterator()
        var entries = store.observe(region).makeAsyncIterator()
        #expect(try await lists.next()?.count == 1)
        #expect(try await items.next()??.hours == 0)
        #expect(try await entries.next()?.count == 1)
        try await store.put(Visit(number: 0, hours: 9))
        try await store.put(Visit(number: 1))
        #expect(try cache.all(all).map(\.hours) == [9, 1])
        #expect(try cache.all(region).count == 2)
        #expect(try cache.get(first)?.hours == 9)
        #expect(try await lists.next()?.count == 2)
        #expect(try await items.next()??.hours == 9)
        #expect(try await entries.next()?.count == 2)
        #expect(throws: CodexError(.invalidKey, "")) {
            try cache.get(Lookup<Visit>(["number": 1]))
        }
        #expect(throws: CodexError(.invalidKey, "")) { try cache.all(Query<Visit>(["number": 1])) }
        var wrong = store.observe(Query<Visit>(["number": 1])).makeAsyncIterator()
        await #expect(throws: CodexError(.invalidKey, "")) { try await wrong.next() }
    }
}
