import CodexCore
import CodexTesting
import Foundation
import Testing

@testable import CodexStore

/// A mistake in a program with typed entities, and where it is found.
struct Mistake: CustomTestStringConvertible, Sendable {
    /// Where a mistake is found.
    enum Place: Sendable {
        case compile
        case opening
        case call
    }

    /// How a mistake is found at run time: the error's code, and a word of its message.
    struct Outcome: Sendable {
        var place: Place
        var code: CodexError.Code
        var word: String
    }

    /// What shows that a mistake does not compile with the macro; see ``MacroMistakesTests``.
    enum Proof: Sendable {
        /// The macro reports it: `OrderMistakeTests` has a mistake of the same name.
        case expansion
        /// `fields` has no member of this name.
        case noField(String)
        /// The field of this name takes no text.
        case noText(String)
    }

    let testDescription: String
    /// How the mistake is found at run time.
    ///
    /// A mistake that does not compile is tried in a form that the compiler cannot check: a
    /// definition without literals, or a call without `fields`.
    var outcomes: [EntityWay: Outcome]
    let attempt: @Sendable (Trial, EntityWay) async throws -> Void
    /// What shows that the mistake does not compile with the macro; `nil` if it compiles.
    var proof: Proof?

    /// Where the mistake is found first.
    func place(_ way: EntityWay) -> Place? {
        way == .byMacro && proof != nil ? .compile : outcomes[way]?.place
    }
}

/// A store that is opened with a mistake.
final class Trial: Sendable {
    private let directory: String
    private let store = Locked<Store?>(nil)

    init() throws { directory = try TemporaryStore.makeDirectory() }

    deinit {
        store.withLock { $0?.close() }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Where an error that was thrown last was found.
    var place: Mistake.Place { store.withLock { $0 == nil } ? .opening : .call }

    /// Opens the store with a schema, after closing it.
    @discardableResult
    func open(_ table: TableDefinition, _ types: [any Entity.Type]) throws -> Store {
        store.withLock { store in
            store?.close()
            store = nil
        }
        var options = StoreOptions(durability: .none)
        options.mapByteCount = 1 << 32
        let opened = try Store(
            at: directory + "/store", schema: Schema(tables: [table], types: types),
            options: options)
        store.withLock { $0 = opened }
        return opened
    }
}

extension Mistake {
    static func table(
        _ indexes: [IndexDefinition] = [], counters: [CounterDefinition] = [],
        timeToLive: String? = nil
    ) -> TableDefinition {
        TableDefinition(
            "main", partitionKey: KeyAttribute("PK"), sortKey: KeyAttribute("SK"),
            indexes: indexes, counters: counters, timeToLive: timeToLive)
    }

    static let byRegion = IndexDefinition("byRegion", partitionKey: [KeyAttribute("regionKey")])

    static func each(
        _ place: Place, _ code: CodexError.Code, _ word: String
    ) -> [EntityWay: Outcome] {
        let outcome = Outcome(place: place, code: code, word: word)
        return Dictionary(uniqueKeysWithValues: EntityWay.allCases.map { ($0, outcome) })
    }

    /// A definition that is refused when a store is opened with it.
    static func opening(
        _ name: String, _ word: String, _ variant: any OrderVariant.Type = OrderVariants.Plain.self,
        _ table: TableDefinition = table([byRegion]), with more: [any Entity.Type] = []
    ) -> Mistake {
        Mistake(testDescription: name, outcomes: each(.opening, .invalidSchema, word)) {
            trial, way in
            try trial.open(table, [variant.type(way)] + more)
        }
    }

    /// A definition that the macro refuses; without it, opening refuses the definition.
    static func refused(
        _ name: String, _ word: String, _ variant: any OrderVariant.Type
    ) -> Mistake {
        var mistake = opening(name, word, variant)
        mistake.proof = .expansion
        return mistake
    }

    /// A definition that is refused in a store that has another one of the same version.
    static func reopening(
        _ name: String, _ word: String, from first: any OrderVariant.Type,
        to second: any OrderVariant.Type
    ) -> Mistake {
        Mistake(testDescription: name, outcomes: each(.opening, .schemaMismatch, word)) {
            trial, way in
            try trial.open(table([byRegion]), [first.type(way)])
            try trial.open(table([byRegion]), [second.type(way)])
        }
    }

    /// A call that is refused.
    static func call(
        _ name: String, _ code: CodexError.Code, _ word: String,
        _ variant: any OrderVariant.Type = OrderVariants.Plain.self,
        _ table: TableDefinition = table([byRegion]), with more: [any Entity.Type] = [],
        _ body: @escaping @Sendable (any SampleOrder.Type, Store) async throws -> Void
    ) -> Mistake {
        Mistake(testDescription: name, outcomes: each(.call, code, word)) { trial, way in
            let type = variant.type(way)
            try await body(type, try trial.open(table, [type] + more))
        }
    }

    /// The same mistake, which some ways find with another error.
    func found(
        by ways: EntityWay..., at place: Place, _ code: CodexError.Code, _ word: String
    ) -> Mistake {
        var mistake = self
        for way in ways { mistake.outcomes[way] = Outcome(place: place, code: code, word: word) }
        return mistake
    }

    /// The same mistake, which the compiler finds if the call names attributes by `fields`.
    func noField(_ name: String) -> Mistake {
        var mistake = self
        mistake.proof = .noField(name)
        return mistake
    }

    /// The same mistake, which the compiler finds if the call gives values by `fields`.
    func noText(_ name: String) -> Mistake {
        var mistake = self
        mistake.proof = .noText(name)
        return mistake
    }

    static let all = definitions + parts + changes + typedCalls + namedCalls
}

/// The mistakes of the typed layer, one by one.
@Suite("Mistakes with typed entities")
struct MistakesTests {
    @Test("There are enough of them, each with a name of its own")
    func count() {
        #expect(Mistake.all.count >= 45)
        #expect(Set(Mistake.all.map(\.testDescription)).count == Mistake.all.count)
    }

    @Test("The numbers of mistakes by the place where each way finds them")
    func places() {
        let expected: [EntityWay: [Mistake.Place: Int]] = [
            .codable: [.opening: 35, .call: 31],
            .byHand: [.opening: 36, .call: 30],
            .byMacro: [.compile: 17, .opening: 26, .call: 23],
        ]
        for way in EntityWay.allCases {
            var counts: [Mistake.Place: Int] = [:]
            for mistake in Mistake.all {
                if let place = mistake.place(way) { counts[place, default: 0] += 1 }
            }
            #expect(counts == expected[way], "\(way)")
        }
    }

    @Test(
        "Each is found when it is made", .timeLimit(.minutes(30)),
        arguments: Mistake.all, EntityWay.allCases)
    func found(mistake: Mistake, way: EntityWay) async throws {
        let trial = try Trial()
        let expected = try #require(mistake.outcomes[way])
        do {
            try await mistake.attempt(trial, way)
            Issue.record("accepted")
        } catch let error as CodexError {
            #expect(trial.place == expected.place)
            #expect(error.code == expected.code, "\(error.message)")
            #expect(error.message.contains(expected.word), "\(error.message)")
        }
    }

    @Test("Sound definitions work", arguments: EntityWay.allCases)
    func sound(way: EntityWay) async throws {
        func run<E: SampleOrder>(_ type: E.Type, _ store: Store) async throws {
            for number in 1...3 { try await store.put(E(number: number)) }
            let site = OrderVariants.site
            let lookup = Lookup<E>(["siteID": site, "number": 2])
            #expect(try store.get(lookup) != nil)
            #expect(try store.all(Query<E>(["siteID": site])).count == 3)
            #expect(try store.count(Query<E>("byRegion", ["region": "north"])) == 3)
            let filtered = Query<E>(["siteID": site])
                .filtered(by: Attribute<String>("status") == "open")
            #expect(try store.count(filtered) == 3)
            let total = try store.total(of: "perRegion", in: "main", group: ["north"])
            let sum = try Number(parsing: "37.5")
            #expect(total.count == 3 && total.sums["total"] == sum)
            let item = try #require(try store.items(scanning: TableScan(table: "main")).items.first)
            #expect(item["expires"] == 4_000_000_000)
            #expect(try store.verify().isSound)
        }
        let counter = CounterDefinition(
            "perRegion", group: [KeyAttribute("region")], sums: ["total"])
        let table = Mistake.table([Mistake.byRegion], counters: [counter], timeToLive: "expires")
        let type = OrderVariants.Timed.type(way)
        let trial = try Trial()
        try await run(type, try trial.open(table, [type, Visit.self]))
    }

    // MARK: Stores that have a mistake already

    /// The events of one opening.
    private static func events(
        _ path: String, _ schema: Schema
    ) throws -> [StoreEvent] {
        let seen = Locked<[StoreEvent]>([])
        var options = StoreOptions(durability: .none)
        options.mapByteCount = 1 << 32
        options.observer = { event in seen.withLock { $0.append(event) } }
        let store = try Store(at: path, schema: schema, options: options)
        // Closing waits for the observer.
        store.close()
        return seen.withLock { events in
            events.filter {
                switch $0 {
                case .schemaWarning, .entityUnchecked: true
                default: false
                }
            }
        }
    }

    @Test("Keys that collide in a store already are told of at each opening, and new ones refused")
    func collision() async throws {
        let order = OrderVariants.Plain.type(.codable)
        let table = Mistake.table([Mistake.byRegion])
        let temporary = try TemporaryStore(schema: Schema(tables: [table], types: [order]))
        #expect(throws: CodexError(.invalidSchema, "")) {
            try Self.events(
                temporary.path + "2", Schema(tables: [table], types: [order, Clash.self]))
        }
        // An earlier release did not refuse it.
        try await temporary.store.changeManifest { manifest, _ throws(CodexError) in
            try manifest.merge(Schema(tables: [table], entities: [Clash.definition]))
        }
        temporary.store.close()
        let both = Schema(tables: [table], types: [order, Clash.self])
        for schema in [both, Schema(tables: [table], types: [order]), both] {
            let events = try Self.events(temporary.path, schema)
            guard case .schemaWarning(let text)? = events.first else {
                Issue.record("no warning: \(events)")
                return
            }
            #expect(events.count == 1)
            #expect(text.contains("order") && text.contains("clash") && text.contains("same key"))
        }
        #expect(try Self.events(temporary.path, Schema(tables: [table])).count == 1)
        struct Third: Codable, Entity {
            static let definition = EntityDefinition(
                "third", table: "main", keys: ["PK": "SITE#{name}", "SK": "{name}#{name}"])
            var name: String
        }
        #expect(throws: CodexError(.invalidSchema, "")) {
            try Self.events(temporary.path, both.adding(Third.self))
        }
    }

    @Test("Parts of a store for raw items alone are told of at each opening, and new ones refused")
    func rawParts() async throws {
        let byRaw = IndexDefinition("byRaw", partitionKey: [KeyAttribute("rawKey")])
        let perRaw = CounterDefinition("perRaw", group: [KeyAttribute("rawGroup")])
        func table(_ more: [IndexDefinition] = []) -> TableDefinition {
            Mistake.table(
                [Mistake.byRegion, byRaw] + more, counters: [perRaw], timeToLive: "rawExpiry")
        }
        let temporary = try TemporaryStore(schema: Schema(tables: [table()]))
        let raw: Item = ["PK": "RAW", "SK": "1", "rawKey": "k", "rawGroup": "g"]
        try await temporary.store.put(raw, in: "main")
        temporary.store.close()
        let order = OrderVariants.Plain.type(.codable)
        let schema = Schema(tables: [table()], types: [order])
        for _ in 0..<2 {
            let events = try Self.events(temporary.path, schema)
            let texts = events.compactMap { event in
                if case .schemaWarning(let text) = event { text } else { nil }
            }
            try #require(events.count == 3 && texts.count == 3, "\(events)")
            for (text, words) in zip(
                texts,
                [
                    ["index byRaw", "rawKey"], ["perRaw", "rawGroup"],
                    ["time to live", "rawExpiry"],
                ])
            {
                for word in words { #expect(text.contains(word), "\(text)") }
            }
        }
        let new = IndexDefinition("byNew", partitionKey: [KeyAttribute("newKey")])
        let grown = Schema(tables: [table([new])], types: [order])
        #expect(throws: CodexError(.invalidSchema, "")) { try Self.events(temporary.path, grown) }
        #expect(throws: CodexError(.invalidSchema, "")) {
            try Self.events(temporary.path + "2", schema)
        }
    }

    /// A value whose key attribute is a number under its own name.
    struct Row: Codable, Entity {
        static let definition = EntityDefinition(
            "row", table: "rows", keys: ["id": "{id}", "n": "{n}"])
        var id = "a"
        var n = 7
    }

    @Test("A number under the name of a key attribute is not stored")
    func numberKey() async throws {
        let table = TableDefinition(
            "rows", partitionKey: KeyAttribute("id"), sortKey: KeyAttribute("n"))
        let temporary = try TemporaryStore(schema: Schema(tables: [table], types: [Row.self]))
        let store = temporary.store
        await #expect(throws: CodexError(.typeMismatch, "")) { try await store.put(Row()) }
        #expect(try store.items(scanning: TableScan(table: "rows")).items.isEmpty)
    }

    @Test("A type that cannot be checked is told of once at each opening")
    func unchecked() throws {
        struct Loose: Entity {
            static let definition = EntityDefinition(
                "loose", table: "main", keys: ["PK": "LOOSE#{id}", "SK": "LOOSE"])
            func item() throws(CodexError) -> Item { ["PK": "LOOSE#1", "SK": "LOOSE"] }
            init(reading reader: borrowing FieldReader) throws(CodexError) {}
        }
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let schema = Schema(tables: [Mistake.table()], types: [Loose.self, Visit.self])
        for _ in 0..<2 {
            let events = try Self.events(directory + "/store", schema)
            #expect(events == [.entityUnchecked("loose")])
        }
    }
}
