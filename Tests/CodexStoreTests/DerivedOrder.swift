import CodexCore
import CodexStore
import TestSupport

/// An order whose indexes and counter are on derived attributes.
struct DerivedOrder: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "order", table: "samples", keys: ["partition": "ORDER#{id}"], derived: derived)

    static let isOpen = Attribute<String>("status") == "open"

    static let derived: [String: DerivedAttribute] = [
        "group": .template("SITE#{site}", when: isOpen),
        "unique": .template("BADGE#{badge}", when: Attribute<String>("status") != "done"),
        "value": .size(of: "parts"),
        "first": .copy(of: DocumentPath("parts")[0]),
        "late": .constant(true, when: isOpen && Attribute<Int>("due") < 100),
        "expires": .copy(of: "until", when: Attribute<String>("status") == "done"),
    ]

    var id: String
    var site: String?
    var status = "open"
    var badge: String?
    var parts: [String] = []
    var due: Int?
    var until: Int?

    static let table = SampleTable.definition(
        indexes: [
            IndexDefinition("byGroup", partitionKey: [KeyAttribute("group")]),
            IndexDefinition(
                "byUnique", partitionKey: [KeyAttribute("unique")], projection: .keysOnly,
                isUnique: true),
        ],
        counters: [CounterDefinition("ofGroup", group: [KeyAttribute("group")], sums: ["value"])],
        timeToLive: "expires")

    static let schema = Schema(tables: [table]).adding(DerivedOrder.self, DerivedVisit.self)

    static func lookup(_ id: String) -> Lookup<DerivedOrder> { Lookup(partition: partition(id)) }

    static func key(_ id: String) -> PrimaryKey { PrimaryKey(partition(id)) }

    private static func partition(_ id: String) -> AttributeValue { .string("ORDER#\(id)") }

    /// A raw item under the entity's key.
    static func item(_ id: String, _ others: Item = [:]) -> Item {
        var item: Item = [
            "partition": partition(id), "id": .string(id), "status": "open", "parts": [],
        ]
        for element in others { item[element.name] = element.value }
        return item
    }

    /// The item with the derived attributes, computed without the definition.
    static func expected(_ item: Item) -> Item {
        var expected = item
        for name in derived.keys { expected[name] = nil }
        let status = item["status"]
        if status == "open", let site = item["site"]?.string {
            expected["group"] = .string("SITE#" + site)
        }
        if status != "done", let badge = item["badge"]?.string {
            expected["unique"] = .string("BADGE#" + badge)
        }
        switch item["parts"] {
        case .list(let parts)?:
            expected["value"] = .number(Number(parts.count))
            expected["first"] = parts.first
        case .stringSet(let parts)?: expected["value"] = .number(Number(parts.members.count))
        default: break
        }
        if status == "open", let due = item["due"]?.number, due < 100 { expected["late"] = true }
        if status == "done" { expected["expires"] = item["until"] }
        return expected
    }
}

/// An entity whose conversions are written by hand, without its derived attribute.
struct DerivedVisit: Entity, Equatable {
    enum Field: Int, EntityField {
        case id, isOver, site

        var definition: FieldDefinition {
            switch self {
            case .id: .required("id", .string)
            case .isOver: .required("isOver", .bool)
            case .site: .required("site", .string)
            }
        }
    }

    static let definition = EntityDefinition(
        "visit", table: "samples", keys: ["partition": "VISIT#{id}"],
        derived: ["group": .template("VISITED#{site}", when: Attribute<Bool>("isOver") == true)],
        fields: Field.allCases.map(\.definition))

    var id: String
    var site: String
    var isOver: Bool

    init(id: String, site: String, isOver: Bool) {
        (self.id, self.site, self.isOver) = (id, site, isOver)
    }

    init(reading reader: borrowing FieldReader) throws(CodexError) {
        id = try reader.string(Field.id)
        site = try reader.string(Field.site)
        isOver = try reader.value(Field.isOver)
    }

    func item() throws(CodexError) -> Item {
        [
            "partition": .string("VISIT#\(id)"), "id": .string(id), "site": .string(site),
            "isOver": .bool(isOver),
        ]
    }
}
