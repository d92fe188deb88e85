import CodexCore
import Foundation
import Testing

@Suite("Schemas, key templates and identifiers")
struct SchemaTests {
    @Test("CodexFlow's schema is valid")
    func builtIn() throws {
        try CodexFlow.schema.validate()
    }

    @Test("Templates render, pad numbers, and refuse what could forge a key")
    func templates() throws {
        let template: KeyTemplate = "PRD#{id}#V#{n}"
        #expect(try template.render(["id": "a", "n": 7]) == "PRD#a#V#0000000007")
        #expect(try template.render(["id": "a"]) == nil)
        for item: Item in [
            ["id": "a#b", "n": 1], ["id": "", "n": 1], ["id": "a\n", "n": 1], ["id": true, "n": 1],
        ] {
            #expect(throws: CodexError(.invalidIdentifier, "")) { try template.render(item) }
        }
        #expect(try template.render(["id": "a", "n": 9_999_999_999]) == "PRD#a#V#9999999999")
        #expect(try template.render(["id": "a", "n": 10_000_000_000]) == "PRD#a#V#:0111")
        #expect(try template.render(["id": "a", "n": -1]) == "PRD#a#V#-9999999998~")
        for source in ["", "{", "}", "a{b", "{}", "{a}{b}", "{a}b", "a}b", "{a{b}}"] {
            #expect(throws: CodexError(.invalidSchema, ""), "\(source)") { try KeyTemplate(source) }
        }
    }

    @Test("A text that no item has room for is refused before it takes more memory")
    func largeKeys() throws {
        let limit = DynamoDBLimits.itemByteCountMax
        for count in [limit - 1, limit] {
            let item: Item = ["a": .string(String(repeating: "x", count: count - 2))]
            #expect(try KeyTemplate("X#{a}").render(item)?.utf8.count == count)
        }
        let over: Item = ["a": .string(String(repeating: "x", count: limit - 1))]
        #expect(throws: CodexError(.itemTooLarge, "")) { try KeyTemplate("X#{a}").render(over) }
        // 40 GB of text.
        let names = Array(repeating: "{a}", count: 100_000)
        let hostile = try KeyTemplate(names.joined(separator: "#"))
        let error = try #require(throws: CodexError.self) { try hostile.render(over) }
        #expect(error.code == .itemTooLarge)
        #expect(error.message.utf8.count < 1000)
    }

    @Test("Identifiers refuse #, control characters and emptiness")
    func identifiers() throws {
        for text in ["a", "é", "a b", "01JD-x_y.z"] {
            #expect(try CodexFlow.User.ID(text).rawValue == text)
        }
        for text in ["", "#", "a#b", "a\0", "a\u{7F}", "\n"] {
            #expect(throws: CodexError(.invalidIdentifier, "")) { try CodexFlow.User.ID(text) }
        }
    }

    @Test(
        "Contradictory schemas are refused",
        arguments: [
            Schema(tables: [
                TableDefinition("t", partitionKey: KeyAttribute("a")),
                TableDefinition("t", partitionKey: KeyAttribute("b")),
            ]),
            Schema(tables: [TableDefinition("bad name", partitionKey: KeyAttribute("a"))]),
            Schema(tables: [
                TableDefinition("t", partitionKey: KeyAttribute("a"), sortKey: KeyAttribute("a"))
            ]),
            Schema(tables: [TableDefinition("t", partitionKey: KeyAttribute(""))]),
            Schema(tables: [
                TableDefinition(
                    "t", partitionKey: KeyAttribute("a"),
                    indexes: [IndexDefinition("i", partitionKey: [])])
            ]),
            Schema(tables: [
                TableDefinition(
                    "t", partitionKey: KeyAttribute("a"),
                    indexes: [IndexDefinition("i", partitionKey: [KeyAttribute("a", .number)])])
            ]),
            Schema(tables: [
                TableDefinition(
                    "t", partitionKey: KeyAttribute("a"),
                    indexes: [
                        IndexDefinition(
                            "i", partitionKey: (1...5).map { KeyAttribute("k\($0)") })
                    ])
            ]),
            Schema(tables: [
                TableDefinition(
                    "t", partitionKey: KeyAttribute("a"),
                    indexes: [
                        IndexDefinition("i", partitionKey: [KeyAttribute("b")], entities: ["x"])
                    ])
            ]),
            // The name of the index of expiry.
            Schema(tables: [
                TableDefinition(
                    "t", partitionKey: KeyAttribute("a"),
                    indexes: [IndexDefinition("$expiry", partitionKey: [KeyAttribute("b")])])
            ]),
            Schema(tables: [
                TableDefinition("t", partitionKey: KeyAttribute("a"), timeToLive: "")
            ]),
        ])
    func invalid(schema: Schema) {
        #expect(throws: CodexError(.invalidSchema, "")) { try schema.validate() }
    }

    @Test("A time to live is an addition to a table without one; another is a difference")
    func timeToLive() throws {
        func schema(_ timeToLive: String?) -> Schema {
            Schema(tables: [
                TableDefinition("t", partitionKey: KeyAttribute("a"), timeToLive: timeToLive)
            ])
        }
        #expect(try schema(nil).merging(schema("e")) == schema("e"))
        #expect(try schema("e").merging(schema("e")) == schema("e"))
        #expect(try schema("e").merging(schema(nil)) == schema("e"))
        #expect(throws: CodexError(.schemaMismatch, "")) {
            try schema("e").merging(schema("f"))
        }
        #expect(schema("e").tables[0].with(indexes: []) == schema("e").tables[0])
        for timeToLive in [nil, "e"] {
            let json = try JSONEncoder().encode(schema(timeToLive))
            #expect(try JSONDecoder().decode(Schema.self, from: json) == schema(timeToLive))
        }
    }

    @Test("A time to live may be an attribute of the table's key, of any type")
    func timeToLiveOfKey() throws {
        for name in ["a", "b"] {
            for type in [KeyAttribute.KeyType.string, .number, .binary] {
                try Schema(tables: [
                    TableDefinition(
                        "t", partitionKey: KeyAttribute("a", type),
                        sortKey: KeyAttribute("b", type), timeToLive: name)
                ]).validate()
            }
        }
        let table = TableDefinition("t", partitionKey: KeyAttribute("a"), timeToLive: "a")
        #expect(table.withoutTimeToLive.timeToLive == nil)
        #expect(table.withoutTimeToLive.with(timeToLive: "a") == table)
    }

    @Test("Names of tables have 1 to 255 characters, of key attributes 1 to 255 bytes")
    func nameLimits() throws {
        for (count, fits) in [(1, true), (254, true), (255, true), (256, false)] {
            let name = String(repeating: "n", count: count)
            for schema in [
                Schema(tables: [TableDefinition(name, partitionKey: KeyAttribute("a"))]),
                Schema(tables: [TableDefinition("t", partitionKey: KeyAttribute(name))]),
                Schema(tables: [
                    TableDefinition("t", partitionKey: KeyAttribute("a"), timeToLive: name)
                ]),
            ] {
                if fits {
                    try schema.validate()
                } else {
                    #expect(throws: CodexError(.invalidSchema, "")) { try schema.validate() }
                }
            }
        }
    }

    @Test("An entity's fields are encrypted by its name; those that must be readable are refused")
    func sealedByName() throws {
        let schema = try CodexFlow.schema.sealing(["body"], ofEntity: "task")
        #expect(schema == CodexFlow.schema.sealing(["body"], of: CodexFlow.Task.self))
        #expect(try schema.sealing(["body"], ofEntity: "task") == schema)
        try schema.validate()
        for name in ["PK", "taskId", "GSI1PK"] {
            let refused = try schema.sealing([name], ofEntity: "task")
            #expect(throws: CodexError(.invalidSchema, ""), "\(name)") { try refused.validate() }
        }
        #expect(throws: CodexError(.unknownEntity, "")) {
            try schema.sealing(["body"], ofEntity: "tasks")
        }
    }

    @Test("The entity of an item is that of its key")
    func entities() throws {
        let (schema, table) = (CodexFlow.schema, CodexFlow.table)
        let task: Item = ["PK": "PROJECT#p", "SK": "TASK#1"]
        #expect(try schema.entity(of: task, in: table)?.name == "task")
        #expect(try schema.entity(of: ["PK": "x", "SK": "y"], in: table) == nil)
        #expect(throws: CodexError(.invalidKey, "")) {
            try schema.entity(of: ["PK": "PROJECT#p"], in: table)
        }
        #expect(throws: CodexError(.unknownTable, "")) {
            try schema.entity(of: task, in: "none")
        }
    }
}
