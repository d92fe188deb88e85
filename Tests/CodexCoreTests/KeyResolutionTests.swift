import CodexCore
import Foundation
import Testing

/// An entity whose definition makes key attributes in each way.
private struct Order: Codable, Entity {
    static let definition = EntityDefinition(
        "order", table: "main",
        keys: ["PK": "SITE#{site}", "SK": "ORDER#{day}#{number}", "dueKey": "{due}#{number}"],
        derived: [
            "openSite": .template("OPEN#{site}", when: Attribute<String>("state") == "open"),
            "city": .copy(of: DocumentPath("address")["city"]),
            "numberCopy": .copy(of: "number"), "pkCopy": .copy(of: "PK"),
            "kind": .constant("order"), "partCount": .size(of: "parts"),
        ])

    var site: String
}

/// The same keys with declared fields.
private struct DeclaredOrder: Codable, Entity {
    static let definition = EntityDefinition(
        "declared", table: "main", keys: ["PK": "SITE#{site}", "SK": "ORDER#{day}#{number}"],
        fields: [
            .required("site", .string), .required("day", .string), .required("number", .number),
            .optional("labels", .list),
        ])

    var site: String
}

private let table = TableDefinition(
    "main", partitionKey: KeyAttribute("PK"), sortKey: KeyAttribute("SK"),
    indexes: [
        IndexDefinition(
            "bySite", partitionKey: [KeyAttribute("site")],
            sortKey: [KeyAttribute("state"), KeyAttribute("number", .number)]),
        IndexDefinition(
            "openBySite", partitionKey: [KeyAttribute("openSite")],
            sortKey: [KeyAttribute("dueKey")]),
        IndexDefinition(
            "byCity", partitionKey: [KeyAttribute("city")],
            sortKey: [KeyAttribute("numberCopy", .number)], projection: .keysOnly),
        IndexDefinition(
            "byKind", partitionKey: [KeyAttribute("kind")],
            sortKey: [KeyAttribute("partCount", .number)]),
        IndexDefinition(
            "inverted", partitionKey: [KeyAttribute("SK")], sortKey: [KeyAttribute("pkCopy")]),
        IndexDefinition(
            "byLabel", partitionKey: [KeyAttribute("site"), KeyAttribute("labels")],
            multiValued: "labels"),
        IndexDefinition(
            "ofCustomers", partitionKey: [KeyAttribute("site")], entities: ["customer"]),
    ])

private let schema = Schema(tables: [table])

/// Keys that definitions make from values.
@Suite("Keys from values")
struct KeyResolutionTests {
    /// The partition, the leading sort key values and the condition of a query.
    private struct Made: Equatable {
        var partition: [AttributeValue]
        var prefix: [AttributeValue] = []
        var sort: SortCondition = .any

        init(
            _ partition: AttributeValue..., prefix: [AttributeValue] = [],
            sort: SortCondition = .any
        ) {
            (self.partition, self.prefix, self.sort) = (partition, prefix, sort)
        }

        init(_ query: TableQuery) {
            (partition, prefix, sort) = (query.partition, query.sortPrefix, query.sort)
        }
    }

    private func made(
        _ index: EntityIndex<Order>?, _ values: [String: any AttributeConvertible],
        sort: SortCondition = .any
    ) throws -> Made {
        let query = try Query<Order>(index, values, sort: sort).resolved(in: table, of: schema)
        #expect(query.keyValues == nil && query.entity == "order" && query.table == "main")
        #expect(query.index == index?.name)
        return Made(query)
    }

    private func refusal(_ body: () throws -> Void) -> CodexError? {
        do {
            try body()
            return nil
        } catch {
            return error as? CodexError
        }
    }

    @Test("Each way in which a key attribute gets its value")
    func ways() throws {
        // The template of the table's key; the sort key begins with the entity's own text.
        #expect(try made(nil, ["site": "a"]) == Made("SITE#a", sort: .beginsWith("ORDER#")))
        #expect(
            try made(nil, ["site": "a", "day": "d"])
                == Made("SITE#a", sort: .beginsWith("ORDER#d#")))
        #expect(
            try made(nil, ["site": "a", "day": "d", "number": 7])
                == Made("SITE#a", sort: .equal("ORDER#d#0000000007")))
        // The attribute itself.
        #expect(try made("bySite", ["site": "a"]) == Made("a"))
        #expect(try made("bySite", ["site": "a", "state": "s"]) == Made("a", sort: .equal("s")))
        #expect(
            try made("bySite", ["site": "a", "state": "s", "number": 7])
                == Made("a", prefix: ["s"], sort: .equal(7)))
        // A derived template, and a template that is no key of the table.
        #expect(try made("openBySite", ["site": "a"]) == Made("OPEN#a"))
        #expect(
            try made("openBySite", ["site": "a", "due": "d"])
                == Made("OPEN#a", sort: .beginsWith("d#")))
        // A copy of a path, by the path or by the attribute that has it; and of an attribute.
        #expect(try made("byCity", ["address.city": "b"]) == Made("b"))
        #expect(try made("byCity", ["address": ["city": "b"]]) == Made("b"))
        #expect(
            try made("byCity", ["address.city": "b", "number": 7]) == Made("b", sort: .equal(7)))
        // A constant, and a size that only its own name gives.
        #expect(try made("byKind", [:]) == Made("order"))
        #expect(try made("byKind", ["kind": "order"]) == Made("order"))
        #expect(try made("byKind", ["partCount": 2]) == Made("order", sort: .equal(2)))
        // Keys of the table in an index: themselves, and copied.
        #expect(
            try made("inverted", ["day": "d", "number": 7, "site": "a"])
                == Made("ORDER#d#0000000007", sort: .equal("SITE#a")))
        // The key attribute itself in place of the template's attributes.
        #expect(
            try made(nil, ["PK": "SITE#a", "SK": "ORDER#d#0000000007"])
                == Made("SITE#a", sort: .equal("ORDER#d#0000000007")))
        #expect(try made("byLabel", ["site": "a", "labels": "x"]) == Made("a", "x"))
    }

    @Test("Lookups make the whole primary key, or the whole index key")
    func lookups() throws {
        let key = try Lookup<Order>(["site": "a", "day": "d", "number": -1]).resolved(in: table)
        #expect(key == .primaryKey(PrimaryKey("SITE#a", "ORDER#d#-9999999998~")))
        let entry = try Lookup<Order>("bySite", ["site": "a", "state": "s", "number": 7])
            .resolved(in: table)
        #expect(entry == .index("bySite", partition: ["a"], sort: ["s", 7]))
        let manual = Lookup<Order>(partition: "SITE#a", sort: "x")
        #expect(try manual.resolved(in: table) == manual.target)
        for lookup: Lookup<Order> in [
            Lookup(["site": "a", "day": "d"]), Lookup(["site": "a"]), Lookup([:]),
            Lookup("bySite", ["site": "a", "state": "s"]), Lookup("byLabel", ["site": "a"]),
        ] {
            #expect(throws: CodexError(.invalidKey, ""), "\(lookup)") {
                try lookup.resolved(in: table)
            }
        }
        let site = Field<Order, String>("site")
        let twice = Lookup(site("a"), site("b"), Field<Order, String>("day")("d"))
        #expect(throws: CodexError(.invalidKey, "")) { try twice.resolved(in: table) }
    }

    @Test("A UUID is written in lower case, and text stays as it is")
    func identifiers() throws {
        let id = try #require(UUID(uuidString: "6F9619FF-8B86-D011-B42D-00C04FC964FF"))
        let lower: AttributeValue = "SITE#6f9619ff-8b86-d011-b42d-00c04fc964ff"
        #expect(try made(nil, ["site": id]) == Made(lower, sort: .beginsWith("ORDER#")))
        let upper = try made(nil, ["site": id.uuidString])
        #expect(upper == Made(.string("SITE#\(id.uuidString)"), sort: .beginsWith("ORDER#")))
    }

    @Test("Names that are missing, unused or misspelled are named, with the likely one")
    func names() throws {
        let cases: [(EntityIndex<Order>?, [String: any AttributeConvertible], [String])] = [
            (nil, [:], ["no value for site"]),
            (nil, ["Site": "a"], ["no value for site", "Site is no part", "did you mean site?"]),
            (nil, ["site": "a", "numbr": 1], ["numbr is no part", "did you mean number?"]),
            (nil, ["site": "a", "number": 1], ["number can be given only after"]),
            ("bySite", ["state": "s"], ["no value for site"]),
            ("bySite", ["site": "a", "number": 1], ["number can be given only after"]),
            ("bySite", ["site": "a", "colour": 1], ["colour is no part", "site, state, number"]),
            ("byCity", ["city.address": "b"], ["no value for address.city"]),
            ("byKind", ["kind": "other"], ["kind has the same value in each item"]),
            ("byLabel", ["site": "a"], ["no value for labels"]),
            ("ofCustomers", ["site": "a"], ["has no items of entity order", "customer"]),
        ]
        for (index, values, parts) in cases {
            let error = refusal { _ = try made(index, values) }
            #expect(error?.code == .invalidKey, "\(values)")
            for part in parts {
                #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
            }
        }
        let unknown = refusal { _ = try made("bySiet", ["site": "a"]) }
        #expect(unknown?.code == .unknownIndex)
        #expect(unknown?.message.contains("bySite?") == true)
        // Values never come into a message.
        let error = refusal { _ = try made(nil, ["site": "secret", "x": "secret"]) }
        #expect(error?.message.contains("secret") == false)
    }

    @Test("Values of another type than the key or the field are refused")
    func types() throws {
        for (index, values): (EntityIndex<Order>?, [String: any AttributeConvertible]) in [
            ("bySite", ["site": 1]), ("bySite", ["site": "a", "state": "s", "number": "7"]),
            ("byLabel", ["site": "a", "labels": ["x"]]), ("bySite", ["site": Double.nan]),
            ("byKind", ["partCount": "2"]),
        ] {
            #expect(throws: CodexError(.invalidKey, ""), "\(values)") { try made(index, values) }
        }
        for value: any AttributeConvertible in ["a#b", "", "a\n", true, Double.nan] {
            #expect(throws: CodexError(.invalidIdentifier, ""), "\(value)") {
                try made(nil, ["site": value])
            }
        }
        func declared(
            _ values: [String: any AttributeConvertible], sort: SortCondition = .any
        ) throws -> Made {
            Made(try Query<DeclaredOrder>(values, sort: sort).resolved(in: table, of: schema))
        }
        #expect(
            try declared(["site": "a", "day": "d", "number": 7])
                == Made("SITE#a", sort: .equal("ORDER#d#0000000007")))
        // A number in place of text would find nothing, and the other way round.
        for values: [String: any AttributeConvertible] in [
            ["site": 1], ["site": "a", "day": "d", "number": "7"],
        ] {
            #expect(throws: CodexError(.invalidKey, ""), "\(values)") { try declared(values) }
        }
        let day: [String: any AttributeConvertible] = ["site": "a", "day": "d"]
        #expect(throws: CodexError(.invalidKey, "")) { try declared(day, sort: .greater("7")) }
        #expect(throws: CodexError(.invalidExpression, "")) {
            try declared(day, sort: .beginsWith("7"))
        }
        let label = Query<DeclaredOrder>("byLabel", ["site": "a", "labels": "x"])
        #expect(Made(try label.resolved(in: table, of: schema)) == Made("a", "x"))
    }

    @Test("A range is one of the next attribute, through its template")
    func ranges() throws {
        let values: [String: any AttributeConvertible] = ["site": "a", "day": "d"]
        func last(_ prefix: String) -> AttributeValue {
            .string(KeyText.last(beginningWith: prefix))
        }
        let own = "ORDER#d#"
        let seven = "ORDER#d#0000000007"
        let below: AttributeValue = .string(KeyText.last(below: seven))
        let expected: [(SortCondition, SortCondition)] = [
            (.equal(7), .equal(.string(seven))), (.less(7), .between(.string(own), below)),
            (.lessOrEqual(7), .between(.string(own), .string(seven))),
            (.greater(7), .between(.string(seven + "\u{0}"), last(own))),
            (.greaterOrEqual(7), .between(.string(seven), last(own))),
            (.between(-1, 7), .between("ORDER#d#-9999999998~", .string(seven))),
            (.beginsWith(""), .beginsWith(.string(own))),
            (.beginsWith("x"), .beginsWith(.string(own + "x"))), (.any, .beginsWith(.string(own))),
        ]
        for (condition, sort) in expected {
            #expect(try made(nil, values, sort: condition) == Made("SITE#a", sort: sort))
        }
        // An attribute that another follows: all keys of its value.
        #expect(
            try made(nil, ["site": "a"], sort: .equal("d"))
                == Made("SITE#a", sort: .beginsWith("ORDER#d#")))
        #expect(
            try made(nil, ["site": "a"], sort: .lessOrEqual("d"))
                == Made("SITE#a", sort: .between("ORDER#", last("ORDER#d#"))))
        #expect(
            try made(nil, ["site": "a"], sort: .greater("d"))
                == Made("SITE#a", sort: .between("ORDER#d$", last("ORDER#"))))
        // A template that begins with the attribute needs no second bound.
        #expect(
            try made("openBySite", ["site": "a"], sort: .less("d"))
                == Made("OPEN#a", sort: .less("d#")))
        // Attributes as they are.
        #expect(
            try made("bySite", ["site": "a", "state": "s"], sort: .greater(7))
                == Made("a", prefix: ["s"], sort: .greater(7)))
        #expect(
            try made("byKind", [:], sort: .between(1, 2)) == Made("order", sort: .between(1, 2)))
        let refused: [SortCondition] = [
            .beginsWith("a#"), .equal("a#b"), .less(""), .greater("\n"),
        ]
        for condition in refused {
            #expect(throws: CodexError(.invalidIdentifier, "")) {
                try made(nil, values, sort: condition)
            }
        }
    }

    @Test("A range of another field than the next one is refused, and one where none is left")
    func rangeNames() throws {
        let (site, day) = (Field<Order, String>("site"), Field<Order, String>("day"))
        let (number, state) = (Field<Order, Int>("number"), Field<Order, String>("state"))
        let bySite: EntityIndex<Order> = "bySite"
        let good: [Query<Order>] = [
            Query(site("a"), sort: day.before("d")),
            Query(site("a"), day("d"), sort: number.within(1...2)),
            Query(bySite, site("a"), sort: state.starts(with: "o")),
            Query(bySite, site("a"), state("s"), sort: number.from(1)),
            Query("byCity", Field<Order, String>("address.city")("b"), sort: number.at(1)),
        ]
        for query in good { _ = try query.resolved(in: table, of: schema) }
        let bad: [Query<Order>] = [
            Query(site("a"), sort: number.before(1)), Query(site("a"), sort: site.before("b")),
            Query(site("a"), day("d"), number(1), sort: number.before(2)),
            Query(bySite, site("a"), sort: number.from(1)),
            Query(bySite, site("a"), state("s"), number(1), sort: number.from(1)),
            Query("byLabel", site("a"), Field<Order, String>("labels")("x"), sort: day.at("d")),
        ]
        for query in bad {
            #expect(throws: CodexError(.invalidKey, ""), "\(query)") {
                try query.resolved(in: table, of: schema)
            }
        }
        let error = refusal { _ = try bad[0].resolved(in: table, of: schema) }
        #expect(error?.message.contains("number, but day comes next") == true)
    }

    @Test("A filter on an attribute that the entity does not have is refused")
    func filters() throws {
        let known = Query<DeclaredOrder>(["site": "a"])
            .filtered(by: .attributeExists("number") && .attributeExists("labels"))
        #expect(try known.resolved(in: table, of: schema).filter != nil)
        let unknown = known.filtered(by: .attributeExists("lables"))
        let error = refusal { _ = try unknown.resolved(in: table, of: schema) }
        #expect(error?.code == .invalidExpression)
        #expect(error?.message.contains("labels") == true)
        // The same for a query whose key is written by hand.
        let manual = Query<DeclaredOrder>(partition: "SITE#a").filtered(by: .attributeExists("x"))
        #expect(throws: CodexError(.invalidExpression, "")) {
            try manual.resolved(in: table, of: schema)
        }
        // The type does not know that the data's schema seals the attribute.
        let sealing = schema.adding(DeclaredOrder.self).sealing(["labels"], of: DeclaredOrder.self)
        let secret = known.filtered(by: .contains(.path("labels"), .value("a")))
        #expect(try secret.resolved(in: table, of: schema).filter != nil)
        #expect(throws: CodexError(.invalidExpression, "")) {
            try secret.resolved(in: table, of: sealing)
        }
    }
}
