import Testing

@testable import CodexCore

/// Comparisons that no item can pass by its value.
@Suite("Types in conditions")
struct ConditionTypesTests {
    private struct Order: Codable, Entity {
        static let definition = EntityDefinition(
            "order", table: "t", keys: ["PK": "ORDER#{id}"],
            derived: [
                "openState": .copy(of: "state", when: Attribute<String>("state") == "open"),
                "partCount": .size(of: "parts"),
            ],
            fields: [
                .required("id", .string), .optional("count", .number), .optional("data", .binary),
                .required("state", .string, cases: ["open", "closed"]), .optional("flag", .bool),
                .required("parts", .list), .optional("place", .map), .optional("tags", .stringSet),
                .optional("ranks", .numberSet),
            ])
        var id: String
    }

    private static func path(_ name: String) -> Condition.Operand { .path(DocumentPath(name)) }

    private static let meant: [Condition] = [
        .compare(path("id"), .less, .value("b")), .compare(.value(3), .equal, path("count")),
        .compare(path("state"), .equal, .value("open")), .attributeType("count", .string),
        .compare(path("openState"), .notEqual, .value("closed")),
        .compare(path("partCount"), .greater, .value(2)),
        .compare(.size("parts"), .greaterOrEqual, path("count")),
        .compare(path("PK"), .greater, .value("ORDER#1")),
        .compare(path("flag"), .notEqual, .value(.null)), .compare(.value(1), .less, .value(2)),
        .compare(path("unknown"), .less, .value(1)),
        .compare(.path(DocumentPath(root: "place", steps: [.name("x")])), .less, .value(1)),
        .isIn(path("state"), [.value("open"), .value("closed")]),
        .between(path("data"), low: .value(.binary([1])), high: .value(.binary([2]))),
        .beginsWith(path("data"), .value(.binary([1]))), .contains(path("parts"), .value(1)),
        .compare(path("state"), .equal, .value("archived")),
        .compare(path("state"), .greater, .value("clos")),
        .compare(path("count"), .equal, .value(Double.nan.attributeValue)),
        .contains(path("tags"), .value("a")), .contains(path("ranks"), .value(1)),
    ]

    /// Mistakes, with the beginning of what is said of each.
    private static let mistakes: [(Condition, String)] = [
        (
            .compare(path("count"), .greater, .value("0")),
            "compares count of type N with a value of"
        ),
        (.compare(.value("0"), .equal, path("count")), "compares a value of type S with count"),
        (.compare(path("count"), .less, .value(.null)), "compares count of type N with a value of"),
        (.compare(path("PK"), .equal, .value(1)), "compares PK of type S with a value of type N"),
        (.compare(path("partCount"), .equal, .value("1")), "compares partCount of type N with"),
        (.compare(.size("parts"), .equal, .value("1")), "compares the size of parts with a value"),
        (.compare(path("flag"), .less, .value(.bool(true))), "asks for the order of flag of type"),
        (.compare(path("parts"), .less, path("x")), "asks for the order of parts of type L"),
        (.compare(.size("count"), .less, .value(1)), "asks for the size of count of type N"),
        (
            .compare(path("state"), .notEqual, .value("clsoed")),
            "compares state with a text that is none of its cases, such as closed"
        ),
        (.compare(path("openState"), .equal, .value("Open")), "compares openState with a text"),
        (.isIn(path("state"), [.value("open"), .value("Closed")]), "compares state with a text"),
        (.isIn(path("count"), [.value(1), .value("2")]), "compares count of type N with a value"),
        (
            .between(path("count"), low: .value(1), high: .value("2")),
            "compares count of type N with a value of type S"
        ),
        (.beginsWith(path("count"), .value("1")), "uses begins_with with count of type N"),
        (.beginsWith(path("id"), .value(1)), "uses begins_with with id of type S and a value"),
        (.contains(path("flag"), .value("1")), "uses contains with flag of type BOOL"),
        (.contains(path("tags"), .value(1)), "uses contains with tags of type SS and a value"),
        (.contains(path("id"), .value(1)), "uses contains with id of type S and a value of type N"),
    ]

    @Test("Conditions that some items can fulfil are accepted", arguments: meant)
    func accepted(_ condition: Condition) {
        #expect(EntityAttributes(Order.self).mismatch(in: condition) == nil)
    }

    @Test("Comparisons without sense are found, wherever they stand", arguments: mistakes)
    func refused(_ mistake: (Condition, String)) throws {
        let attributes = EntityAttributes(Order.self)
        let good = Condition.compare(Self.path("state"), .equal, .value("open"))
        for condition in [mistake.0, !mistake.0, good && mistake.0, mistake.0 || good] {
            let found = try #require(attributes.mismatch(in: condition))
            #expect(found.hasPrefix(mistake.1), "\(found)")
            #expect(throws: CodexError(.invalidExpression, "")) {
                try Order.requireUsable(condition)
            }
        }
    }

    @Test("Derived attributes are checked on opening", arguments: mistakes.prefix(3).map(\.0))
    func derived(_ condition: Condition) throws {
        let table = TableDefinition("t", partitionKey: KeyAttribute("PK"))
        for derived in [
            DerivedAttribute.constant(1, when: condition), .size(of: "count"), .size(of: "flag"),
        ] {
            let definition = EntityDefinition(
                "order", table: "t", keys: Order.definition.keys, derived: ["mark": derived],
                fields: Order.definition.fields)
            #expect(throws: CodexError(.invalidSchema, "")) {
                try EntityAttributes(Order.self, as: definition).validate()
            }
        }
        try Schema(tables: [table], types: [Order.self]).validateTypes()
    }
}
