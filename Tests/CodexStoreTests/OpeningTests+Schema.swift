import CodexCore
import CodexStore
import Testing

/// Schemas that are opened after others.
extension OpeningTests {
    private static let index = IndexDefinition("i", partitionKey: [KeyAttribute("g")])

    private static func table(
        _ indexes: [IndexDefinition] = [Self.index], key: String = "p"
    ) -> TableDefinition {
        TableDefinition("t", partitionKey: KeyAttribute(key), indexes: indexes)
    }

    private static func entity(_ fields: [FieldDefinition]) -> EntityDefinition {
        EntityDefinition("e", table: "t", keys: ["p": "E#{id}"], fields: fields)
    }

    private static let original = Schema(
        tables: [table()], entities: [entity([.required("id", .string)])])

    /// The original schema with another field, another table and another entity.
    private static let grown = Schema(
        tables: [table(), TableDefinition("u", partitionKey: KeyAttribute("k"))],
        entities: [
            entity([.required("id", .string), .optional("more", .number)]),
            EntityDefinition("f", table: "u", keys: ["k": "F#{id}"]),
        ])

    @Test("Additions to the schema are taken, by a store that may write")
    func schemaAdditions() {
        #expect(code(Self.original) == nil)
        #expect(code(Self.grown, readOnly: true) == .schemaMismatch)
        #expect(code(Self.grown) == nil)
        #expect(code(Self.grown, readOnly: true) == nil)
    }

    /// A schema that changes what the grown one has, and what the error names.
    struct SchemaChange: CustomTestStringConvertible, Sendable {
        let schema: Schema
        let difference: String
        var testDescription: String { difference }

        init(_ difference: String, _ tables: [TableDefinition], _ entities: [EntityDefinition]) {
            schema = Schema(tables: tables, entities: entities)
            self.difference = difference
        }
    }

    private static let changes = [
        SchemaChange("key", [table(key: "q")], []),
        SchemaChange(
            "KEYS_ONLY",
            [
                table([
                    IndexDefinition("i", partitionKey: [KeyAttribute("g")], projection: .keysOnly)
                ])
            ], []),
        SchemaChange(
            "must", [table()],
            [
                entity([
                    .required("id", .string), .optional("more", .number),
                    .required("must", .string),
                ])
            ]),
        SchemaChange(
            "more", [table()],
            [entity([.required("id", .string), .optional("more", .string)])]),
        SchemaChange(
            "no new version", [table()],
            [EntityDefinition("e", table: "t", schemaVersion: 2, keys: ["p": "X#{id}"])]),
    ]

    @Test("Another change of the schema is refused with the difference", arguments: changes)
    func schemaChanges(change: SchemaChange) throws {
        #expect(code(Self.grown) == nil)
        do throws(CodexError) {
            try Store(at: path, schema: change.schema).close()
            Issue.record("accepted a change of \(change.difference)")
        } catch {
            #expect(error.code == .schemaMismatch && error.message.contains(change.difference))
        }
        let store = try Store(at: path)
        defer { store.close() }
        #expect(store.schema == Self.grown)
    }
}
