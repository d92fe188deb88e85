import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Entities whose keys have numbers, digits and UUIDs.
private enum Meters {
    /// A reading by number, without declared fields.
    struct Reading: Codable, Entity, Hashable {
        static let definition = EntityDefinition(
            "reading", table: "main", keys: ["PK": "METER#{meter}", "SK": "READING#{number}"])
        static let meter = Field<Reading, String>("meter")
        static let number = Field<Reading, Int>("number")

        var meter = "a"
        var number: Int
    }

    /// The same keys with declared fields.
    struct Declared: Codable, Entity, Hashable {
        static let definition = EntityDefinition(
            "declared", table: "main", keys: ["PK": "DECLARED#{meter}", "SK": "VALUE#{number}"],
            fields: [.required("meter", .string), .required("number", .number)])

        var meter = "a"
        var number: Int
    }

    /// A mark by a text of digits, without declared fields.
    struct Mark: Codable, Entity, Hashable {
        static let definition = EntityDefinition(
            "mark", table: "main", keys: ["PK": "MARKS#{meter}", "SK": "MARK#{code}"])
        static let meter = Field<Mark, String>("meter")
        static let code = Field<Mark, String>("code")

        var meter = "a"
        var code: String
    }

    /// A person by a text of any form, and an owner by UUID.
    struct Person: Codable, Entity, Hashable {
        static let definition = EntityDefinition(
            "person", table: "main",
            keys: ["PK": "PERSON#{id}", "SK": "PERSON", "ownerKey": "OWNER#{owner}"])

        var id: String
        var owner = UUID()
    }

    static let table = TableDefinition(
        "main", partitionKey: KeyAttribute("PK"), sortKey: KeyAttribute("SK"),
        indexes: [IndexDefinition("byOwner", partitionKey: [KeyAttribute("ownerKey")])])
    static let schema = Schema(
        tables: [table], types: [Reading.self, Declared.self, Mark.self, Person.self])
}

/// Reads that find nothing, with keys in this and in other spellings.
@Suite("Reads that find nothing")
struct AbsenceTests {
    private typealias Reading = Meters.Reading
    private typealias Declared = Meters.Declared
    private typealias Mark = Meters.Mark
    private typealias Person = Meters.Person

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws { temporary = try TemporaryStore(schema: Meters.schema) }

    /// Expects an empty result of each call.
    private func requireEmpty<E: Entity>(_ query: Query<E>, _ name: String) throws {
        #expect(try store.all(query).isEmpty, "\(name)")
        #expect(try store.count(query) == 0, "\(name)")
        try store.read { snapshot in
            try snapshot.forEach(query) { _ in
                Issue.record("found by \(name)")
                return false
            }
        }
    }

    @Test("An empty range of values is empty, though its bounds have other spellings")
    func emptyRanges() async throws {
        for number in [10, 20] {
            try await store.put(Reading(number: number))
            try await store.put(Mark(code: number == 10 ? "0000000010" : "0000000020"))
        }
        let number = Reading.number
        for (name, range) in [
            ("through", number.through(5)), ("before", number.before(10)),
            ("within", number.within(11...15)), ("from", number.from(21)),
            ("after", number.after(20)),
        ] {
            try requireEmpty(Query(Reading.meter("a"), sort: range), name)
        }
        let code = Mark.code
        for (name, range) in [
            ("through", code.through("0000000005")), ("before", code.before("0000000010")),
            ("within", code.within("1"..."15")), ("from", code.from("5")),
            ("after", code.after("0000000020")),
        ] {
            try requireEmpty(Query(Mark.meter("a"), sort: range), name)
        }
        // They find what is in them.
        let found = Query(Reading.meter("a"), sort: number.within(10...19))
        #expect(try store.all(found).map(\.number) == [10])
        let all = Query(Mark.meter("a"), sort: code.from("0"))
        #expect(try store.all(all).map(\.code) == ["0000000010", "0000000020"])
    }

    @Test("An empty range of keys by hand is empty, with and without declared fields")
    func emptyRangesByHand() async throws {
        for number in [10, 20] {
            try await store.put(Reading(number: number))
            try await store.put(Declared(number: number))
            try await store.put(Mark(code: number == 10 ? "0000000010" : "0000000020"))
        }
        func conditions(_ start: String) -> [SortCondition] {
            func key(_ number: String) -> AttributeValue { .string(start + number) }
            return [
                .less(key("0000000005")), .lessOrEqual(key("0000000005")),
                .greater(key("5")), .greaterOrEqual(key("5")), .between(key("1"), key("15")),
                .beginsWith(key("5")),
            ]
        }
        for (reading, value, mark) in zip3(
            conditions("READING#"), conditions("VALUE#"), conditions("MARK#"))
        {
            try requireEmpty(Query<Reading>(partition: "METER#a", sort: reading), "\(reading)")
            try requireEmpty(Query<Declared>(partition: "DECLARED#a", sort: value), "\(value)")
            try requireEmpty(Query<Mark>(partition: "MARKS#a", sort: mark), "\(mark)")
        }
    }

    private func zip3<A, B, C>(_ first: [A], _ second: [B], _ third: [C]) -> [(A, B, C)] {
        zip(first, zip(second, third)).map { ($0, $1.0, $1.1) }
    }

    @Test("A number without padding in a key by hand is an error in a declared number alone")
    func padding() async throws {
        try await store.put(Reading(number: 7))
        try await store.put(Declared(number: 7))
        #expect(throws: CodexError(.invalidKey, "")) {
            try store.get(Lookup<Declared>(partition: "DECLARED#a", sort: "VALUE#7"))
        }
        #expect(throws: CodexError(.invalidKey, "")) {
            try store.all(Query<Declared>(partition: "DECLARED#a", sort: .equal("VALUE#7")))
        }
        #expect(try store.get(Lookup<Declared>(partition: "DECLARED#a", sort: "VALUE#8")) == nil)
        let reading = Lookup<Reading>(partition: "METER#a", sort: "READING#7")
        #expect(try store.get(reading) == nil)
        try requireEmpty(
            Query<Reading>(partition: "METER#a", sort: .equal("READING#7")), "an equality")
    }

    @Test("A text of digits that no item has is absent, though another item has its number")
    func digits() async throws {
        try await store.put(Person(id: "0000000042"))
        try await store.put(Person(id: "43"))
        for id in ["42", "0000000043", "042", "+43", "43.0"] {
            #expect(try store.get(Lookup<Person>(["id": id])) == nil, "\(id)")
            let manual = Lookup<Person>(partition: .string("PERSON#\(id)"), sort: "PERSON")
            #expect(try store.get(manual) == nil, "\(id)")
            try requireEmpty(Query<Person>(["id": id]), id)
        }
        for id in ["0000000042", "43"] {
            #expect(try store.get(Lookup<Person>(["id": id]))?.id == id)
        }
        // A number in place of text.
        #expect(throws: CodexError(.invalidKey, "")) { try store.get(Lookup<Person>(["id": 43])) }
        #expect(throws: CodexError(.invalidKey, "")) { try store.all(Query<Person>(["id": 43])) }
        #expect(try store.get(Lookup<Person>(["id": 44])) == nil)
        try await store.put(Mark(code: "7"))
        let code = Field<Mark, Int>("code")
        #expect(throws: CodexError(.invalidKey, "")) {
            try store.all(Query(Mark.meter("a"), sort: code.at(7)))
        }
        try requireEmpty(Query(Mark.meter("a"), sort: code.at(8)), "another number")
    }

    @Test("A UUID in capitals is an error, and one in lower case is not")
    func capitals() async throws {
        let (lower, upper) = (UUID().uuidString.lowercased(), UUID().uuidString)
        try await store.put(Person(id: lower))
        try await store.put(Person(id: upper))
        #expect(throws: CodexError(.invalidKey, "")) {
            try store.get(Lookup<Person>(["id": lower.uppercased()]))
        }
        #expect(throws: CodexError(.invalidKey, "")) {
            try store.count(Query<Person>(["id": lower.uppercased()]))
        }
        #expect(try store.get(Lookup<Person>(["id": upper]))?.id == upper)
        #expect(try store.get(Lookup<Person>(["id": upper.lowercased()])) == nil)
        #expect(try store.get(Lookup<Person>(["id": UUID().uuidString])) == nil)
    }

    @Test("Reads that take their keys as they are find nothing under another spelling")
    func exactReads() async throws {
        let person = Person(id: UUID().uuidString.lowercased())
        let upper = person.id.uppercased()
        try await store.put(person)
        let lookups = [
            Lookup<Person>(["id": upper]),
            Lookup<Person>("byOwner", ["owner": person.owner.uuidString]),
        ]
        let query = Query<Person>(["id": upper])
        try await store.write { transaction throws in
            let reader = transaction.reader
            for lookup in lookups { #expect(try reader.get(lookup) == nil) }
            #expect(try reader.all(query, limit: nil).isEmpty)
            #expect(try reader.readable(query, limit: nil).isEmpty)
            #expect(try reader.get(Lookup<Person>(["id": person.id])) == person)
        }
        for lookup in lookups {
            #expect(try store.exactly(lookup) == nil)
            #expect(throws: CodexError(.invalidKey, "")) { try store.get(lookup) }
        }
        #expect(try store.exactPage(of: query, limit: 1, after: nil).items.isEmpty)
        #expect(try store.exactly(Lookup<Person>(["id": person.id])) == person)
    }

    @Test("A lookup by an index with a UUID in capitals is an error if the right one has an item")
    func indexes() async throws {
        let person = Person(id: "a")
        try await store.put(person)
        let (owner, upper) = (person.owner, person.owner.uuidString)
        #expect(try store.get(Lookup<Person>("byOwner", ["owner": owner])) == person)
        let manual = LookupTarget.index(
            "byOwner", partition: [.string("OWNER#\(upper)")], sort: [])
        for lookup in [Lookup<Person>("byOwner", ["owner": upper]), Lookup<Person>(manual)] {
            #expect(throws: CodexError(.invalidKey, "")) { try store.get(lookup) }
            #expect(throws: CodexError(.invalidKey, "")) {
                try store.read { try $0.view(lookup) { _ in true } }
            }
        }
        #expect(try store.get(Lookup<Person>("byOwner", ["owner": UUID()])) == nil)
        #expect(try store.get(Lookup<Person>("byOwner", ["owner": UUID().uuidString])) == nil)
        try await store.delete(Lookup<Person>(["id": "a"]))
        #expect(try store.get(Lookup<Person>("byOwner", ["owner": upper])) == nil)
    }
}
