// The code of Docs/Guides/QueriesAndConditions.md.

import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

struct Order: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "order", table: "shop", keys: ["PK": "CUSTOMER#{customer}", "SK": "ORDER#{number}"])

    var customer: String
    var number: Int
    var state: String
    var total: Int
    var note: String?
}

struct Stock: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "stock", table: "shop", keys: ["PK": "PRODUCT#{product}", "SK": "STOCK"])

    var product: String
    var available: Int
}

let shop = TableDefinition(
    "shop", partitionKey: "PK", sortKey: "SK",
    indexes: [
        IndexDefinition(
            "byState", partitionKey: ["state"], sortKey: [KeyAttribute("total", .number)]),
        IndexDefinition(
            "byCustomer", partitionKey: ["customer", "state"],
            sortKey: [KeyAttribute("number", .number)], entities: ["order"]),
    ],
    counters: [
        CounterDefinition(
            "ordersByState", group: ["state"], sums: ["total"], entities: ["order"])
    ])
let shopSchema = Schema(tables: [shop], types: [Order.self, Stock.self])

extension Order {
    static let customer = Field<Self, String>("customer")
    static let number = Field<Self, Int>("number")
    static let state = Field<Self, String>("state")
    static let total = Field<Self, Int>("total")
    static let note = Field<Self, String>("note")
}

extension Stock {
    static let product = Field<Self, String>("product")
}

extension Lookup where E == Stock {
    static func stock(of product: String) -> Self { Self(Stock.product(product)) }
}

extension Lookup where E == Order {
    static func order(_ number: Int, of customer: String) -> Self {
        Self(Order.customer(customer), Order.number(number))
    }
}

extension Query where E == Order {
    static func orders(of customer: String) -> Self { Self(Order.customer(customer)) }

    static func orders(in state: String, from total: Int) -> Self {
        Self("byState", Order.state(state), sort: Order.total.from(total))
    }

    static func orders(of customer: String, in state: String, from number: Int) -> Self {
        Self(
            "byCustomer", Order.customer(customer), Order.state(state),
            sort: Order.number.from(number))
    }
}

struct OutOfStock: Error {}
struct NotOpen: Error {}

@Suite("The guide: queries and conditions")
struct GuideQueriesAndConditionsTests {
    let temporary: TemporaryStore
    var store: Store { temporary.store }

    init() async throws {
        temporary = try TemporaryStore(schema: shopSchema)
        try await temporary.store.write { transaction in
            for number in 1...5 {
                try transaction.put(
                    Order(
                        customer: "ada", number: number, state: number < 3 ? "sent" : "open",
                        total: number * 10))
            }
            try transaction.put(Stock(product: "lamp", available: 1))
        }
    }

    @Test("Queries, pages and filters")
    func queries() async throws {
        let newest = try store.query(.orders(of: "ada").reversed, limit: 2).items
        let large = try store.all(.orders(in: "open", from: 40))
        let count = try store.count(.orders(in: "open", from: 0))
        print(newest.map(\.number), large.map(\.total), count)
        #expect(newest.map(\.number) == [5, 4])
        #expect(large.map(\.total) == [40, 50])
        #expect(count == 3)
        #expect(try store.all(.orders(of: "ada", in: "open", from: 4)).map(\.number) == [4, 5])

        var token: PageToken?
        repeat {
            let page = try store.query(.orders(of: "ada"), limit: 2, after: token)
            print(page.items.map(\.number))
            token = page.next
        } while token != nil

        for try await order in store.results(of: .orders(of: "ada"), pageSize: 100) {
            print(order.number, order.state)
        }

        let wanted = Order.state == "open" && Order.total.isBetween(35, and: 60)
        let page = try store.query(.orders(of: "ada").filtered(by: wanted))
        print(page.items.count, "of", page.examinedCount)
        #expect(page.items.map(\.number) == [4, 5])
        #expect(page.examinedCount == 5)

        // No order has a note.
        let without = Query<Order>.orders(of: "ada").filtered(by: Order.note != "gift")
        #expect(try store.count(without) == 5)
        let with = Query<Order>.orders(of: "ada")
            .filtered(by: Order.note.exists && Order.note != "gift")
        #expect(try store.count(with) == 0)

        try store.read { snapshot in
            let orders = try snapshot.count(.orders(of: "ada"))
            let lamps = try snapshot.get(.stock(of: "lamp"))
            print(orders, lamps?.available ?? 0)
        }
    }

    @Test("All entities of a type, and their totals")
    func scans() async throws {
        let orderCount = try store.all(of: Order.self).count
        let stockCount = try store.count(of: Stock.self)
        for try await order in store.results(of: Order.self, pageSize: 100) {
            print(order.customer, order.number, "of", orderCount, "and", stockCount)
        }
        #expect(orderCount == 5)
        #expect(stockCount == 1)

        for total in try store.counts(of: Order.self, by: "ordersByState") {
            print(total.group, total.count, total.sums)
        }
        let totals = try store.counts(of: Order.self, by: "ordersByState")
        #expect(totals.map(\.count) == [3, 2])
        #expect(totals.map { $0.sums["total"] } == [120, 30])
    }

    @Test("DynamoDB's expressions as text")
    func expressions() throws {
        var parser = try ExpressionParser(
            names: ["#s": "state", "#t": "total"], values: [":open": "open", ":least": 40])
        let filter = try parser.filter("#s = :open AND #t >= :least")
        try parser.requireAllUsed()
        let orders = try store.all(.orders(of: "ada").filtered(by: filter))
        print(orders.map(\.number))
        #expect(orders.map(\.number) == [4, 5])
    }

    @Test("A change in a closure, and a change that is refused because of another")
    func versions() async throws {
        let first = Lookup<Order>.order(1, of: "ada")
        let changed = try await store.update(first) { $0.note = "gift" }
        print(changed.state, changed.note ?? "no note")
        #expect(try store.get(first)?.note == "gift")

        guard var mine = try store.stored(first) else { return }
        try await store.update(first) { $0.state = "returned" }
        mine.value.note = "no gift"
        do {
            try await store.replace(mine)
        } catch CodexError.Code.versionMismatch {
            print("changed since it was read: read it again")
        }
        #expect(try store.get(first)?.note == "gift")
        #expect(try store.get(first)?.state == "returned")
    }

    @Test("A closure decides whether an entity is changed")
    func conditionsInClosures() async throws {
        let paid = try await store.update(.order(3, of: "ada")) { order in
            guard order.state == "open" else { throw NotOpen() }
            order.state = "paid"
        }
        print(paid.state)
        #expect(paid.state == "paid")
        let third = Lookup<Order>.order(3, of: "ada")
        await #expect(throws: NotOpen.self) {
            try await store.update(third) { order in
                guard order.state == "open" else { throw NotOpen() }
                order.state = "paid"
            }
        }
        let tenth = Lookup<Order>.order(10, of: "ada")
        await #expect(throws: CodexError(.notFound, "")) {
            try await store.update(tenth) { $0.state = "paid" }
        }
    }

    @Test("An untyped update has clauses, reads the item as it was, and knows no type")
    func clauses() async throws {
        let (state, note) = (Attribute<String>("state"), Attribute<String>("note"))
        let key = PrimaryKey("CUSTOMER#ada", "ORDER#0000000003")
        let change = Update().setting(state, to: "paid").settingIfMissing(note, to: "none")
        try await store.update(in: "shop", key: key, change)
        let third = Lookup<Order>.order(3, of: "ada")
        #expect(try store.get(third)?.note == "none")
        try await store.update(in: "shop", key: key, Update().removing(note))
        #expect(try store.get(third)?.note == nil)
        await #expect(throws: CodexError(.invalidExpression, "")) {
            let twice = Update().setting(note, to: "a").removing(note)
            try await store.update(in: "shop", key: key, twice)
        }
        let partition = Attribute<String>("PK")
        await #expect(throws: CodexError(.invalidExpression, "")) {
            let move = Update().setting(partition, to: "CUSTOMER#bob")
            try await store.update(in: "shop", key: key, move)
        }
    }

    @Test("A condition decides about a write")
    func conditions() async throws {
        let available = Attribute<Int>("available")
        let lamp = PrimaryKey("PRODUCT#lamp", "STOCK")
        let takeOne = Update().adding(-1, to: available)
        for _ in 1...2 {
            do {
                let item = try await store.update(
                    in: "shop", key: lamp, takeOne, condition: available >= 1,
                    returning: .updatedNew)
                print(item?["available"]?.number?.int64 ?? 0, "left")
            } catch let error as CodexError where error.code == .conditionFailed {
                print("sold out", error.currentItem?["available"]?.number?.int64 ?? 0)
            }
        }
        #expect(try store.get(.stock(of: "lamp"))?.available == 0)
        await #expect(throws: CodexError(.conditionFailed, "")) {
            try await store.update(in: "shop", key: lamp, takeOne, condition: available >= 1)
        }
    }

    @Test("A transaction does all or nothing")
    func transactions() async throws {
        let order = Order(customer: "bob", number: 1, state: "open", total: 40)
        let left = try await store.write { transaction -> Int in
            let stock = try transaction.update(.stock(of: "lamp")) { $0.available -= 1 }
            guard stock.available >= 0 else { throw OutOfStock() }
            try transaction.insert(order)
            return stock.available
        }
        print(left, "left")
        #expect(left == 0)
        #expect(try store.all(.orders(of: "bob")) == [order])

        let second = Order(customer: "bob", number: 2, state: "open", total: 40)
        await #expect(throws: OutOfStock.self) {
            try await store.write { transaction in
                let stock = try transaction.update(.stock(of: "lamp")) { $0.available -= 1 }
                guard stock.available >= 0 else { throw OutOfStock() }
                try transaction.insert(second)
            }
        }
        #expect(try store.get(.stock(of: "lamp"))?.available == 0)
        #expect(try store.all(.orders(of: "bob")) == [order])
    }

    @Test("A list of actions is done once, or tells what failed")
    func actions() async throws {
        let order = Order(customer: "bob", number: 1, state: "open", total: 40)
        let available = Attribute<Int>("available")
        let actions: [WriteAction] = [
            .update(
                table: "shop", key: PrimaryKey("PRODUCT#lamp", "STOCK"),
                Update().adding(-1, to: available), condition: available >= 1),
            .put(
                table: "shop", try order.item(),
                condition: Attribute<String>("PK").doesNotExist),
        ]
        do {
            print(try await store.perform(actions, idempotencyToken: "checkout-1"))  // true
            print(try await store.perform(actions, idempotencyToken: "checkout-1"))  // false
            try await store.perform(actions)
        } catch let error as CodexError where error.code == .transactionCancelled {
            print(error.reasons.map { $0?.code.description ?? "could be done" })
            let failed = CodexError.Code.conditionFailed
            #expect(error.reasons.map { $0?.code } == [failed, failed])
        }
        #expect(try store.get(.stock(of: "lamp"))?.available == 0)
        #expect(try store.all(.orders(of: "bob")) == [order])
    }

    @Test("Many entities are changed and deleted")
    func bulk() async throws {
        let report = try await store.updateAll(.orders(in: "sent", from: 0)) { $0.state = "closed" }
        print(report.updatedCount, "orders closed")
        for failure in report.failures { print("stays as it is:", failure.error) }
        #expect(report.updatedCount == 2)
        #expect(report.failureCount == 0)
        #expect(try store.count(.orders(in: "closed", from: 0)) == 2)

        let closed = try await store.deleteAll(.orders(in: "closed", from: 0))
        let stocks = try await store.deleteAll(of: Stock.self)
        print(closed, "orders and", stocks, "stocks deleted")
        #expect(closed == 2)
        #expect(stocks == 1)
        #expect(try store.count(of: Order.self) == 3)
    }

    @Test("The items of a query are deleted")
    func deletion() async throws {
        let sent = TableQuery(table: "shop", index: "byState", partition: ["sent"])
        let deleted = try await store.deleteItems(matching: sent)
        print(deleted, "items deleted")
        #expect(deleted == 2)
        #expect(try store.count(.orders(of: "ada")) == 3)
    }
}
