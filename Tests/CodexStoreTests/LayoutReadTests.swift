import CodexCore
import CodexTesting
import TestSupport
import Testing

@testable import CodexStore

/// Random reads by pairs of indexes that differ in their layouts alone, and by an index of keys.
@Suite("Reads by layout")
struct LayoutReadTests {
    struct Piece: Codable, Entity, Hashable {
        static let definition = EntityDefinition(
            "piece", table: "samples", keys: ["partition": "ROOM#{room}", "sort": "PIECE#{id}"])

        var room: String
        var id: Int
        var group: String?
        var rank: Int?
        var tag: [String]?
        var value: Int?
        var content: String?
        var expires: Int?
    }

    /// What a query gives in one page; the token itself names the index.
    private struct FoundPage: Equatable {
        let items: [Item]
        let examinedCount: Int
        let hasNext: Bool
    }

    /// What a view shows.
    private struct Seen: Equatable {
        let header: ItemHeader
        let names: [String]
        let values: [[UInt8]]
        let item: Item

        init(_ view: borrowing ItemView) throws {
            var values: [[UInt8]] = []
            try view.forEachRawValue { _, bytes in
                unsafe bytes.withUnsafeBufferPointer { unsafe values.append(Array($0)) }
            }
            var names: [String] = []
            for position in 0..<view.attributeCount { names.append(view.name(at: position)) }
            header = view.header
            self.names = names
            self.values = values
            item = try view.item()
        }
    }

    /// The names of the pairs.
    private static let names = ["all", "some", "tags", "someTags"]
    private static let groups = ["a", "b", String(repeating: "g", count: 700)]
    private static let tags = ["w", "x", "y", "z"]
    /// The attributes of the keys of the table, and of the indexes by `rank`.
    private static let keyNames = ["partition", "sort", "group", "rank"]

    private static let table = SampleTable.definition(
        sort: .string,
        indexes: pair("all", "group", sort: KeyAttribute("rank", .number), .all)
            + pair("some", "group", sort: KeyAttribute("rank", .number), included)
            + pair("tags", "group", sort: KeyAttribute("tag"), .all, multiValued: "tag")
            + pair("someTags", "tag", included, multiValued: "tag")
            + [
                IndexDefinition(
                    "keys", partitionKey: [KeyAttribute("group")],
                    sortKey: [KeyAttribute("rank", .number)], projection: .keysOnly)
            ], timeToLive: "expires")
    private static let included = IndexProjection.include(["content", "tag", "value"])

    private static func pair(
        _ name: String, _ partition: String, sort: KeyAttribute? = nil,
        _ projection: IndexProjection, multiValued: String? = nil
    ) -> [IndexDefinition] {
        IndexLayout.allCases.map { layout in
            IndexDefinition(
                index(name, layout), partitionKey: [KeyAttribute(partition)],
                sortKey: sort.map { [$0] } ?? [], projection: projection,
                multiValued: multiValued, layout: layout)
        }
    }

    private static func index(_ name: String, _ layout: IndexLayout) -> String {
        "\(name).\(layout.rawValue)"
    }

    private let clock = ManualClock()
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        temporary = try TemporaryStore(
            schema: Schema(tables: [Self.table]).adding(Piece.self),
            options: ExpiryTests.options(clock))
    }

    // MARK: Random items

    private static func text(_ random: inout SplitMix, _ count: Int) -> String {
        let letters = Array("0123456789abcdefghijklmnopqrst")
        return String((0..<count).map { _ in random.pick(letters) })
    }

    /// Content that is in chunks, compressed, short, or missing.
    private static func content(_ random: inout SplitMix) -> String? {
        switch random.below(16) {
        case 0: text(&random, 40_000)
        case 1: text(&random, 3000)
        case 2: String(repeating: "text ", count: 1000)
        case 3..<10: text(&random, 10)
        default: nil
        }
    }

    private static func piece(_ random: inout SplitMix) -> Piece {
        let tag = (0..<random.below(4)).map { _ in random.pick(tags) }
        return Piece(
            room: String(random.below(3)), id: random.below(60),
            group: random.chance(90) ? random.pick(groups) : nil,
            rank: random.chance(95) ? random.below(20) : nil, tag: random.chance(60) ? tag : nil,
            value: random.chance(70) ? random.below(100) : nil, content: content(&random),
            expires: random.chance(25) ? ExpiryTests.start + 10 * (1 + random.below(3)) : nil)
    }

    /// A raw item, with a key that may be a long one.
    private static func item(_ random: inout SplitMix) throws -> Item {
        var item = try piece(&random).item()
        let isLong = random.chance(5)
        item["partition"] = .string(
            isLong ? String(repeating: "p", count: 600) : "p\(random.below(3))")
        item["sort"] = .string("s\(random.below(40))")
        return item
    }

    private static func change(
        _ transaction: inout WriteTransaction, _ random: inout SplitMix
    ) throws {
        switch random.below(8) {
        case 0:
            let item = try item(&random)
            _ = try transaction.delete(in: "samples", key: try table.primaryKey(of: item))
        case 1..<5: try transaction.put(try item(&random), in: "samples")
        default: try transaction.put(piece(&random))
        }
    }

    /// Makes writes, each of some changes.
    private func fill(_ seed: UInt64) async throws {
        for number in 0..<8 {
            try await store.write { transaction in
                var random = SplitMix(seed: seed &+ UInt64(number))
                for _ in 0..<60 { try Self.change(&transaction, &random) }
            }
        }
    }

    // MARK: Random reads

    /// A query of an index of the pair, which gets the name of the other one later.
    private static func query(_ random: inout SplitMix, _ name: String) throws -> TableQuery {
        let partition = name == "someTags" ? random.pick(tags) : random.pick(groups)
        var query = TableQuery(table: "samples", partition: [.string(partition)])
        let low = random.below(20)
        func number(_ value: Int) -> AttributeValue { .number(Number(value)) }
        switch name {
        case "all", "some":
            query.sort = random.pick([
                .any, .any, .equal(number(low)), .less(number(low)),
                .greaterOrEqual(number(low)), .between(number(low), number(low + 5)),
            ])
        case "tags":
            let tag = AttributeValue.string(random.pick(tags))
            query.sort = random.pick([.any, .any, .equal(tag), .greater(tag)])
        default: break
        }
        query.direction = random.chance(50) ? .forward : .backward
        query.filter = random.pick([
            nil, nil, .attributeExists("content"), .attributeNotExists("expires"),
            .attributeExists("room"),
            .compare(.path("value"), .greaterOrEqual, .value(number(50))),
        ])
        if random.chance(20) { query.projection = try Projection(["content", "value", "room"]) }
        if random.chance(20) { query.entity = "piece" }
        return query
    }

    private static func limits(_ random: inout SplitMix) -> PageLimits {
        let counts = [nil, nil, 1, 2, 7, 8, 9, 23, 24, 25, 63, 64, 65]
        return PageLimits(returned: random.pick(counts), examined: random.pick(counts))
    }

    private static func pages(
        _ reads: borrowing some ReadableTransaction & ~Copyable, _ query: TableQuery,
        _ limits: PageLimits
    ) throws -> [FoundPage] {
        var pages: [FoundPage] = []
        var token: PageToken?
        repeat {
            let page = try reads.items(matching: query, limits: limits, after: token)
            pages.append(
                FoundPage(
                    items: page.items, examinedCount: page.examinedCount,
                    hasNext: page.next != nil))
            token = page.next
        } while token != nil
        return pages
    }

    /// The first items of a query after a start key.
    private static func views(
        _ reads: borrowing some ReadableTransaction & ~Copyable, _ query: TableQuery,
        after start: Item?, _ count: Int
    ) throws -> [Seen] {
        var found: [Seen] = []
        try reads.forEach(query, after: start) { view in
            found.append(try Seen(view))
            return found.count < count
        }
        return found
    }

    /// The items of a walk, which goes on after each bound, and where the bounds were.
    private static func bounded(
        _ reads: borrowing some ReadableTransaction & ~Copyable, _ query: TableQuery,
        _ bound: WalkBound
    ) throws -> (items: [Item], stops: [Item]) {
        var (items, stops): ([Item], [Item]) = ([], [])
        repeat {
            let stop = try reads.forEach(query, after: stops.last, within: bound) { view in
                items.append(try view.item())
                return true
            }
            guard let stop else { break }
            stops.append(stop)
        } while true
        return (items, stops)
    }

    /// The items of some partitions in an index, and the number of partitions asked for.
    private static func chosen(
        _ reads: borrowing some ReadableTransaction & ~Copyable, _ index: String,
        _ isTaken: (AttributeValue) -> Bool
    ) throws -> (items: [Item], askedCount: Int) {
        var (items, askedCount): ([Item], Int) = ([], 0)
        let bound = WalkBound(skippedCountMax: .max, keyNames: [])
        let stop = try reads.forEach(
            TableScan(table: "samples", index: index), within: bound,
            choosing: { partition in
                askedCount += 1
                return isTaken(partition) ? .take : .skip
            }
        ) { view in
            items.append(try view.item())
            return true
        }
        #expect(stop == nil)
        return (items, askedCount)
    }

    // MARK: Comparison

    /// Reads the same by both indexes of each pair; returns how many items were found.
    private static func compare(
        _ reads: borrowing some ReadableTransaction & ~Copyable, _ seed: UInt64
    ) throws -> Int {
        var random = SplitMix(seed: seed)
        var foundCount = 0
        for name in names {
            for turn in 0..<20 {
                let comment: Comment = "seed \(seed), index \(name), turn \(turn)"
                foundCount += try compareQueries(reads, name, &random, comment)
            }
            try compareScans(reads, name, "seed \(seed), index \(name)")
        }
        return foundCount
    }

    private static func compareQueries(
        _ reads: borrowing some ReadableTransaction & ~Copyable, _ name: String,
        _ random: inout SplitMix, _ comment: Comment
    ) throws -> Int {
        var copies = try query(&random, name)
        var references = copies
        copies.index = index(name, .copies)
        references.index = index(name, .references)
        let limits = limits(&random)
        let pages = (try pages(reads, copies, limits), try pages(reads, references, limits))
        #expect(pages.0 == pages.1, comment)
        let counts = (try reads.count(copies), try reads.count(references))
        #expect(counts.0 == counts.1, comment)
        (copies.projection, references.projection) = (nil, nil)
        let all = try views(reads, copies, after: nil, .max)
        let found = try views(reads, references, after: nil, .max)
        #expect(all == found, comment)
        guard name == "all" || name == "some" else { return all.count }
        let start = all.isEmpty ? nil : random.pick(all).item
        let count = random.pick([1, 8, 9, Int.max])
        let rest = (
            try views(reads, copies, after: start, count),
            try views(reads, references, after: start, count)
        )
        #expect(rest.0 == rest.1, comment)
        let bound = WalkBound(
            skippedCountMax: random.pick([1, 3, 10, .max]),
            keyNames: keyNames,
            wantedCount: random.pick([nil, 1, 5, 100]))
        let walks = (
            try bounded(reads, copies, bound), try bounded(reads, references, bound)
        )
        #expect(walks.0.items == walks.1.items && walks.0.stops == walks.1.stops, comment)
        return all.count
    }

    private static func compareScans(
        _ reads: borrowing some ReadableTransaction & ~Copyable, _ name: String,
        _ comment: Comment
    ) throws {
        let (copies, references) = (index(name, .copies), index(name, .references))
        let all = try reads.items(scanning: TableScan(table: "samples", index: copies)).items
        let found = try reads.items(scanning: TableScan(table: "samples", index: references))
        #expect(found.items == all, comment)
        var inSegments: [Item] = []
        for segment in try reads.segments(of: "samples", index: references, count: 3) {
            let scan = TableScan(table: "samples", index: references, segment: segment)
            inSegments += try reads.items(scanning: scan).items
        }
        #expect(inSegments == all, comment)
        for filter in [nil, Condition.attributeExists("room")] {
            let copied = try reads.count(
                TableScan(table: "samples", index: copies, filter: filter))
            let referenced = try reads.count(
                TableScan(table: "samples", index: references, filter: filter))
            #expect(copied == referenced, comment)
        }
        let isTaken: (AttributeValue) -> Bool = { $0.string?.hasSuffix("1") ?? false }
        let chosen = (
            try chosen(reads, copies, isTaken), try chosen(reads, references, isTaken)
        )
        #expect(chosen.0.items == chosen.1.items, comment)
        #expect(chosen.0.askedCount == chosen.1.askedCount, comment)
    }

    /// Reads the entities by both indexes of each pair, and by the index of keys.
    private static func compareTyped(
        _ reads: borrowing some ReadableTransaction & ~Copyable, _ comment: Comment
    ) throws {
        for group in groups {
            for limit in [nil, 1, 8, 64] {
                let expected = try reads.query(
                    Query<Piece>(partition: .string(group), index: "all.copies"), limit: limit)
                for index in ["all.references", "some.copies", "some.references", "keys"] {
                    let page = try reads.query(
                        Query<Piece>(partition: .string(group), index: index), limit: limit)
                    #expect(page.items == expected.items, comment)
                    #expect(page.examinedCount == expected.examinedCount, comment)
                }
            }
        }
    }

    /// Compares the index of keys with the keys of the items.
    private static func compareKeys(
        _ reads: borrowing some ReadableTransaction & ~Copyable, _ comment: Comment
    ) throws {
        for group in groups {
            var query = TableQuery(
                table: "samples", index: "all.copies", partition: [.string(group)])
            let items = try reads.items(matching: query)
            let count = try reads.count(query)
            query.index = "keys"
            let keys = try reads.items(matching: query)
            let expected = items.items.map { item in
                item.keeping { keyNames.contains($0.name) }
            }
            #expect(keys.items == expected, comment)
            #expect(keys.examinedCount == items.examinedCount, comment)
            let keyCount = try reads.count(query)
            #expect(keyCount == count, comment)
            for seen in try views(reads, query, after: nil, .max) {
                #expect(seen.header.version == 0 && seen.header.schemaVersion == 0, comment)
                #expect(seen.header.expiresAt == nil && seen.names.isEmpty, comment)
            }
        }
    }

    private static func compareAll(
        _ reads: borrowing some ReadableTransaction & ~Copyable, _ seed: UInt64
    ) throws -> Int {
        try compareTyped(reads, "seed \(seed)")
        try compareKeys(reads, "seed \(seed)")
        return try compare(reads, seed)
    }

    // MARK: Tests

    @Test("The layout changes no result, before and after items expire, and among own writes")
    func equal() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        try await fill(seed)
        for _ in 0..<3 {
            let foundCount = try store.read { try Self.compareAll($0, seed) }
            #expect(foundCount > 100, "seed \(seed)")
            clock.advance(by: 15)
        }
        let pendingCount = try await store.write { transaction in
            var random = SplitMix(seed: seed &+ 100)
            for _ in 0..<60 { try Self.change(&transaction, &random) }
            return try Self.compareAll(transaction, seed)
        }
        #expect(pendingCount > 100, "seed \(seed)")
        try store.expectSound()
    }

    @Test("A token goes on after the layout has changed, to either layout")
    func tokens() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        try await fill(seed)
        for name in ["all", "some"] {
            let index = Self.index(name, .copies)
            let query = TableQuery(table: "samples", index: index, partition: ["a"])
            let whole = try store.items(matching: query).items
            let first = try store.items(matching: query, limits: PageLimits(returned: 9))
            let token = try #require(first.next, "seed \(seed)")
            for layout in [IndexLayout.references, .copies] {
                try await store.changeLayout(ofIndex: index, in: "samples", to: layout)
                try await store.waitUntilReady()
                let rest = try store.items(matching: query, after: token)
                #expect(first.items + rest.items == whole, "seed \(seed), \(layout)")
            }
        }
    }

    // MARK: What is looked up

    private static func piece(_ id: Int, expires: Int? = nil) -> Piece {
        Piece(
            room: "1", id: id, group: "a", rank: id, tag: tags, expires: expires)
    }

    private func put(_ pieces: [Piece]) async throws {
        try await store.write { transaction in
            for piece in pieces { try transaction.put(piece) }
        }
    }

    private static func key(_ id: Int) throws -> PrimaryKey {
        try table.primaryKey(of: try piece(id).item())
    }

    @Test("Counts and keys look up items that expire alone", arguments: [1, 7, 8, 9, 63, 64, 65])
    func lookedUp(count: Int) async throws {
        // An item that is missing is damage, which a look-up finds.
        try await put(
            (0...count).map { Self.piece($0, expires: $0 == count ? ExpiryTests.start + 9 : nil) })
        for id in 0..<count { try await store.loseItem(try Self.key(id)) }
        let keys = TableQuery(table: "samples", index: "keys", partition: ["a"])
        #expect(try store.items(matching: keys).items.count == count + 1)
        for index in ["keys", "all.references", "some.references"] {
            var query = keys
            query.index = index
            let expected = QueryCount(count: count + 1, examinedCount: count + 1)
            #expect(try store.count(query) == expected)
            let scan = TableScan(table: "samples", index: index)
            #expect(try store.count(scan) == expected)
        }
        clock.advance(by: 9)
        #expect(try store.count(keys) == QueryCount(count: count, examinedCount: count + 1))
        #expect(try store.items(matching: keys).items.count == count)
        try await store.loseItem(try Self.key(count))
        let error = #expect(throws: CodexError.self) { try store.count(keys) }
        #expect(error?.code == .corrupted)
        #expect(error?.message.contains("Index keys of table samples") == true)
    }

    @Test(
        "A reference without its item is damage in each read of attributes",
        arguments: ["all", "some", "tags", "someTags"])
    func lost(name: String) async throws {
        try await put((0..<70).map { Self.piece($0) })
        try await store.loseItem(try Self.key(40))
        let index = Self.index(name, .references)
        let partition: AttributeValue = name == "someTags" ? "x" : "a"
        let query = TableQuery(table: "samples", index: index, partition: [partition])
        let scan = TableScan(table: "samples", index: index)
        let bound = WalkBound(skippedCountMax: .max, keyNames: [])
        let reads: [(borrowing Snapshot) throws -> Void] = [
            { _ = try $0.items(matching: query) },
            { try $0.forEach(query) { _ in true } },
            { _ = try $0.forEach(query, within: bound) { _ in true } },
            { _ = try $0.items(scanning: scan) },
            { _ = try $0.forEach(scan, within: bound, choosing: { _ in .take }) { _ in true } },
        ]
        let key = try Self.key(40)
        for read in reads {
            let error = #expect(throws: CodexError.self) { try store.read(read) }
            #expect(error?.code == .corrupted && error?.key == key)
            #expect(error?.message.contains("Index \(index) of table samples") == true)
        }
    }

    @Test("A reference of another form is damage")
    func altered() async throws {
        try await put((0..<3).map { Self.piece($0) })
        for value: [UInt8] in [[], [0xE0], [0xE1, 1], [0xE0, 1, 0], [0xF0, 1], [0x20]] {
            for index in ["keys", "all.references"] {
                let before = try store.storedValues(index)
                try await store.replaceValues(index) { _ in value }
                let query = TableQuery(table: "samples", index: index, partition: ["a"])
                #expect(throws: CodexError(.corrupted, "")) { try store.count(query) }
                #expect(throws: CodexError(.corrupted, "")) { try store.items(matching: query) }
                try await store.replaceValues(index) { _ in before[0] }
            }
        }
        try store.expectSound()
    }
}
