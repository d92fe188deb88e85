import Foundation
import Testing

@testable import CodexCore

/// What a store's definition of an entity becomes when a program opens the store with another one.
@Suite("Merged schemas")
struct SchemaMergeTests {
    /// What a merge does.
    enum Outcome: Sendable {
        /// The stored definition stays: the program is older, or says nothing about the difference.
        case stays
        /// The program's definition replaces the stored one.
        case replaced
        /// The definition has parts of both.
        case merged(EntityDefinition)
        /// The merge is refused with a message that contains the text.
        case refused(String)
    }

    /// A definition in a store, one that a program requests, and the outcome.
    struct Pair: CustomTestStringConvertible, Sendable {
        let name: String
        let stored: EntityDefinition
        let requested: EntityDefinition
        let outcome: Outcome
        var testDescription: String { name }

        init(
            _ name: String, _ stored: EntityDefinition, _ requested: EntityDefinition,
            _ outcome: Outcome
        ) {
            (self.name, self.stored) = (name, stored)
            (self.requested, self.outcome) = (requested, outcome)
        }
    }

    private static let tables = [
        TableDefinition(
            "t", partitionKey: KeyAttribute("PK"),
            indexes: [IndexDefinition("i", partitionKey: [KeyAttribute("g")])]),
        TableDefinition("u", partitionKey: KeyAttribute("PK")),
    ]
    private static let a = FieldDefinition.required("a", .string)
    private static let b = FieldDefinition.optional("b", .string)
    private static let c = FieldDefinition.optional("c", .string)
    private static let d = FieldDefinition.optional("d", .number)

    private static func entity(
        _ version: Int = 1, _ fields: [FieldDefinition] = [a, b], table: String = "t",
        key: KeyTemplate = "E#{a}", index: KeyTemplate? = nil,
        derived: [String: DerivedAttribute] = [:], sealed: [String] = []
    ) -> EntityDefinition {
        var keys = ["PK": key]
        keys["g"] = index
        return EntityDefinition(
            "e", table: table, schemaVersion: version, keys: keys, derived: derived,
            fields: fields, sealed: sealed)
    }

    private static func cases(_ cases: [String]?, _ more: FieldDefinition...) -> EntityDefinition {
        entity(1, [a, .optional("state", .string, cases: cases)] + more)
    }

    // MARK: Fields

    private static let fields: [Pair] = [
        Pair("the same", entity(), entity(), .stays),
        Pair("the same in another order", entity(), entity(1, [b, a]), .stays),
        Pair("an optional field more", entity(), entity(1, [a, b, c]), .replaced),
        Pair(
            "a required field more", entity(), entity(1, [a, b, .required("c", .string)]),
            .refused("lacks the required field c")),
        Pair("an optional field less", entity(), entity(1, [a]), .stays),
        Pair("several fields less", entity(1, [a, b, c, d]), entity(1, [a, c]), .stays),
        Pair(
            "a required field less", entity(), entity(1, [b]),
            .refused("has the field a, requested is none")),
        Pair(
            "one less and one more", entity(), entity(1, [a, c]),
            .refused("was b renamed to c?")),
        Pair(
            "two less and one more", entity(1, [a, b, c]), entity(1, [a, d]),
            .refused("has b, c, requested are d instead")),
        Pair(
            "one less and two more", entity(), entity(1, [a, c, d]),
            .refused("has b, requested are c, d instead")),
        Pair(
            "another type", entity(), entity(1, [a, .optional("b", .number)]),
            .refused("field b of entity e is optional S, requested is optional N")),
        Pair(
            "required instead of optional", entity(), entity(1, [a, .required("b", .string)]),
            .refused("requested is required S")),
        Pair(
            "optional instead of required", entity(), entity(1, [.optional("a", .string), b]),
            .refused("requested is optional S")),
        Pair("no fields any more", entity(), entity(1, []), .stays),
        Pair("fields for the first time", entity(1, []), entity(), .replaced),
        Pair("no fields in both", entity(1, []), entity(1, []), .stays),
    ]

    // MARK: Cases

    private static let caseSets: [Pair] = [
        Pair("a case more", cases(["x"]), cases(["x", "y"]), .replaced),
        Pair(
            "a case less", cases(["x", "y"]), cases(["x"]),
            .refused("has the cases y, which the program lacks")),
        Pair(
            "a case less and one more", cases(["x", "y"]), cases(["x", "z"]),
            .refused("was state.y renamed to state.z?")),
        Pair(
            "a case more and a field less", cases(["x"], b), cases(["x", "y"]),
            .refused("was b renamed to state.y?")),
        Pair("no cases any more", cases(["x"]), cases(nil), .stays),
        Pair("cases for the first time", cases(nil), cases(["x"]), .replaced),
        Pair("a case more and a field more", cases(["x"]), cases(["x", "y"], b), .replaced),
    ]

    // MARK: Keys and derived attributes

    private static let mark = ["m": DerivedAttribute.constant("x")]

    private static let rules: [Pair] = [
        Pair(
            "another primary key", entity(), entity(key: "F#{a}"),
            .refused("has the key PK = E#{a}, requested is PK = F#{a}")),
        Pair(
            "another index key", entity(index: "G#{a}"), entity(index: "H#{a}"),
            .refused("has the key g = G#{a}, requested is g = H#{a}")),
        Pair(
            "an index key more", entity(), entity(index: "G#{a}"),
            .refused("has the key g = none")),
        Pair(
            "an index key less", entity(index: "G#{a}"), entity(), .refused("requested is g = none")
        ),
        Pair("the same derived attributes", entity(derived: mark), entity(derived: mark), .stays),
        Pair(
            "a derived attribute more", entity(), entity(derived: mark),
            .refused("lacks the derived attribute m")),
        Pair(
            "a derived attribute less", entity(derived: mark), entity(),
            .refused("has another derived attribute m")),
        Pair(
            "another derived attribute", entity(derived: mark),
            entity(derived: ["m": .constant("y")]), .refused("has another derived attribute m")),
        Pair("another table", entity(), entity(table: "u"), .refused("is in table t")),
    ]

    // MARK: Versions

    private static let versions: [Pair] = [
        Pair(
            "a higher version", entity(2, [a, b]),
            entity(3, [a, c], index: "G#{a}", derived: mark),
            .replaced),
        Pair(
            "a higher version with another primary key", entity(), entity(2, key: "F#{a}"),
            .refused("which no new version may change")),
        Pair(
            "a higher version in another table", entity(), entity(2, table: "u"),
            .refused("is in table t")),
        Pair(
            "a lower version", entity(3, [a, c], index: "G#{a}", derived: mark), entity(2),
            .stays),
        Pair(
            "a lower version with other fields", entity(2), entity(1, [a, .required("z", .map)]),
            .stays),
        Pair(
            "a lower version with another primary key", entity(2), entity(key: "F#{a}"),
            .refused("which no new version may change")),
        Pair(
            "a lower version in another table", entity(2), entity(table: "u"),
            .refused("is in table t")),
        Pair(
            "sealed by the store", entity(sealed: ["b"]), entity(2),
            .merged(entity(2, sealed: ["b"]))),
        Pair("sealed by the program", entity(), entity(sealed: ["b"]), .replaced),
        Pair(
            "sealed by an older program", entity(2), entity(sealed: ["b"]),
            .merged(entity(2, sealed: ["b"]))),
        Pair(
            "sealed by both", entity(1, [a, b, c], sealed: ["b"]),
            entity(1, [a, b, c], sealed: ["c"]), .merged(entity(1, [a, b, c], sealed: ["b", "c"]))),
    ]

    @Test(
        "Each difference of an entity is taken, ignored, or refused with its name",
        arguments: fields + caseSets + rules + versions)
    func pair(_ pair: Pair) throws {
        let stored = Schema(tables: Self.tables, entities: [pair.stored])
        let requested = Schema(tables: Self.tables, entities: [pair.requested])
        let expected: EntityDefinition
        switch pair.outcome {
        case .stays: expected = pair.stored
        case .replaced: expected = pair.requested
        case .merged(let definition): expected = definition
        case .refused(let text):
            do throws(CodexError) {
                _ = try stored.merging(requested)
                Issue.record("\(pair.name) was accepted")
            } catch {
                #expect(error.code == .schemaMismatch && error.message.contains(text), "\(error)")
            }
            return
        }
        let merged = try stored.merging(requested)
        #expect(merged.entities == [expected])
        try merged.validate()
        // Another opening changes nothing more.
        #expect(try merged.merging(requested) == merged)
    }

    @Test("All differences are in one message, those of tables too")
    func allDifferences() {
        let stored = Schema(tables: Self.tables, entities: [Self.entity(1, [Self.a, Self.b])])
        let table = TableDefinition("u", partitionKey: KeyAttribute("K"))
        let requested = Schema(
            tables: [Self.tables[0], table],
            entities: [Self.entity(1, [Self.a, Self.c], key: "F#{a}")])
        do throws(CodexError) {
            _ = try stored.merging(requested)
            Issue.record("it was accepted")
        } catch {
            for text in ["table u has the key", "the key PK = E#{a}", "was b renamed to c?"] {
                #expect(error.message.contains(text), "\(text)")
            }
        }
    }

    // MARK: The history of cases

    /// A store whose enumeration got one case after another.
    private func grown(_ counts: ClosedRange<Int>) throws -> (schema: Schema, history: CaseHistory)
    {
        var schema = Schema(tables: Self.tables)
        var history = CaseHistory()
        for count in counts {
            let next = try schema.merging(Self.request(Self.names(count)), cases: history)
            history.note(schema, replacedBy: next)
            schema = next
        }
        return (schema, history)
    }

    private static func names(_ count: Int) -> [String] {
        (0..<count).map { "case\($0 < 10 ? "0" : "")\($0)" }
    }

    private static func request(_ names: [String]) -> Schema {
        Schema(tables: tables, entities: [cases(names)])
    }

    @Test("A program with cases that the store had before is older, one with others lost some")
    func olderCases() throws {
        let (schema, history) = try grown(1...4)
        for count in 1...4 {
            #expect(
                try schema.merging(Self.request(Self.names(count)), cases: history) == schema)
        }
        let names = Self.names(4)
        for lost in [[1], [0, 2], [1, 2, 3], [0, 1, 3]] {
            let request = Self.request(lost.map { names[$0] })
            #expect(throws: CodexError(.schemaMismatch, ""), "\(lost)") {
                try schema.merging(request, cases: history)
            }
        }
        #expect(history.fits(schema))
    }

    @Test("A store knows the last sixteen sets of cases", arguments: [16, 17, 18])
    func historyLimit(count: Int) throws {
        let (schema, history) = try grown(1...count)
        #expect(history.fits(schema))
        let known = (1..<count).filter { history.has(Self.names($0), of: "state", in: "e") }
        #expect(known == Array(max(1, count - 16)..<count))
        let first = Self.request(Self.names(1))
        if count <= 17 {
            #expect(try schema.merging(first, cases: history) == schema)
        } else {
            #expect(throws: CodexError(.schemaMismatch, "")) {
                try schema.merging(first, cases: history)
            }
        }
    }

    @Test("A new version forgets the cases, and so does the removal of the entity")
    func forgottenCases() throws {
        var (schema, history) = try grown(1...3)
        let next = Schema(tables: Self.tables, entities: [Self.entity(2)])
        var other = history
        other.note(schema, replacedBy: next)
        #expect(other.isEmpty)
        history.keep(["e"])
        #expect(!history.isEmpty)
        history.keep([])
        #expect(history.isEmpty)
        schema = next
        #expect(history.fits(schema))
    }

    @Test("A history that no store can have is recognized")
    func hostileHistory() throws {
        let (schema, _) = try grown(3...3)
        func fits(_ json: String) throws -> Bool {
            try JSONDecoder().decode(CaseHistory.self, from: Data(json.utf8)).fits(schema)
        }
        let names = Self.names(3).map { "\"\($0)\"" }
        #expect(try fits("{}"))
        #expect(try fits(#"{"e": {"state": [[\#(names[0])], [\#(names[0]), \#(names[2])]]}}"#))
        for json in [
            #"{"f": {"state": [[\#(names[0])]]}}"#, #"{"e": {"a": [[\#(names[0])]]}}"#,
            #"{"e": {"none": [[\#(names[0])]]}}"#, #"{"e": {"state": []}}"#,
            #"{"e": {"state": [[]]}}"#, #"{"e": {"state": [["other"]]}}"#,
            #"{"e": {"state": [[\#(names.joined(separator: ","))]]}}"#,
            #"{"e": {"state": [[\#(names[0]), \#(names[0])]]}}"#,
            #"{"e": {"state": [[\#(names[0])], [\#(names[1])]]}}"#,
        ] {
            #expect(try !fits(json), "\(json)")
        }
        for json in [#"{"e": {"state": [[1]]}}"#, #"{"e": [1]}"#, "[]", "1"] {
            #expect(throws: (any Error).self, "\(json)") { try fits(json) }
        }
    }

    // MARK: What a version changed

    @Test("The changed attributes of a version are those with another rule or declaration")
    func changedNames() {
        let old = Self.entity(
            1, [Self.a, Self.b, Self.d, .optional("state", .string, cases: ["x"])],
            index: "G#{a}", derived: Self.mark)
        #expect(old.changedNames(to: old).isEmpty)
        let new = Self.entity(
            2,
            [
                .required("a", .string), .optional("b", .number), .optional("new", .string),
                .optional("state", .string, cases: ["x", "y"]),
            ], index: "H#{a}", derived: ["m": .constant("x"), "n": .constant("y")])
        #expect(old.changedNames(to: new) == ["b", "d", "new", "g", "n"])
        #expect(new.changedNames(to: old) == ["b", "d", "new", "state", "g", "n"])
        // If only one version has fields, each of them may differ. Without any, only rules do.
        let silent = Self.entity(2, [], index: "G#{a}")
        #expect(old.changedNames(to: silent) == ["a", "b", "d", "state", "m"])
        #expect(silent.changedNames(to: old) == ["a", "b", "d", "state", "m"])
        #expect(silent.changedNames(to: Self.entity(3, [], index: "H#{a}")) == ["g"])
        let derived = Self.entity(derived: [
            "m": .template("M#{b}", when: Attribute<String>("state") == "x")
        ])
        #expect(derived.sources(of: "m") == ["b", "state"])
        #expect(derived.sources(of: "PK") == ["a"])
        #expect(derived.sources(of: "b").isEmpty)
    }
}
