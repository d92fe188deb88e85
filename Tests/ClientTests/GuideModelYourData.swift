// The code of Docs/Guides/ModelYourData.md.

import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

struct Book: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "book", table: "library", keys: ["PK": "BOOK#{isbn}", "SK": "BOOK"])

    var isbn: String
    var title: String
    var author: String
    var pages: Int
    var subjects: [String]

    func validate() throws(CodexError) {
        guard pages > 0 else {
            throw CodexError(.invalidArgument, "A book has at least one page.")
        }
    }
}

struct Member: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "member", table: "library", keys: ["PK": "MEMBER#{id}", "SK": "PROFILE"])

    var id: String
    var name: String
    var email: String
}

struct Hold: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "hold", table: "library", keys: ["PK": "MEMBER#{member}", "SK": "HOLD#{isbn}"])

    var member: String
    var isbn: String
    var expires: Int
}

struct Loan: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "loan", table: "library", keys: ["PK": "COPY#{copy}", "SK": "LOAN#{number}#{start}"])

    var copy: UUID
    var number: Int
    var start: Date
}

let library = TableDefinition(
    "library", partitionKey: KeyAttribute("PK"), sortKey: KeyAttribute("SK"),
    indexes: [
        IndexDefinition(
            "byAuthor", partitionKey: [KeyAttribute("author")],
            sortKey: [KeyAttribute("title")]),
        IndexDefinition(
            "bySubject", partitionKey: [KeyAttribute("subjects")], projection: .keysOnly,
            multiValued: "subjects"),
        IndexDefinition("byEmail", partitionKey: [KeyAttribute("email")], isUnique: true),
    ],
    counters: [
        CounterDefinition("booksByAuthor", group: [KeyAttribute("author")], sums: ["pages"])
    ],
    timeToLive: "expires")
let librarySchema = Schema(tables: [library]).adding(Book.self, Member.self, Hold.self, Loan.self)

let longBooks = IndexDefinition(
    "longBooks", partitionKey: [KeyAttribute("author")],
    sortKey: [KeyAttribute("pages", .number)], projection: .include(["title"]),
    isUnique: false, entities: ["book"], multiValued: nil)

extension Lookup where E == Book {
    static func book(_ isbn: String) -> Self {
        Self(partition: .string("BOOK#\(isbn)"), sort: "BOOK")
    }
}

extension Lookup where E == Loan {
    static func loan(of copy: UUID, _ number: Int, from start: Date) throws(CodexError) -> Self {
        let padded = try KeyTemplate.padded(number)
        return Self(
            partition: .string("COPY#\(copy.uuidString.lowercased())"),
            sort: .string("LOAN#\(padded)#\(Timestamp.text(start))"))
    }
}

extension Lookup where E == Member {
    static func member(email: String) -> Self {
        Self(.index("byEmail", partition: [.string(email)], sort: []))
    }
}

extension Query where E == Book {
    static func books(by author: String) -> Self {
        Self(partition: .string(author), index: "byAuthor")
    }

    static func books(about subject: String) -> Self {
        Self(partition: .string(subject), index: "bySubject")
    }
}

extension Query where E == Hold {
    static func holds(of member: String) -> Self {
        Self(partition: .string("MEMBER#\(member)"), sort: .beginsWith("HOLD#"))
    }
}

struct Fine: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "fine", table: "fines",
        keys: ["PK": "FINE#{id}", "ledger": "FINES", "dueKey": "{due}#{id}"])

    var id: String
    var payer: String
    var due: Date
    var amount: Number
}

let fines = TableDefinition(
    "fines", partitionKey: KeyAttribute("PK"),
    indexes: [
        IndexDefinition(
            "byDueDate", partitionKey: [KeyAttribute("ledger")],
            sortKey: [KeyAttribute("dueKey")])
    ])

extension Query where E == Fine {
    static func fines(dueBefore end: Date) -> Self {
        Self(partition: "FINES", sort: .less(.string(Timestamp.text(end))), index: "byDueDate")
    }

    static func fines(dueFrom start: Date, before end: Date) -> Self {
        let (first, last) = (Timestamp.text(start), Timestamp.text(end))
        return Self(
            partition: "FINES", sort: .between(.string(first), .string(last)), index: "byDueDate")
    }
}

@Suite("The guide: model your data")
struct GuideModelYourDataTests {
    @Test("A library has books, members and holds")
    func libraryOfTheGuide() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/library.codex"

        let store = try Store(at: path, schema: librarySchema)
        defer { store.close() }
        let notes = Book(
            isbn: "1", title: "Notes", author: "Lovelace", pages: 66,
            subjects: ["computing", "mathematics"])
        try await store.insert(notes)
        try await store.put(Member(id: "m1", name: "Mary", email: "mary@example.com"))
        print(try store.get(.book("1"))?.title ?? "no such book")
        #expect(try store.get(.book("1")) == notes)
        #expect(try store.get(.book("2")) == nil)

        print(try store.get(.member(email: "mary@example.com"))?.name ?? "no such member")
        print(try store.all(.books(by: "Lovelace")).map(\.title))
        print(try store.all(.books(about: "computing")).map(\.title))
        #expect(try store.get(.member(email: "mary@example.com"))?.id == "m1")
        #expect(try store.all(.books(by: "Lovelace")) == [notes])
        #expect(try store.all(.books(about: "computing")) == [notes])
        #expect(try store.all(.books(about: "poetry")).isEmpty)

        let total = try store.total(of: "booksByAuthor", in: "library", group: ["Lovelace"])
        print(total.count, total.sums["pages"] ?? 0)
        for author in try store.totals(of: "booksByAuthor", in: "library") {
            print(author.group, author.count)
        }
        #expect(total.count == 1)
        #expect(total.sums["pages"] == 66)

        let start = Date(timeIntervalSince1970: 1_762_335_000)
        let loan = Loan(copy: UUID(), number: 7, start: start)
        try await store.insert(loan)
        let seventh = try Lookup<Loan>.loan(of: loan.copy, 7, from: start)
        #expect(try store.get(seventh) == loan)
        let eighth = try Lookup<Loan>.loan(of: loan.copy, 8, from: start)
        #expect(try store.get(eighth) == nil)

        try await store.addIndex(longBooks, to: "library")
        try await store.waitUntilReady()
        let long = Query<Book>(
            partition: "Lovelace", sort: .greater(.number(60)), index: "longBooks")
        #expect(try store.all(long) == [notes])

        let now = Int(Date().timeIntervalSince1970)
        try await store.put(Hold(member: "m1", isbn: "1", expires: now + 3 * 86_400))
        try await store.put(Hold(member: "m1", isbn: "2", expires: now - 1))
        print(try store.all(.holds(of: "m1")).map(\.isbn))
        #expect(try store.all(.holds(of: "m1")).map(\.isbn) == ["1"])

        let everything = TableQuery(table: "library", partition: ["MEMBER#m1"])
        for item in try store.items(matching: everything).items {
            print(item["SK"]?.string ?? "")
        }
        #expect(
            try store.items(matching: everything).items.compactMap { $0["SK"]?.string } == [
                "HOLD#1", "PROFILE",
            ])
    }

    @Test("All fines are in one partition of an index, by their due date")
    func ledger() async throws {
        let temporary = try TemporaryStore(schema: Schema(tables: [fines]).adding(Fine.self))
        let store = temporary.store
        let today = Date(timeIntervalSince1970: 1_762_335_000)
        let amount = try Number(parsing: "2.50")
        for (id, days) in [("a", -3.0), ("b", 0), ("c", 2), ("d", 9)] {
            let due = today.addingTimeInterval(days * 86_400)
            try await store.put(Fine(id: id, payer: "m1", due: due, amount: amount))
        }
        let nextWeek = today.addingTimeInterval(7 * 86_400)
        #expect(try store.all(.fines(dueBefore: today)).map(\.id) == ["a"])
        #expect(try store.all(.fines(dueFrom: today, before: nextWeek)).map(\.id) == ["b", "c"])
        #expect(try store.all(Query<Fine>.fines(dueBefore: nextWeek).reversed).first?.id == "c")
        let stored = try store.item(in: "fines", key: PrimaryKey("FINE#b"))
        #expect(stored?["amount"] == .number(amount))
        #expect(stored?["dueKey"] == "2025-11-05T09:30:00.000Z#b")
        let lookup = Lookup<Fine>(partition: "FINE#a")
        try await store.update(lookup) { $0.due = nextWeek }
        #expect(try store.all(.fines(dueBefore: today)).isEmpty)
        #expect(try store.verify().isSound)
    }

    @Test("Rules, unique keys and separators are checked")
    func refusals() async throws {
        let temporary = try TemporaryStore(schema: librarySchema)
        let store = temporary.store
        let empty = Book(isbn: "3", title: "Nothing", author: "A", pages: 0, subjects: [])
        await #expect(throws: CodexError(.invalidArgument, "")) { try await store.put(empty) }
        try await store.put(Member(id: "m1", name: "Mary", email: "mary@example.com"))
        let other = Member(id: "m2", name: "Mara", email: "mary@example.com")
        await #expect(throws: CodexError(.uniqueViolation, "")) { try await store.put(other) }
        let forged = Member(id: "m1#HOLD", name: "Mallory", email: "mallory@example.com")
        await #expect(throws: CodexError(.invalidIdentifier, "")) { try await store.put(forged) }
        #expect(try store.verify().isSound)
    }
}
