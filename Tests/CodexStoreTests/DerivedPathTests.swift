import CodexCore
import CodexIndex
import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// Derived attributes in transactions, loads, migrations, other programs and followers.
@Suite("Derived attributes on the way")
struct DerivedPathTests {
    private typealias Order = DerivedOrder
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws { temporary = try TemporaryStore(schema: Order.schema) }

    private func item(_ id: String, _ store: Store? = nil) throws -> Item? {
        try (store ?? self.store).item(in: "samples", key: Order.key(id))
    }

    private func count(_ group: String, _ store: Store? = nil) throws -> Int {
        let query = TableQuery(table: "samples", index: "byGroup", partition: [.string(group)])
        return try (store ?? self.store).count(query).count
    }

    private func expectSound(_ store: Store? = nil) throws {
        let report = try (store ?? self.store).verify()
        #expect(report.isSound, "\(report.differences)")
    }

    private func put(_ item: Item) -> WriteAction { .put(table: "samples", item) }

    private func set(_ id: String, _ name: String, _ value: AttributeValue) -> WriteAction {
        .update(
            table: "samples", key: Order.key(id),
            Update([.set(DocumentPath(name), .operand(.value(value)))]))
    }

    // MARK: Transactions

    @Test("A list of actions computes them, tells of them, and is done once for its token")
    func actions() async throws {
        let list = [
            put(Order.item("1", ["site": "a", "group": "SITE#forged"])), set("2", "badge", "7"),
            set("2", "group", "SITE#forged"),
        ]
        await #expect(throws: CodexError(.duplicateTarget, "")) { try await store.perform(list) }
        let actions = Array(list.prefix(2))
        let news = try await store.write { transaction in
            var news: [Item?] = []
            _ = try transaction.perform(
                actions, idempotencyToken: "t", within: .dynamoDB, keepingItem: { _ in true }
            ) { _, effect in
                if case .written(_, let new) = effect { news.append(new) }
            }
            return news
        }
        #expect(news[0] == Order.item("1", ["site": "a", "group": "SITE#a", "value": 0]))
        #expect(news[1] == ["partition": "ORDER#2", "badge": "7", "unique": "BADGE#7"])
        #expect(try [item("1"), item("2")] == news)
        // The digest is that of the actions as they were given.
        #expect(try await store.perform(actions, idempotencyToken: "t") == false)
        let other = [put(Order.item("1", ["site": "a", "group": "SITE#a"])), actions[1]]
        await #expect(throws: CodexError(.idempotencyMismatch, "")) {
            try await store.perform(other, idempotencyToken: "t")
        }
        try expectSound()
    }

    @Test("An action whose attribute cannot be made has the reason, and nothing is done")
    func reasons() async throws {
        do {
            try await store.perform([
                put(Order.item("1", ["site": "a"])), put(Order.item("2", ["site": "a#b"])),
                set("3", "badge", ""),
            ])
            Issue.record("the list was done")
        } catch let error as CodexError {
            #expect(error.code == .transactionCancelled)
            #expect(
                error.reasons.map { $0?.code } == [nil, .invalidIdentifier, .invalidIdentifier])
        }
        #expect(try store.count(TableScan(table: "samples")).count == 0)
    }

    @Test("A unique index on one refuses equal values while the condition holds")
    func unique() async throws {
        try await store.put(Order(id: "1", badge: "7"))
        await #expect(throws: CodexError(.uniqueViolation, "")) {
            try await store.put(Order(id: "2", badge: "7"))
        }
        await #expect(throws: CodexError(.transactionCancelled, "")) {
            try await store.perform([set("2", "badge", "7")])
        }
        try await store.put(Order(id: "2", badge: "8"))
        // Two items exchange their values in one list.
        try await store.perform([set("1", "badge", "8"), set("2", "badge", "7")])
        #expect(try item("1")?["unique"] == "BADGE#8")
        #expect(try item("2")?["unique"] == "BADGE#7")
        // The value is free once the condition holds no more, and taken when it holds again.
        try await store.perform([set("2", "status", "done")])
        try await store.put(Order(id: "3", badge: "7"))
        await #expect(throws: CodexError(.uniqueViolation, "")) {
            try await store.update(
                in: "samples", key: Order.key("2"),
                Update().setting(Attribute<String>("status"), to: "open"))
        }
        try expectSound()
    }

    @Test("A body that throws leaves the attributes and entries from before")
    func undone() async throws {
        struct Abandon: Error {}
        try await store.put(Order(id: "1", site: "a"))
        let before = try item("1")
        await #expect(throws: Abandon.self) {
            try await store.write { transaction in
                _ = try transaction.update(Order.lookup("1")) { $0.site = "b" }
                try transaction.put(Order(id: "2", site: "b"))
                throw Abandon()
            }
        }
        #expect(try item("1") == before)
        #expect(try [count("SITE#a"), count("SITE#b")] == [1, 0])
        try expectSound()
    }

    @Test("A change in the stream has them in its images")
    func changes() async throws {
        try await store.put(Order(id: "1", site: "a"))
        try await store.perform([set("1", "status", "held")])
        let changes = try store.retainedChanges(after: .trimHorizon)
        #expect(try changes.map { try $0.newImage?["group"] } == ["SITE#a", nil])
        #expect(try changes.last?.oldImage?["group"] == "SITE#a")
    }

    // MARK: Many items

    @Test("A load computes them, also into an empty table, whose indexes are built at its end")
    func load() async throws {
        for round in 0..<2 {
            var numbers = Array(0..<100)
            let loaded = try await store.load(into: "samples", batchCount: 30) {
                numbers.popLast().map { number in
                    Order.item(
                        "\(number)",
                        [
                            "site": .string("s\(round)"), "group": "forged",
                            "badge": .string("\(number)"),
                            "status": number % 2 == 0 ? "open" : "held",
                        ])
                }
            }
            #expect(loaded == 100)
            #expect(try count("SITE#s\(round)") == 50)
            #expect(try count("forged") == 0)
            #expect(try item("7")?["unique"] == "BADGE#7")
            try expectSound()
        }
        await #expect(throws: CodexError(.invalidIdentifier, "")) {
            var items = [Order.item("x", ["site": "#"])]
            try await store.load(into: "samples") { items.popLast() }
        }
    }

    struct OrderV1: Codable, Entity {
        static let definition = EntityDefinition(
            "order", table: "samples", keys: ["partition": "ORDER#{id}"])
        var id: String
        var site: String
        var status: String
        var group: String?
    }

    struct OrderV2: Codable, Entity {
        static let definition = EntityDefinition(
            "order", table: "samples", schemaVersion: 2, keys: ["partition": "ORDER#{id}"],
            derived: [
                "group": .template("SITE#{site}", when: Attribute<String>("status") == "open")
            ])
        var id: String
        var site: String
        var status: String
    }

    @Test("A migration computes them; until then verify accepts the items of the earlier version")
    func migration() async throws {
        let table = SampleTable.definition(
            indexes: [IndexDefinition("byGroup", partitionKey: [KeyAttribute("group")])])
        let temporary = try TemporaryStore(schema: Schema(tables: [table]).adding(OrderV1.self))
        for number in 0..<10 {
            let status = number < 6 ? "open" : "held"
            try await temporary.store.put(
                OrderV1(id: "\(number)", site: "a", status: status, group: "old"))
        }
        try await temporary.store.put(OrderV1(id: "x", site: "a#b", status: "open"))
        temporary.store.close()

        let store = try Store(
            at: temporary.path, schema: Schema(tables: [table]).adding(OrderV2.self))
        defer { store.close() }
        #expect(try count("SITE#a", store) == 0)
        #expect(try count("old", store) == 10)
        try expectSound(store)
        // An untyped update of an item of the earlier version computes it, too.
        try await store.update(
            in: "samples", key: Order.key("0"), Update().setting(Attribute<Int>("n"), to: 1))
        #expect(try count("SITE#a", store) == 1)
        try expectSound(store)

        let report = try await store.migrate(OrderV2.self, batchCount: 4)
        #expect(report.migratedCount == 10)
        #expect(report.failures.map(\.error.code) == [.invalidIdentifier])
        #expect(try count("SITE#a", store) == 6)
        #expect(try count("old", store) == 0)
        #expect(try item("7", store)?["group"] == nil)
        try expectSound(store)
    }

    // MARK: Other programs

    @Test("A program without the Swift type computes them by the manifest")
    func otherProgram() async throws {
        try await store.put(Order(id: "1", site: "a"))
        store.close()
        let table = TableDefinition("samples", partitionKey: KeyAttribute("partition"))
        let other = try Store(at: temporary.path, schema: Schema(tables: [table]))
        defer { other.close() }
        #expect(
            other.schema.entities.first { $0.name == "order" }?.derived == Order.derived)
        try await other.update(
            in: "samples", key: Order.key("1"),
            Update().setting(Attribute<String>("site"), to: "b"))
        #expect(try item("1", other)?["group"] == "SITE#b")
        let new = try await other.put(
            Order.item("2", ["site": "b", "badge": "7"]), in: "samples", returning: .allNew)
        #expect(new?["unique"] == "BADGE#7")
        #expect(try count("SITE#b", other) == 2)
        await #expect(throws: CodexError(.uniqueViolation, "")) {
            try await other.put(Order.item("3", ["badge": "7"]), in: "samples")
        }
        try expectSound(other)
    }

    @Test("A follower takes them from the leader's images")
    func follower() async throws {
        try await store.put(Order(id: "1", site: "a"))
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await store.backup(to: directory + "/backup")
        try await Store.restore(
            directory + "/backup", at: directory + "/follower", asFollower: true)
        let follower = try Store(at: directory + "/follower")
        defer { follower.close() }
        #expect(try count("SITE#a", follower) == 1)
        try await store.perform([set("1", "site", "b"), put(Order.item("2", ["site": "b"]))])
        try await store.perform([set("2", "status", "held")])
        let last = try store.stats().sequence
        let leader = store
        try await withThrowingTaskGroup(of: Void.self) { group in
            let start = try #require(try follower.followerState()).sequence
            group.addTask { try await follower.follow(leader.replicationStream(after: start)) }
            group.addTask {
                while true {
                    let (position, id) = try follower.core.appliedState()
                    if position.sequence >= last { return }
                    try await follower.core.commits.wait(after: id)
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
        for id in ["1", "2"] { #expect(try item(id, follower) == item(id)) }
        #expect(try [count("SITE#a", follower), count("SITE#b", follower)] == [0, 1])
        try expectSound(follower)
    }

    // MARK: Damage

    /// Stores an item as it is, as no write path does.
    private func plant(_ item: Item) async throws {
        try await store.write { transaction in
            let context = transaction.context
            let table = try context.catalog.table("samples")
            var key: [UInt8] = []
            try table.plan.encode(try table.plan.definition.primaryKey(of: item), into: &key)
            let old = try #require(try context.image(table, key))
            let change = Change(
                table: table, key: key, old: old, new: Image(item: item, header: old.header))
            let stored = try context.items.apply([change], isUndo: true)
            context.noteItem(change, stored[0])
        }
    }

    @Test("verify finds attributes that are missing, stale or forged, and a write corrects them")
    func damage() async throws {
        try await store.put(Order(id: "1", site: "a", parts: ["x"], due: 5))
        try await store.put(Order(id: "2", site: "a"))
        try expectSound()
        let sound = try #require(try item("1"))
        let damages: [(name: String, value: AttributeValue?)] = [
            ("group", nil), ("group", "SITE#b"), ("value", 2), ("first", nil), ("late", false),
            ("unique", "BADGE#1"), ("expires", 4_000_000_000),
        ]
        for (name, value) in damages {
            var item = sound
            item[name] = value
            try await plant(item)
            let differences = try store.verify().differences.filter { $0.kind != .wrongExpiry }
            #expect(differences.map(\.kind) == [.wrongDerivedAttribute], "\(name)")
            #expect(differences.map(\.attribute) == [name])
            #expect(differences.map(\.key) == [Order.key("1")])
            #expect(
                differences.map(\.description)
                    == ["wrongDerivedAttribute in samples, attribute \(name)"])
            try await store.update(
                in: "samples", key: Order.key("1"),
                Update().setting(Attribute<String>("status"), to: "open"))
            #expect(try self.item("1") == sound)
            try expectSound()
        }
        // A value from which the attribute cannot be made is a difference, too.
        var item = sound
        item["site"] = "a#b"
        try await plant(item)
        #expect(try store.verify().differences.map(\.attribute) == ["group"])
    }
}
