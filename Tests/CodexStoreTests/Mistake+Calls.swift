import CodexCore
import CodexStore
import Foundation

/// Mistakes in calls.
extension Mistake {
    private static let site = OrderVariants.site

    /// Mistakes with the keys, values and filters of a typed call.
    static let typedCalls: [Mistake] = [
        call("a filter's attribute", .invalidExpression, "Did you mean status?") { type, store in
            try Self.filtered(type, store, by: Attribute<String>("Status") == "open")
        }.noField("Status"),
        call("an attribute in a filter's size", .invalidExpression, "lable") { type, store in
            let size = Condition.compare(.size("lable"), .greater, .value(1))
            try Self.filtered(type, store, by: Attribute<String>("status") == "open" && !size)
        }.noField("lable"),
        call("a filter of an index", .invalidExpression, "Did you mean total?") { type, store in
            try Self.indexed(type, store, by: Attribute<Int>("totl") > 3)
        }.noField("totl"),
        call("a lookup's attribute", .invalidKey, "did you mean siteID?") { type, store in
            try Self.get(type, store, ["siteId": site, "number": 7])
        }.noField("siteId"),
        call("a lookup without an attribute", .invalidKey, "number") { type, store in
            try Self.get(type, store, ["siteID": site])
        },
        call("a lookup with another attribute", .invalidKey, "status") { type, store in
            try Self.get(type, store, ["siteID": site, "number": 7, "status": "open"])
        },
        call("a value that no key may have", .invalidIdentifier, "siteID") { type, store in
            try Self.get(type, store, ["siteID": "a#b", "number": 7])
        },
        call("a query's attribute", .invalidKey, "did you mean siteID?") { type, store in
            try Self.all(type, store, ["siteid": site])
        }.noField("siteid"),
        call("a query with another attribute", .invalidKey, "status") { type, store in
            try Self.all(type, store, ["siteID": site, "status": "open"])
        },
        call("a range of another field", .invalidKey, "number comes next") { type, store in
            try Self.ranged(type, store)
        },
        call("an index's name", .unknownIndex, "byRegion") { type, store in
            try Self.all(type, store, index: "byRegoin", ["region": "north"])
        },
        call(
            "an index of another entity", .invalidKey, "no items of entity order", plain,
            table([visits]), with: [Visit.self]
        ) { type, store in
            try Self.all(type, store, index: "byVisitor", ["visitor": "v"])
        },
        call("a UUID in capitals in a key by hand", .invalidKey, "lower case") { type, store in
            try await Self.byHand(type, store, "SITE#\(site.uuidString)", "ORDER#0000000007")
        },
        call(
            "a number without padding in a key by hand", .invalidKey, "numbers",
            OrderVariants.Declared.self
        ) { type, store in
            try await Self.byHand(
                type, store, "SITE#\(site.uuidString.lowercased())", "ORDER#7")
        },
        call(
            "text in place of a number", .invalidKey, "type S", OrderVariants.Declared.self
        ) { type, store in
            try await Self.put(type, store)
            try Self.get(type, store, ["siteID": site, "number": "7"])
        }.noText("number"),
        call("a typed query's request in an untyped call", .invalidKey, "Query") { type, store in
            try Self.untyped(type, store)
        },
        call(
            "a date as time to live", .typeMismatch, "EpochSeconds", OrderVariants.Dated.self,
            table(timeToLive: "expires")
        ) { type, store in
            try await Self.put(type, store)
        }.found(by: .byMacro, at: .opening, .invalidSchema, "EpochSeconds"),
        call(
            "a number in an index of text", .invalidKey, "number", plain,
            table([IndexDefinition("byNumber", partitionKey: [KeyAttribute("number")])])
        ) { type, store in
            try await Self.put(type, store)
        }.found(by: .byHand, .byMacro, at: .opening, .invalidSchema, "number"),
    ]

    private static let plain = OrderVariants.Plain.self
    private static let visits = IndexDefinition(
        "byVisitor", partitionKey: [KeyAttribute("visitor")], entities: ["visit"])

    /// Names of tables and entities, and additions to a table.
    static let namedCalls: [Mistake] = [
        call("an entity in a stream's filter", .unknownEntity, "Did you mean order?") { _, store in
            let filter = ChangeFilter(entities: ["orders"])
            for try await _ in store.changes(after: .trimHorizon, filter: filter) {}
        },
        call("a table in a stream's filter", .unknownTable, "Did you mean main?") { _, store in
            let filter = ChangeFilter(tables: ["mian"])
            for try await _ in store.changes(after: .latest, filter: filter) {}
        },
        call("an entity in a page's filter", .unknownEntity, "Did you mean order?") { _, store in
            let filter = ChangeFilter(entities: ["order", "Order"])
            _ = try store.changePage(after: .trimHorizon, limit: 1, filter: filter)
        },
        call("an entity in a consumer's filter", .unknownEntity, "orderz") { _, store in
            try await store.addConsumer("c", filter: ChangeFilter(entities: ["orderz"]))
        },
        call("a table in a consumer's filter", .unknownTable, "Main") { _, store in
            try await store.addConsumer("c", filter: ChangeFilter(tables: ["Main"]))
        },
        call("an observed table", .unknownTable, "Did you mean main?") { _, store in
            for try await _ in store.observe(in: ["maim"], { _ in 1 }) {}
        },
        call("an entity in a cache's policy", .unknownEntity, "Did you mean order?") { _, store in
            _ = try StoreCache(store, policy: CachePolicy(timeToLive: ["oder": .seconds(1)]))
        },
        call("an entity in a cache's lists", .unknownEntity, "orders") { _, store in
            _ = try StoreCache(store, policy: CachePolicy(listTimeToLive: ["orders": .seconds(1)]))
        },
        call("an entity in an untyped query", .unknownEntity, "orders") { _, store in
            let query = TableQuery(table: "main", partition: ["SITE#1"], entity: "orders")
            _ = try store.items(matching: query)
        },
        call("a table in an untyped query", .unknownTable, "Did you mean main?") { _, store in
            _ = try store.items(matching: TableQuery(table: "mains", partition: ["SITE#1"]))
        },
        call("an index that is added", .invalidSchema, "Did you mean region?") { _, store in
            let index = IndexDefinition("late", partitionKey: [KeyAttribute("Region")])
            try await store.addIndex(index, to: "main")
        },
        call("a counter that is added", .invalidSchema, "Did you mean status?") { _, store in
            let counter = CounterDefinition("late", group: [KeyAttribute("Status")])
            try await store.addCounter(counter, to: "main")
        },
        call("a time to live that is added", .invalidSchema, "Did you mean expires?") { _, store in
            try await store.addTimeToLive("expire", to: "main")
        },
    ]

    // MARK: Steps

    private static func put<E: SampleOrder>(_ type: E.Type, _ store: Store) async throws {
        try await store.put(E(number: 7))
    }

    private static func get<E: SampleOrder>(
        _ type: E.Type, _ store: Store, _ values: [String: any AttributeConvertible]
    ) throws {
        _ = try store.get(Lookup<E>(values))
    }

    private static func all<E: SampleOrder>(
        _ type: E.Type, _ store: Store, index: String? = nil,
        _ values: [String: any AttributeConvertible]
    ) throws {
        _ = try store.all(Query<E>(index.map { EntityIndex<E>($0) }, values))
    }

    private static func filtered<E: SampleOrder>(
        _ type: E.Type, _ store: Store, by condition: Condition
    ) throws {
        _ = try store.all(Query<E>(["siteID": site]).filtered(by: condition))
    }

    private static func indexed<E: SampleOrder>(
        _ type: E.Type, _ store: Store, by condition: Condition
    ) throws {
        _ = try store.count(Query<E>("byRegion", ["region": "north"]).filtered(by: condition))
    }

    private static func ranged<E: SampleOrder>(_ type: E.Type, _ store: Store) throws {
        let (siteID, status) = (Field<E, UUID>("siteID"), Field<E, String>("status"))
        _ = try store.all(Query(siteID(site), sort: status.at("open")))
    }

    private static func untyped<E: SampleOrder>(_ type: E.Type, _ store: Store) throws {
        _ = try store.items(matching: Query<E>(["siteID": site]).request)
    }

    /// Stores an order, and reads it under a key that is written by hand.
    private static func byHand<E: SampleOrder>(
        _ type: E.Type, _ store: Store, _ partition: String, _ sort: String
    ) async throws {
        try await store.put(E(number: 7))
        _ = try store.get(Lookup<E>(partition: .string(partition), sort: .string(sort)))
    }
}
