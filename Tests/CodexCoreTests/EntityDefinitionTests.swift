import CodexCore
import Foundation
import Testing

/// Cases and derived attributes in definitions: their stored form and their rules.
@Suite("Definitions of entities")
struct EntityDefinitionTests {
    private static func entity(
        _ derived: [String: DerivedAttribute] = [:], fields: [FieldDefinition] = [],
        sealed: [String] = []
    ) -> EntityDefinition {
        EntityDefinition(
            "e", table: "t", keys: ["p": "E#{id}", "g": "G#{group}"], derived: derived,
            fields: fields, sealed: sealed)
    }

    private static func schema(_ entity: EntityDefinition) -> Schema {
        Schema(
            tables: [TableDefinition("t", partitionKey: KeyAttribute("p"))], entities: [entity])
    }

    private func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    @Test("Without cases and derived attributes, the stored form is that of earlier releases")
    func storedForm() throws {
        let plain = Self.entity(fields: [.required("id", .string)])
        #expect(
            try json(plain) == """
                {"fields":[{"isOptional":false,"name":"id","type":"S"}],"keys":{"g":"G#{group}",\
                "p":"E#{id}"},"name":"e","schemaVersion":1,"table":"t"}
                """)
        let full = Self.entity(
            [
                "d": .template("D#{id}", when: Attribute<String>("state") == "open"),
                "n": .size(of: "labels"),
            ],
            fields: [.required("state", .string, cases: ["open", "done", "open"])])
        #expect(full.fields[0].cases == ["done", "open"])
        let text = try json(full)
        #expect(text.contains(#""cases":["done","open"]"#) && text.contains(#""derived":{"d""#))
        for definition in [plain, full] {
            let data = Data(try json(definition).utf8)
            let decoded = try JSONDecoder().decode(EntityDefinition.self, from: data)
            #expect(decoded == definition)
            #expect(try json(decoded) == json(definition))
        }
        let schema = Schema(
            tables: Self.schema(full).tables, types: []
        ).adding(SiteVariants.Plain.type(.codable))
        #expect(try !json(schema).contains("types"))
        #expect(schema == Schema(tables: schema.tables, entities: schema.entities))
    }

    @Test("Derived attributes read fields and the table's key alone")
    func derived() throws {
        for derived: [String: DerivedAttribute] in [
            ["d": .template("D#{id}#{other}")], ["d": .copy(of: "p")], ["d": .constant(1)],
            ["d": .size(of: "labels", when: Attribute<Int>("rank") > 3)],
        ] {
            try Self.schema(Self.entity(derived)).validate()
        }
        let refused: [([String: DerivedAttribute], String)] = [
            (["p": .template("D#{id}")], "p"), (["g": .template("D#{id}")], "g"),
            (["": .constant(1)], "name"), (["d": .copy(of: "d")], "reads d"),
            (["d": .copy(of: "g")], "reads g"), (["d": .copy(of: "x"), "x": .constant(1)], "x"),
            (["group": .constant(1)], "reads the derived attribute group"),
            (["id": .constant("1")], "reads the derived attribute id"),
            (["d": .constant(1, when: .isIn(.path("a"), []))], "IN"),
        ]
        for (derived, word) in refused {
            do throws(CodexError) {
                try Self.schema(Self.entity(derived)).validate()
                Issue.record("accepted \(derived.keys)")
            } catch {
                #expect(error.code == .invalidSchema)
                #expect(error.message.contains(word), "\(error.message)")
            }
        }
        let declared = Self.entity(
            ["state": .constant(1)], fields: [.required("state", .string)])
        #expect(throws: CodexError(.invalidSchema, "")) { try Self.schema(declared).validate() }
    }

    @Test("What is derived, and what it is derived from, is not encrypted")
    func sealed() throws {
        let derived: [String: DerivedAttribute] = [
            "d": .template("D#{read}", when: Attribute<String>("state") == "open")
        ]
        for name in ["d", "read", "state"] {
            let entity = Self.entity(derived, sealed: [name])
            #expect(throws: CodexError(.invalidSchema, ""), "\(name)") {
                try Self.schema(entity).validate()
            }
        }
        try Self.schema(Self.entity(derived, sealed: ["secret"])).validate()
        #expect(Self.schema(Self.entity(derived)).entities[0].derived == derived)
        let sealing = try Self.schema(Self.entity(derived)).sealing(["secret"], ofEntity: "e")
        #expect(sealing.entities[0].derived == derived)
    }

    @Test("Cases are texts, each once, and at least one")
    func cases() throws {
        try Self.schema(Self.entity(fields: [.optional("s", .string, cases: ["a"])])).validate()
        for field: FieldDefinition in [
            .required("s", .number, cases: ["1"]), .optional("s", .string, cases: []),
        ] {
            #expect(throws: CodexError(.invalidSchema, "")) {
                try Self.schema(Self.entity(fields: [field])).validate()
            }
        }
        let twice = Data(
            #"{"name": "s", "type": "S", "isOptional": true, "cases": ["a", "a"]}"#.utf8)
        let field = try JSONDecoder().decode(FieldDefinition.self, from: twice)
        #expect(throws: CodexError(.invalidSchema, "")) {
            try Self.schema(Self.entity(fields: [field])).validate()
        }
    }
}
