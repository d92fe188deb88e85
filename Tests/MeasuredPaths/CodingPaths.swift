import CodexCore
import CodexStore
import FoundationEssentials

/// The state of the orders that coding is measured with.
private enum OrderState: String, StoredChoice, Codable {
    case planned, started, finished

    static let choices = Choices(allCases)
}

/// An order of ten fields with a hand-written conversion.
private struct WrittenOrder: Entity {
    enum Field: Int, EntityField {
        case createdAt, customerID, estimate, id, isUrgent, priority, siteID, state, title
        case updatedAt

        static let definitions: [FieldDefinition] = [
            .required("createdAt", .string), .required("customerID", .string),
            .optional("estimate", .number), .required("id", .string),
            .required("isUrgent", .bool), .required("priority", .number),
            .required("siteID", .string), .required("state", .string),
            .required("title", .string), .optional("updatedAt", .string),
        ]

        var definition: FieldDefinition { Self.definitions[rawValue] }
    }

    static let definition = EntityDefinition(
        "written", table: "orders", keys: ["PK": "WRITTEN#{id}", "SK": "ORDER"],
        fields: Field.definitions)

    var id: String
    var siteID: String
    var customerID: String
    var title: String
    var state: OrderState
    var priority: Int
    var estimate: Int?
    var isUrgent: Bool
    var createdAt: Date
    var updatedAt: Date?
}

extension WrittenOrder {
    func item() throws(CodexError) -> Item {
        try KeyTemplate.requirePart(id, name: "id")
        var writer = FieldWriter<Field>(["PK": .string("WRITTEN#\(id)"), "SK": "ORDER"])
        writer.set(.createdAt, createdAt)
        writer.set(.customerID, customerID)
        writer.set(.estimate, estimate)
        writer.set(.id, id)
        writer.set(.isUrgent, isUrgent)
        writer.set(.priority, priority)
        writer.set(.siteID, siteID)
        writer.setChoice(.state, state)
        writer.set(.title, title)
        writer.set(.updatedAt, updatedAt)
        return writer.item
    }

    init(reading reader: borrowing FieldReader) throws(CodexError) {
        self.init(
            id: try reader.string(Field.id), siteID: try reader.string(Field.siteID),
            customerID: try reader.string(Field.customerID),
            title: try reader.string(Field.title), state: try reader.choice(Field.state),
            priority: try reader.value(Field.priority),
            estimate: try reader.optionalInt(Field.estimate),
            isUrgent: try reader.value(Field.isUrgent),
            createdAt: try reader.value(Field.createdAt),
            updatedAt: try reader.optionalDate(Field.updatedAt))
    }
}

/// The same order with `Codable`.
private struct CodedOrder: Codable, Entity {
    static let definition = EntityDefinition(
        "coded", table: "orders", keys: ["PK": "CODED#{id}", "SK": "ORDER"])

    var id: String
    var siteID: String
    var customerID: String
    var title: String
    var state: OrderState
    var priority: Int
    var estimate: Int?
    var isUrgent: Bool
    var createdAt: Date
    var updatedAt: Date?
}

#if Macros
    /// The same order by the macro: at most 1.1 times the instructions of the hand-written one.
    ///
    /// A build without the trait does not have these paths, so they have no threshold.
    @Entity("made", table: "orders", keys: ["PK": "MADE#{id}", "SK": "ORDER"])
    private struct MadeOrder {
        var id: String
        var siteID: String
        var customerID: String
        var title: String
        var state: OrderState
        var priority: Int
        var estimate: Int?
        var isUrgent: Bool
        var createdAt: Date
        var updatedAt: Date?
    }

    extension MeasuredPath {
        private static var made: MadeOrder {
            let order = written
            return MadeOrder(
                id: order.id, siteID: order.siteID, customerID: order.customerID,
                title: order.title, state: order.state, priority: order.priority,
                estimate: order.estimate, isUrgent: order.isUrgent, createdAt: order.createdAt,
                updatedAt: order.updatedAt)
        }

        fileprivate static let macroPaths: [MeasuredPath] = [
            counted("coding", "macro, get") { directory in
                let schema = Schema(tables: [orderTable]).adding(MadeOrder.self)
                let store = try await makeStore(directory, 0, schema: schema, durability: .none)
                try await store.put(made)
                let lookup = Lookup<MadeOrder>(partition: "MADE#o0001234", sort: "ORDER")
                return { try require(store.get(lookup)?.priority == 2) }
            },
            counted("coding", "macro, to an item") { _ in
                let order = made
                return { try require(order.item().count == 12) }
            },
        ]
    }
#else
    extension MeasuredPath {
        fileprivate static let macroPaths: [MeasuredPath] = []
    }
#endif

// A `Codable` read takes at most three times the instructions of the hand-written one.
extension MeasuredPath {
    private static let created = Date(timeIntervalSince1970: 1_762_300_800)

    private static let orderTable = TableDefinition("orders", partitionKey: "PK", sortKey: "SK")

    private static var written: WrittenOrder {
        WrittenOrder(
            id: "o0001234", siteID: "s000123", customerID: "c000077",
            title: "Replace the pump of the second boiler", state: .started, priority: 2,
            estimate: 90, isUrgent: true, createdAt: created, updatedAt: created)
    }

    private static var coded: CodedOrder {
        let order = written
        return CodedOrder(
            id: order.id, siteID: order.siteID, customerID: order.customerID,
            title: order.title, state: order.state, priority: order.priority,
            estimate: order.estimate, isUrgent: order.isUrgent, createdAt: order.createdAt,
            updatedAt: order.updatedAt)
    }

    private static func orders(_ directory: String) async throws -> Store {
        let schema = Schema(tables: [orderTable]).adding(WrittenOrder.self, CodedOrder.self)
        let store = try await makeStore(directory, 0, schema: schema, durability: .none)
        try await store.put(written)
        try await store.put(coded)
        return store
    }

    static let codingPaths: [MeasuredPath] =
        [
            counted("coding", "hand-written, get") { directory in
                let store = try await orders(directory)
                let lookup = Lookup<WrittenOrder>(partition: "WRITTEN#o0001234", sort: "ORDER")
                return { try require(store.get(lookup)?.priority == 2) }
            },
            counted("coding", "Codable, get") { directory in
                let store = try await orders(directory)
                let lookup = Lookup<CodedOrder>(partition: "CODED#o0001234", sort: "ORDER")
                return { try require(store.get(lookup)?.priority == 2) }
            },
            counted("coding", "hand-written, to an item") { _ in
                let order = written
                return { try require(order.item().count == 12) }
            },
            counted("coding", "Codable, to an item") { _ in
                let order = coded
                return { try require(order.item().count == 12) }
            },
        ] + macroPaths
}
