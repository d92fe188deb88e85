import CodexCore
import CodexIndex
import CodexTesting
import TestSupport
import Testing

@testable import CodexStore

/// Typed reads by indexes whose entries do not hold the whole item.
@Suite("Items of partial indexes")
struct ReferencedItemTests {
    struct Piece: Codable, Entity, Hashable {
        static let definition = EntityDefinition(
            "piece", table: "samples", keys: ["partition": "ROOM#{room}", "sort": "PIECE#{id}"])

        var room = "1"
        var id: Int
        var group = "g"
        var rank: Int
        var tag: [String]?
        var expires: Int?
        var content: String?

        var key: PrimaryKey {
            let sort = "PIECE#" + KeyTemplate.text(of: Number(id))
            return PrimaryKey(.string("ROOM#\(room)"), .string(sort))
        }
    }

    /// An entity whose entries lie between those of pieces.
    struct Remark: Codable, Entity, Hashable {
        static let definition = EntityDefinition(
            "remark", table: "samples", keys: ["partition": "ROOM#{room}", "sort": "REMARK#{id}"])

        var room = "1"
        var id: Int
        var group = "g"
        var rank: Int
    }

    private static let table = SampleTable.definition(
        sort: .string,
        indexes: [
            IndexDefinition(
                "keys", partitionKey: [KeyAttribute("group")],
                sortKey: [KeyAttribute("rank", .number)], projection: .keysOnly),
            IndexDefinition(
                "some", partitionKey: [KeyAttribute("group")],
                sortKey: [KeyAttribute("rank", .number)], projection: .include(["content"])),
            IndexDefinition(
                "tags", partitionKey: [KeyAttribute("group")], sortKey: [KeyAttribute("tag")],
                projection: .keysOnly, multiValued: "tag"),
        ], timeToLive: "expires")
    private static let indexes = ["keys", "some"]

    private let clock = ManualClock()
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        temporary = try TemporaryStore(
            schema: Schema(tables: [Self.table]).adding(Piece.self, Remark.self),
            options: ExpiryTests.options(clock))
    }

    private static func query(_ index: String, in group: String = "g") -> Query<Piece> {
        Query(partition: .string(group), index: index)
    }

    private func put(_ pieces: [Piece]) async throws {
        try await store.write { transaction in
            for piece in pieces { try transaction.put(piece) }
        }
    }

    /// The place of a piece in the indexes, which is not its place in the table.
    private static func rank(_ id: Int) -> Int { id * 37 % 200 }

    /// 200 pieces, with a remark beside every second one.
    private func fill() async throws -> [Int] {
        try await put((0..<200).map { Piece(id: $0, rank: Self.rank($0)) })
        try await store.write { transaction in
            for id in stride(from: 0, to: 200, by: 2) {
                try transaction.put(Remark(id: id, rank: Self.rank(id)))
            }
        }
        return (0..<200).sorted { Self.rank($0) < Self.rank($1) }
    }

    /// Text that compression makes little shorter.
    private static func filler(_ seed: UInt64, _ count: Int) -> String {
        var random = SplitMix(seed: seed)
        let letters = Array("0123456789abcdefghijklmnopqrst")
        return String((0..<count).map { _ in random.pick(letters) })
    }

    // MARK: Order

    @Test(
        "Items come in the order of the index, in pages of any size",
        arguments: indexes, [1, 2, 7, 8, 9, 63, 64, 65, 199, 200, 201])
    func pages(index: String, limit: Int) async throws {
        let order = try await fill()
        for isReversed in [false, true] {
            let query = isReversed ? Self.query(index).reversed : Self.query(index)
            let expected = isReversed ? Array(order.reversed()) : order
            var (ids, examinedCount): ([Int], Int) = ([], 0)
            var token: PageToken?
            repeat {
                let page = try store.query(query, limit: limit, after: token)
                #expect(page.items.count <= limit)
                #expect(page.items.allSatisfy { $0.rank == Self.rank($0.id) })
                ids += page.items.map(\.id)
                examinedCount += page.examinedCount
                token = page.next
            } while token != nil
            #expect(ids == expected)
            // The remarks count as examined, and each entry is examined once.
            #expect(examinedCount == 300)
            #expect(try store.all(query).map(\.id) == expected)
        }
        #expect(try store.count(Self.query(index)) == 200)
    }

    @Test("A filter sees the whole item, in pages of any size", arguments: [1, 9, 64, 65, 200])
    func filters(limit: Int) async throws {
        let order = try await fill()
        let query = Self.query("keys").filtered(by: Attribute<Int>("id") >= 150)
        let expected = order.filter { $0 >= 150 }
        #expect(try store.all(query).map(\.id) == expected)
        #expect(try store.count(query) == expected.count)
        var ids: [Int] = []
        var token: PageToken?
        repeat {
            let page = try store.query(query, limit: limit, after: token)
            ids += page.items.map(\.id)
            token = page.next
        } while token != nil
        #expect(ids == expected)
    }

    @Test("A view ends the walk at any item; a lookup finds the first item of an entry's key")
    func first() async throws {
        let order = try await fill()
        for stop in [1, 8, 9, 24, 25, 120] {
            var ids: [Int64] = []
            try store.read { snapshot in
                try snapshot.forEach(Self.query("keys")) { view in
                    if let id = try view.int64("id") { ids.append(id) }
                    return ids.count < stop
                }
            }
            #expect(ids == order.prefix(stop).map { Int64($0) })
        }
        for rank in [0, 1, 199] {
            let target = LookupTarget.index(
                "some", partition: ["g"], sort: [.number(Number(rank))])
            #expect(try store.get(Lookup<Piece>(target))?.id == order[rank])
        }
    }

    @Test("A walk in a walk of the same transaction, which sees its own writes")
    func nested() async throws {
        let order = try await fill()
        let (ids, nestedCount) = try await store.write { transaction -> ([Int64], Int) in
            try transaction.put(Piece(id: 500, rank: -1))
            let reader = transaction.reader
            var (ids, nestedCount): ([Int64], Int) = ([], 0)
            try transaction.forEach(Self.query("keys")) { view in
                if let id = try view.int64("id") { ids.append(id) }
                nestedCount += try reader.all(Self.query("some"), limit: 9).count
                return true
            }
            return (ids, nestedCount)
        }
        #expect(ids == [500] + order.map { Int64($0) })
        #expect(nestedCount == 201 * 9)
    }

    @Test("Keys of any length, of entries and of items")
    func longKeys() async throws {
        let group = String(repeating: "g", count: 700)
        let room = String(repeating: "r", count: 500)
        // An item has a key of 510 bytes at most, or of more.
        let pieces = (0..<150).map { id in
            Piece(room: id % 3 == 0 ? room : "1", id: id, group: group, rank: Self.rank(id))
        }
        try await put(pieces)
        let short = (0..<150).map { id in
            Piece(room: id % 2 == 0 ? room : "2", id: 150 + id, group: "s", rank: Self.rank(id))
        }
        try await put(short)
        for (pieces, group) in [(pieces, group), (short, "s")] {
            let expected = pieces.sorted { $0.rank < $1.rank }
            for index in Self.indexes {
                #expect(try store.all(Self.query(index, in: group)) == expected)
                let backward = Self.query(index, in: group).reversed
                #expect(try store.all(backward) == expected.reversed())
            }
        }
    }

    // MARK: Repeated and large items

    @Test("An item with several entries comes once for each, also a large one")
    func repeated() async throws {
        let tags = ["a", "b", "c", "d", "e"]
        let pieces = (0..<60).map { id in
            Piece(
                id: id, rank: id, tag: id % 7 == 3 ? [] : tags.reversed(),
                content: id % 10 == 0 ? Self.filler(UInt64(id), 40_000) : nil)
        }
        try await put(pieces)
        // Large items whose entries are neighbours.
        let alone = Piece(
            id: 100, group: "alone", rank: 0, tag: (0..<150).map { "tag\($0)" },
            content: Self.filler(100, 40_000))
        try await put([alone])
        let expected = tags.flatMap { _ in pieces.filter { $0.id % 7 != 3 } }
        #expect(expected.count > 4 * 50)
        #expect(try store.all(Self.query("tags")) == expected)
        let neighbours = try store.all(Self.query("tags", in: "alone"))
        #expect(neighbours == Array(repeating: alone, count: 150))
        let page = try store.query(Self.query("tags", in: "alone"), limit: 70)
        #expect(page.items.count == 70 && page.next != nil)
    }

    @Test("A walk ends before a large item, at the size that is asked for")
    func byteLimit() async throws {
        for large in [false, true] {
            try await store.deleteAll(of: Piece.self)
            var pieces = (0..<20).map { Piece(id: $0, rank: $0) }
            pieces[11].content = Self.filler(11, large ? 40_000 : 3000)
            try await put(pieces)
            try store.read { snapshot in
                let key = pieces[11].key
                let byteCount =
                    try snapshot.view(in: "samples", key: key) { view in
                        view.withStoredBytes { $0.count }
                    } ?? 0
                #expect(byteCount > (large ? 16_384 : 1000))
                for (limit, count) in [
                    (byteCount - 1, 11), (byteCount, 11), (byteCount + 1, 20), (.max, 20),
                ] {
                    let run = try QueryRun(
                        Self.query("keys").request, snapshot.reader, wanting: .whole)
                    var (found, isCut) = (0, false)
                    try unsafe run.scan(
                        run.range, before: limit, orEnd: { isCut = true },
                        passingOver: { _ in true }
                    ) { _, _ in
                        found += 1
                        return true
                    }
                    #expect(found == count && isCut == (count == 11))
                }
            }
        }
    }

    // MARK: Expiry

    @Test("Expired items are passed over, and the chunks of large ones are not read")
    func expired() async throws {
        let pieces = (0..<100).map { id in
            Piece(
                id: id, rank: Self.rank(id),
                expires: id % 3 == 0 ? ExpiryTests.start + 10 : nil,
                content: id % 6 == 0 ? Self.filler(UInt64(id), 40_000) : nil)
        }
        try await put(pieces)
        let all = pieces.sorted { $0.rank < $1.rank }
        let living = all.filter { $0.expires == nil }
        for index in Self.indexes { #expect(try store.all(Self.query(index)) == all) }
        clock.advance(by: 10)
        let cutCount = try await store.write { transaction in
            let context = transaction.context
            let table = try context.catalog.table("samples")
            var count = 0
            for piece in pieces where piece.expires != nil && piece.content != nil {
                var key: [UInt8] = []
                try table.plan.encode(piece.key, into: &key)
                guard let value = unsafe try context.transaction.get(table.tree, key),
                    let large = unsafe try LargeValue(value),
                    try context.transaction.delete(
                        context.catalog.overflow.chunks, LargeValue.key(large.id, 1))
                else { continue }
                count += 1
            }
            context.noteChange()
            return count
        }
        #expect(cutCount == 17)
        for index in Self.indexes {
            #expect(try store.all(Self.query(index)) == living)
            #expect(try store.all(Self.query(index).reversed) == living.reversed())
            #expect(try store.count(Self.query(index)) == living.count)
            let page = try store.query(Self.query(index), limit: 20)
            #expect(page.items == Array(living.prefix(20)))
        }
    }

    // MARK: Damage

    /// Removes items behind the store; their entries stay.
    private func lose(_ pieces: [Piece]) async throws {
        try await store.write { transaction in
            let context = transaction.context
            let table = try context.catalog.table("samples")
            for piece in pieces {
                var key: [UInt8] = []
                try table.plan.encode(piece.key, into: &key)
                try context.transaction.delete(table.tree, key)
            }
            context.noteChange()
        }
    }

    private func expectLoss(_ error: CodexError, of piece: Piece, by index: String) {
        #expect(error.code == .corrupted && error.key == piece.key && error.entity == "piece")
        #expect(error.message.contains("Index \(index) of table samples"))
        #expect(!error.description.contains("ROOM#1") && !error.description.contains("PIECE#"))
    }

    @Test("An entry without its item is damage, and names the index", arguments: indexes)
    func lost(index: String) async throws {
        let pieces = (0..<100).map { Piece(id: $0, rank: Self.rank($0)) }
        try await put(pieces)
        let order = pieces.sorted { $0.rank < $1.rank }
        let missing = [order[0], order[9], order[70], order[99]]
        try await lose(missing)
        let query = Self.query(index)
        let error = try #require(throws: CodexError.self) { try store.all(query) }
        expectLoss(error, of: order[0], by: index)
        #expect(error.itemIndex == 0)
        var errors: [CodexError] = []
        let found = try store.all(query) { errors.append($0) }
        #expect(found == order.filter { !missing.contains($0) })
        #expect(errors.map(\.itemIndex) == [0, 9, 70, 99])
        for (error, piece) in zip(errors, missing) { expectLoss(error, of: piece, by: index) }
        // They do not count for the limit of a page.
        let backward = order.reversed().filter { !missing.contains($0) }
        let page = try store.query(query.reversed, limit: 29) { _ in }
        #expect(page.items == Array(backward.prefix(29)))
        let target = LookupTarget.index(
            index, partition: ["g"], sort: [.number(Number(order[9].rank))])
        let lookup = try #require(throws: CodexError.self) {
            try store.get(Lookup<Piece>(target))
        }
        expectLoss(lookup, of: order[9], by: index)
        // A count reads no item; `verify()` lists them.
        #expect(try store.count(query) == 100)
        let dangling = try store.verify().differences.filter {
            $0.kind == .danglingEntry && $0.index == index
        }
        #expect(Set(dangling.compactMap(\.key)) == Set(missing.map(\.key)))
    }

    @Test("Bulk calls pass an entry without its item over; a deletion by the index is refused")
    func lostInBulk() async throws {
        let pieces = (0..<100).map { Piece(id: $0, rank: $0) }
        try await put(pieces)
        try await lose([pieces[50]])
        let query = Self.query("keys")
        for filtered in [query, query.filtered(by: Attribute<Int>("id") >= 0)] {
            let report = try await store.updateAll(filtered, batchCount: 7) { $0.content = "x" }
            #expect(report.updatedCount == 99 && report.failureCount == 0)
            let error = await #expect(throws: CodexError.self) {
                try await store.deleteItems(matching: filtered.request)
            }
            #expect(error?.code == .corrupted)
            #expect(error?.message.contains("Index keys of table samples") == true)
        }
        // The deletion was undone.
        #expect(try store.count(of: Piece.self) == 99)
        #expect(try await store.deleteAll(query) == 99)
    }
}
