import CodexCore
import CodexStore
import CodexTesting
import TestSupport

/// The table `samples` with orders and notes of customers, side by side in their partitions.
enum SalesTable {
    struct Order: Codable, Entity, Hashable {
        static let definition = EntityDefinition(
            "order", table: "samples",
            keys: ["partition": "CUSTOMER#{customer}", "sort": "ORDER#{number}"])

        static let totalMax = 1_000_000

        var customer: String
        var number: Int
        var state = "open"
        var total = 0
        var tags: [String]?
        var expires: Int?
        var content: String?

        func validate() throws(CodexError) {
            guard total <= Self.totalMax else {
                throw CodexError(.invalidArgument, "The total of an order is too high.")
            }
        }

        var key: PrimaryKey {
            let sort = "ORDER#" + KeyTemplate.text(of: Number(number))
            return PrimaryKey(.string("CUSTOMER#\(customer)"), .string(sort))
        }

        var lookup: Lookup<Self> { Lookup(.primaryKey(key)) }
    }

    struct Note: Codable, Entity, Hashable {
        static let definition = EntityDefinition(
            "note", table: "samples",
            keys: ["partition": "CUSTOMER#{customer}", "sort": "NOTE#{id}"])

        var customer: String
        var id: String
        var state = "open"
        var total = 0
        var content = ""
    }

    static let table = SampleTable.definition(
        sort: .string,
        indexes: [
            IndexDefinition(
                "byState", partitionKey: [KeyAttribute("state")],
                sortKey: [KeyAttribute("total", .number)], projection: .keysOnly),
            IndexDefinition("byTag", partitionKey: [KeyAttribute("tags")], multiValued: "tags"),
        ],
        counters: [
            CounterDefinition(
                "ordersByState", group: [KeyAttribute("state")], sums: ["total"],
                entities: ["order"]),
            CounterDefinition("byState", group: [KeyAttribute("state")]),
            CounterDefinition(
                "notesByState", group: [KeyAttribute("state")], entities: ["note"]),
        ],
        timeToLive: "expires")

    static let schema = Schema(tables: [table]).adding(Order.self, Note.self)

    /// A store without power cuts, and without a sweeper.
    static func store(_ clock: ManualClock? = nil) throws -> TemporaryStore {
        var options = StoreOptions(durability: .none)
        if let clock { options.use(clock) }
        options.sweepInterval = nil
        return try TemporaryStore(schema: schema, options: options)
    }

    /// Every order of a customer.
    static func orders(of customer: String) -> Query<Order> {
        Query(partition: .string("CUSTOMER#\(customer)"))
    }

    /// Every order in a state, by total.
    static func orders(in state: String) -> Query<Order> {
        Query(partition: .string(state), index: "byState")
    }

    /// Orders from 1 on of one customer, with a note beside each; the totals are ten times the
    /// numbers.
    static func fill(
        _ store: Store, _ count: Int, of customer: String = "ada"
    ) async throws -> [Order] {
        guard count > 0 else { return [] }
        let orders = (1...count).map { Order(customer: customer, number: $0, total: 10 * $0) }
        try await store.write { transaction in
            for order in orders {
                try transaction.put(order)
                try transaction.put(
                    Note(customer: customer, id: "\(order.number)", total: order.total))
            }
        }
        return orders
    }
}
