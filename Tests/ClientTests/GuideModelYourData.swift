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
    var expires: EpochSeconds
}

struct Loan: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "loan", table: "library", keys: ["PK": "COPY#{copy}", "SK": "LOAN#{number}"],
        derived: ["borrower": .copy(of: "member", when: returned.doesNotExist)])
    static let returned = Field<Self, Date>("returned")

    var copy: UUID
    var number: Int
    var member: String
    var due: CalendarDay
    var returned: Date?
}

let library = TableDefinition(
    "library", partitionKey: "PK", sortKey: "SK",
    indexes: [
        IndexDefinition(
            "byAuthor", partitionKey: ["author"], sortKey: ["title"], entities: ["book"]),
        IndexDefinition(
            "bySubject", partitionKey: ["subjects"], projection: .keysOnly, entities: ["book"],
            multiValued: "subjects"),
        IndexDefinition("byEmail", partitionKey: ["email"], isUnique: true, entities: ["member"]),
        IndexDefinition(
            "openLoans", partitionKey: ["borrower"], sortKey: ["due"], entities: ["loan"]),
        longBooks,
    ],
    counters: [
        CounterDefinition("booksByAuthor", group: ["author"], sums: ["pages"], entities: ["book"])
    ],
    timeToLive: "expires")
let librarySchema = Schema(
    tables: [library], types: [Book.self, Member.self, Hold.self, Loan.self])

let longBooks = IndexDefinition(
    "longBooks", partitionKey: ["author"], sortKey: [KeyAttribute("pages", .number)],
    projection: .include(["title"]), isUnique: false, entities: ["book"], multiValued: nil,
    layout: .copies)

extension Book {
    static let isbn = Field<Self, String>("isbn")
    static let title = Field<Self, String>("title")
    static let author = Field<Self, String>("author")
    static let pages = Field<Self, Int>("pages")
    static let subjects = Field<Self, [String]>("subjects")
}

extension Loan {
    static let copy = Field<Self, UUID>("copy")
    static let number = Field<Self, Int>("number")
    static let member = Field<Self, String>("member")
    static let due = Field<Self, CalendarDay>("due")
}

extension Lookup where E == Book {
    static func book(_ isbn: String) -> Self { Self(Book.isbn(isbn)) }
}

extension Query where E == Book {
    static func books(by author: String) -> Self { Self("byAuthor", Book.author(author)) }

    static func books(by author: String, from title: String) -> Self {
        Self("byAuthor", Book.author(author), sort: Book.title.from(title))
    }

    static func books(about subject: String) -> Self {
        Self("bySubject", Book.subjects(containing: subject))
    }

    static func books(by author: String, longerThan pages: Int) -> Self {
        Self("longBooks", Book.author(author), sort: Book.pages.after(pages))
    }
}

extension Lookup where E == Member {
    static func member(email: String) -> Self { Self("byEmail", ["email": email]) }
}

extension Query where E == Hold {
    static func holds(of member: String) -> Self { Self(["member": member]) }
}

extension Lookup where E == Loan {
    static func loan(_ number: Int, of copy: UUID) -> Self {
        Self(Loan.copy(copy), Loan.number(number))
    }
}

extension Query where E == Loan {
    static func loans(of copy: UUID, from number: Int) -> Self {
        Self(Loan.copy(copy), sort: Loan.number.from(number))
    }

    static func openLoans(of member: String, dueBefore day: CalendarDay) -> Self {
        Self("openLoans", Loan.member(member), sort: Loan.due.before(day))
    }
}

struct Fine: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "fine", table: "fines", keys: ["PK": "FINE#{id}"],
        derived: ["ledger": .constant("UNPAID", when: isPaid != true)])
    static let isPaid = Field<Self, Bool>("isPaid")
    static let due = Field<Self, Date>("due")

    var id: String
    var payer: String
    var due: Date
    var amount: Number
    var isPaid = false
}

let fines = TableDefinition(
    "fines", partitionKey: "PK",
    indexes: [IndexDefinition("unpaid", partitionKey: ["ledger"], sortKey: ["due"])])

extension Query where E == Fine {
    static func unpaid(dueBefore end: Date) -> Self {
        Self("unpaid", sort: Fine.due.before(end))
    }
}

/// A publisher of books.
public struct Publisher: Codable, Entity, Equatable {
    /// The stored name and the keys.
    public static let definition = EntityDefinition(
        "publisher", table: "library", keys: ["PK": "PUBLISHER#{id}", "SK": "PUBLISHER"])
    /// The field `id`.
    public static let id = Field<Self, String>("id")

    /// The identifier.
    public var id: String
    /// The city.
    public var city: String

    /// Creates a publisher.
    public init(id: String, city: String) {
        self.id = id
        self.city = city
    }
}

extension Lookup where E == Publisher {
    /// The publisher with an identifier.
    public static func publisher(_ id: String) -> Self { Self(Publisher.id(id)) }
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
        #expect(try store.all(.books(by: "Lovelace", from: "N")) == [notes])
        #expect(try store.all(.books(by: "Lovelace", from: "O")).isEmpty)
        #expect(try store.all(.books(about: "computing")) == [notes])
        #expect(try store.all(.books(about: "poetry")).isEmpty)

        let total = try store.total(of: "booksByAuthor", in: "library", group: ["Lovelace"])
        print(total.count, total.sums["pages"] ?? 0)
        for author in try store.counts(of: Book.self, by: "booksByAuthor") {
            print(author.group, author.count)
        }
        #expect(total.count == 1)
        #expect(total.sums["pages"] == 66)
        #expect(try store.counts(of: Book.self, by: "booksByAuthor") == [total])
        let none = try store.total(of: "booksByAuthor", in: "library", group: ["Byron"])
        #expect(none.count == 0)
        #expect(none.sums == ["pages": 0])
        #expect(none.summedCounts == ["pages": 0])

        #expect(try store.all(.books(by: "Lovelace", longerThan: 65)) == [notes])
        #expect(try store.all(.books(by: "Lovelace", longerThan: 66)).isEmpty)

        let now = Date()
        let (later, earlier) = (now.addingTimeInterval(3 * 86_400), now.addingTimeInterval(-1))
        try await store.put(Hold(member: "m1", isbn: "1", expires: EpochSeconds(later)))
        try await store.put(Hold(member: "m1", isbn: "2", expires: EpochSeconds(earlier)))
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
        #expect(try store.verify().isSound)
    }

    @Test("An open loan has an entry, a returned one has none, and keys are the library's affair")
    func openLoans() async throws {
        let temporary = try TemporaryStore(schema: librarySchema)
        let store = temporary.store
        let copy = try #require(UUID(uuidString: "6F9619FF-8B86-D011-B42D-00C04FC964FF"))
        let today = try #require(CalendarDay("2026-03-02"))
        for number in [9, 10, 11] {
            let due = today.adding(days: number - 10)
            try await store.insert(Loan(copy: copy, number: number, member: "m1", due: due))
        }
        #expect(try store.get(.loan(9, of: copy))?.due == today.adding(days: -1))
        #expect(try store.all(.loans(of: copy, from: 10)).map(\.number) == [10, 11])
        let open = Query<Loan>.openLoans(of: "m1", dueBefore: today.adding(days: 1))
        #expect(try store.all(open).map(\.number) == [9, 10])
        try await store.update(.loan(9, of: copy)) { $0.returned = Date() }
        #expect(try store.all(open).map(\.number) == [10])
        let stored = try store.item(
            in: "library",
            key: PrimaryKey("COPY#6f9619ff-8b86-d011-b42d-00c04fc964ff", "LOAN#0000000010"))
        #expect(stored?["borrower"] == "m1")
        #expect(try store.verify().isSound)
    }

    @Test("All unpaid fines are in one partition of an index, by their due date")
    func ledger() async throws {
        let temporary = try TemporaryStore(schema: Schema(tables: [fines], types: [Fine.self]))
        let store = temporary.store
        let today = Date(timeIntervalSince1970: 1_762_335_000)
        let amount = try Number(parsing: "2.50")
        for (id, days) in [("a", -3.0), ("b", 0), ("c", 2), ("d", 9)] {
            let due = today.addingTimeInterval(days * 86_400)
            try await store.put(Fine(id: id, payer: "m1", due: due, amount: amount))
        }
        let nextWeek = today.addingTimeInterval(7 * 86_400)
        #expect(try store.all(.unpaid(dueBefore: today)).map(\.id) == ["a"])
        #expect(try store.all(.unpaid(dueBefore: nextWeek)).map(\.id) == ["a", "b", "c"])
        #expect(try store.all(Query<Fine>.unpaid(dueBefore: nextWeek).reversed).first?.id == "c")
        let stored = try store.item(in: "fines", key: PrimaryKey("FINE#b"))
        #expect(stored?["amount"] == .number(amount))
        try await store.update(Lookup<Fine>(["id": "a"])) { $0.isPaid = true }
        #expect(try store.all(.unpaid(dueBefore: today)).isEmpty)
        #expect(try store.verify().isSound)
    }

    @Test("Days, dates and numbers are converted, and dates are rounded")
    func values() throws {
        let total = try Number(parsing: "12.50").adding(3).subtracting(0.5)
        let decimal = Decimal(exactly: total)
        print(total == 15, total.int64 ?? 0, total.double, decimal ?? 0)
        let rounded = Date(attributeValue: Date().attributeValue) ?? Date()
        print(CalendarDay(rounded).adding(days: 14), rounded)
        #expect(total == 15)
        #expect(total.int64 == 15)
        #expect(total.double == 15)
        #expect(decimal == 15)
        #expect(Int(attributeValue: total.attributeValue) == 15)
        #expect(Int(attributeValue: Number(floatLiteral: 0.5).attributeValue) == nil)
        #expect(decimal?.attributeValue.number == total)
        #expect(Date(attributeValue: rounded.attributeValue) == rounded)
        let fine = Date(timeIntervalSince1970: 1.234_6)
        #expect(fine.attributeValue == "1970-01-01T00:00:01.235Z")
        #expect(Date(attributeValue: fine.attributeValue) != fine)
        #expect(CalendarDay("2026-02-29") == nil)
    }

    @Test("An entity of a library target has a public lookup")
    func publicEntity() async throws {
        let table = TableDefinition("library", partitionKey: "PK", sortKey: "SK")
        let temporary = try TemporaryStore(
            schema: Schema(tables: [table], types: [Publisher.self]))
        let publisher = Publisher(id: "p1", city: "London")
        try await temporary.store.insert(publisher)
        #expect(try temporary.store.get(.publisher("p1")) == publisher)
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

    @Test("Names that mean nothing are errors, on opening and in calls")
    func mistakes() throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let wrong = TableDefinition(
            "library", partitionKey: "PK", sortKey: "SK",
            indexes: [
                IndexDefinition("byWriter", partitionKey: ["Author"], entities: ["book"])
            ])
        let schema = Schema(tables: [wrong], types: [Book.self])
        #expect(throws: CodexError(.invalidSchema, "")) {
            try Store(at: directory + "/wrong", schema: schema)
        }
        let temporary = try TemporaryStore(schema: librarySchema)
        let store = temporary.store
        #expect(throws: CodexError(.invalidKey, "")) {
            try store.get(Lookup<Book>(["ISBN": "1"]))
        }
        #expect(throws: CodexError(.invalidKey, "")) {
            try store.all(Query<Book>("byAuthor", ["title": "Notes"]))
        }
        let writer = Attribute<String>("writer")
        #expect(throws: CodexError(.invalidExpression, "")) {
            try store.all(Query<Book>.books(by: "Lovelace").filtered(by: writer == "x"))
        }
    }
}

#if Macros
    struct Place: Codable, Equatable {
        var hall: String
        var shelf: Int
    }

    struct Movement: Codable, Equatable {
        var day: CalendarDay
        var count: Int
    }

    @Entity(
        "lot", table: "warehouse", keys: ["PK": "LOT#{id}", "SK": "LOT"],
        derived: [
            "onSale": .copy(of: "product", when: Attribute<String>("state") == "free"),
            "turn": .template("{bestBefore}#{number}"),
            "hall": .copy(of: DocumentPath("place")["hall"]),
        ])
    struct Lot: Equatable {
        enum State: String, CaseIterable, AttributeConvertible { case free, reserved, sold }

        var id: UUID
        var number: Int
        var product: String
        var bestBefore: CalendarDay
        var state: State = .free
        var seal: String?
        var place: Place
        var movements: [Movement]
        @StoredAs("kg") var weight: Number
        @Transient var isSelected = false
    }

    let warehouse = TableDefinition(
        "warehouse", partitionKey: "PK", sortKey: "SK",
        indexes: [
            IndexDefinition(
                "onSale", partitionKey: ["onSale"], sortKey: ["turn"], entities: ["lot"]),
            IndexDefinition("byHall", partitionKey: ["hall"], entities: ["lot"]),
            IndexDefinition("bySeal", partitionKey: ["seal"], isUnique: true, entities: ["lot"]),
        ])

    extension Lot {
        static let onSale: EntityIndex<Lot> = "onSale"
    }

    extension Query where E == Lot {
        static func onSale(_ product: String, before day: CalendarDay) -> Self {
            Self(Lot.onSale, Lot.fields.product(product), sort: Lot.fields.bestBefore.before(day))
        }

        static func lots(in hall: String) -> Self { Self("byHall", ["place.hall": hall]) }
    }

    /// An entity by the macro, as the guide shows it.
    @Suite("The guide: the macro @Entity")
    struct GuideMacroTests {
        @Test("A lot is found by its product, its hall and its seal")
        func lots() async throws {
            let temporary = try TemporaryStore(
                schema: Schema(tables: [warehouse], types: [Lot.self]))
            let store = temporary.store
            let day = try #require(CalendarDay("2026-03-02"))
            let place = Place(hall: "A", shelf: 2)
            let movements = [Movement(day: day, count: 5)]
            let lots = (9...11).map { number in
                Lot(
                    id: UUID(), number: number, product: "tea", bestBefore: day,
                    seal: number == 9 ? "s9" : nil, place: place, movements: movements, weight: 2.5)
            }
            for lot in lots { try await store.insert(lot) }
            let tomorrow = day.adding(days: 1)
            #expect(try store.all(.onSale("tea", before: tomorrow)) == lots)
            #expect(try store.all(.onSale("tea", before: day)).isEmpty)
            #expect(try store.count(.lots(in: "A")) == 3)
            #expect(try store.get(Lookup("bySeal", Lot.fields.seal("s9"))) == lots[0])
            let other = Lot(
                id: UUID(), number: 1, product: "tea", bestBefore: day, seal: "s9", place: place,
                movements: [], weight: 1)
            await #expect(throws: CodexError(.uniqueViolation, "")) {
                try await store.insert(other)
            }
            try await store.update(Lookup(Lot.fields.id(lots[0].id))) { $0.state = .sold }
            #expect(try store.all(.onSale("tea", before: tomorrow)) == Array(lots.dropFirst()))
            let heavy = Query<Lot>.lots(in: "A").filtered(by: Lot.fields.weight > 2)
            #expect(try store.count(heavy) == 3)
            #expect(try store.verify().isSound)
        }
    }
#endif
