import CodexCore
import CodexStore

/// An order of a simulated store: an entity with attributes that the store derives.
struct Order: Codable, Equatable, Entity {
    static let definition = EntityDefinition(
        "order", table: "o", keys: ["p": "ORDER#{number}"],
        derived: [
            "openSite": .copy(of: "site", when: Attribute<String>("status") == "open"),
            "openBadge": .template("BADGE#{badge}", when: Attribute<String>("status") != "done"),
            "partCount": .size(of: "parts"),
        ])

    var number: Int
    var site: String?
    var status: String
    var badge: String?
    var parts: [String]
    /// The operation that wrote it last.
    var op: Int?

    /// The table of the orders. Its indexes and its counter are on derived attributes.
    static let table = TableDefinition(
        "o", partitionKey: KeyAttribute("p"),
        indexes: [
            IndexDefinition(
                "openBySite", partitionKey: [KeyAttribute("openSite")],
                sortKey: [KeyAttribute("partCount", .number)], entities: ["order"]),
            IndexDefinition(
                "byBadge", partitionKey: [KeyAttribute("openBadge")], isUnique: true,
                entities: ["order"]),
        ],
        counters: [
            CounterDefinition(
                "perSite", group: [KeyAttribute("openSite")], sums: ["partCount"],
                entities: ["order"])
        ])

    /// The key of an order, as a program without the type writes it.
    static func key(_ number: Int) -> PrimaryKey {
        PrimaryKey(.string("ORDER#" + KeyTemplate.text(of: Number(number))))
    }

    /// The open orders of a site.
    static func open(at site: String) -> Query<Order> { Query("openBySite", ["site": site]) }
}

// MARK: Answers

extension Order {
    private static let fieldNames = ["number", "site", "status", "badge", "parts", "op"]
    /// What is stored beside the fields.
    private static let addedNames = ["note", "openSite", "openBadge", "partCount"]

    /// The order as answers show it.
    var shown: Answer {
        var fields = [
            Answer.Field("number", .int(number)), Answer.Field("status", .text(status)),
            Answer.Field("parts", .list(parts.map { .text($0) })),
        ]
        if let site { fields.append(Answer.Field("site", .text(site))) }
        if let badge { fields.append(Answer.Field("badge", .text(badge))) }
        if let op { fields.append(Answer.Field("op", .int(op))) }
        return .object(fields)
    }

    /// The item of an order as answers show it; `nil` for another item.
    static func shown(_ item: Item) -> Answer? {
        guard item["p"]?.string?.hasPrefix("ORDER#") == true else { return nil }
        var image = [Answer.Field("fields", .object(Items.fields(fieldNames, of: item)))]
        image += Items.fields(addedNames, of: item)
        var fields = Items.fields(["p"], of: item)
        fields += [Answer.Field("s", .int(0)), Answer.Field("order", .object(image))]
        return .object(fields + Items.others(of: item, than: ["p"] + fieldNames + addedNames))
    }
}
