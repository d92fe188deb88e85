import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Derived attributes on each path of a write.
@Suite("Writes of derived attributes")
struct DerivedWriteTests {
    private typealias Order = DerivedOrder
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws { temporary = try TemporaryStore(schema: Order.schema) }

    private func item(_ id: String, _ store: Store? = nil) throws -> Item? {
        try (store ?? self.store).item(in: "samples", key: Order.key(id))
    }

    /// The number of entries under a value of `group`, and its total.
    private func counts(_ group: String, _ store: Store? = nil) throws -> [Int] {
        let store = store ?? self.store
        let query = TableQuery(table: "samples", index: "byGroup", partition: [.string(group)])
        let total = try store.total(of: "ofGroup", in: "samples", group: [.string(group)])
        return [try store.count(query).count, total.count]
    }

    private func version(of id: String) throws -> Int? {
        try store.read { try $0.view(in: "samples", key: Order.key(id)) { $0.version } }
    }

    private func expectSound(_ store: Store? = nil) throws {
        let report = try (store ?? self.store).verify()
        #expect(report.isSound, "\(report.differences)")
    }

    // MARK: Typed writes

    @Test("Typed inserts, puts, replaces, updates and deletes")
    func typed() throws {
        try store.write { try $0.insert(Order(id: "1", site: "a", parts: ["x", "y"], due: 5)) }
        var expected: Item = [
            "partition": "ORDER#1", "id": "1", "status": "open", "site": "a", "parts": ["x", "y"],
            "due": 5, "group": "SITE#a", "value": 2, "first": "x", "late": true,
        ]
        #expect(try item("1") == expected)
        #expect(try counts("SITE#a") == [1, 1])

        try store.write { transaction in
            _ = try transaction.update(Order.lookup("1")) { order in
                order.status = "held"
                order.parts = []
            }
        }
        expected["status"] = "held"
        expected["parts"] = []
        expected["value"] = 0
        for name in ["group", "first", "late"] { expected[name] = nil }
        #expect(try item("1") == expected)
        #expect(try counts("SITE#a") == [0, 0])

        var stored = try #require(try store.stored(Order.lookup("1")))
        stored.value.status = "open"
        stored.value.site = "b"
        let changed = stored
        try store.write { _ = try $0.replace(changed) }
        #expect(try counts("SITE#b") == [1, 1])
        try store.write { try $0.put(Order(id: "1", status: "done", badge: "7")) }
        #expect(try counts("SITE#b") == [0, 0])
        #expect(try item("1")?["unique"] == nil)
        try store.write { _ = try $0.delete(Order.lookup("1")) }
        #expect(try item("1") == nil)
        try expectSound()
    }

    @Test("A type that is written by hand need not write its derived attributes")
    func byHand() throws {
        let key = PrimaryKey("VISIT#1")
        try store.write { try $0.put(DerivedVisit(id: "1", site: "a", isOver: true)) }
        #expect(try store.item(in: "samples", key: key)?["group"] == "VISITED#a")
        try store.write { transaction in
            _ = try transaction.update(Lookup<DerivedVisit>(partition: "VISIT#1")) {
                $0.isOver = false
            }
        }
        #expect(try store.item(in: "samples", key: key)?["group"] == nil)
        #expect(try counts("VISITED#a") == [0, 0])
        try expectSound()
    }

    @Test("Attributes that the type does not know stay, and derived ones are not among them")
    func unknown() throws {
        try store.write { try $0.put(Order(id: "1", site: "a")) }
        _ = try store.write {
            try $0.update(
                in: "samples", key: Order.key("1"),
                Update().setting(Attribute<Int>("more"), to: 7)
                    .setting(Attribute<String>("status"), to: "held"))
        }
        let order = try #require(try item("1"))
        #expect(try Order.unknownAttributes(of: order) == ["more": 7])
        try store.write { transaction in
            _ = try transaction.update(Order.lookup("1")) { $0.status = "open" }
        }
        #expect(try item("1")?["more"] == 7)
        #expect(try item("1")?["group"] == "SITE#a")
        try store.write { try $0.put(DerivedVisit(id: "1", site: "a", isOver: true)) }
        let visit = try #require(try store.item(in: "samples", key: PrimaryKey("VISIT#1")))
        #expect(visit["group"] != nil)
        #expect(try DerivedVisit.unknownAttributes(of: visit).isEmpty)
    }

    // MARK: Untyped writes

    @Test("A put computes them, whatever the item says, and returns them")
    func put() async throws {
        let given = Order.item("1", ["site": "a", "group": "SITE#forged", "late": true])
        let new = try await store.put(given, in: "samples", returning: .allNew)
        #expect(new == Order.item("1", ["site": "a", "group": "SITE#a", "value": 0]))
        #expect(try item("1") == new)
        #expect(try counts("SITE#forged") == [0, 0])
        let closed = Order.item("1", ["status": "held", "group": "SITE#a"])
        #expect(try await store.put(closed, in: "samples", returning: .allOld) == new)
        #expect(try counts("SITE#a") == [0, 0])
        // A type reads what an untyped program wrote.
        #expect(try store.get(Order.lookup("1")) == Order(id: "1", status: "held"))
        try expectSound()
    }

    @Test("An update computes them from its outcome; one that sets them has no effect on them")
    func update() async throws {
        func update(_ update: Update, _ returning: ReturnValues = .allNew) async throws -> Item? {
            try await store.update(
                in: "samples", key: Order.key("1"), update, returning: returning)
        }
        let open = Update().setting(Attribute<String>("status"), to: "open")
            .setting(Attribute<String>("site"), to: "a")
        let made = try await update(open)
        #expect(made == ["partition": "ORDER#1", "status": "open", "site": "a", "group": "SITE#a"])
        #expect(try item("1") == made)
        #expect(try counts("SITE#a") == [1, 1])

        let group = Attribute<String>("group")
        #expect(try await update(Update().setting(group, to: "SITE#x")) == made)
        #expect(try await update(Update().removing(group)) == made)
        #expect(
            try await update(Update().setting(group, to: "SITE#x"), .updatedNew)
                == ["group": "SITE#a"])
        // Clauses and conditions read the value from before.
        let copy = Update([.set("copy", .operand(.path("group")))])
            .setting(Attribute<String>("site"), to: "b")
        #expect(try await update(copy, .updatedNew) == ["copy": "SITE#a", "site": "b"])
        try await store.update(
            in: "samples", key: Order.key("1"),
            Update().setting(Attribute<String>("status"), to: "held"), condition: group == "SITE#b")
        #expect(try item("1")?["group"] == nil)
        #expect(try counts("SITE#b") == [0, 0])
        #expect(try version(of: "1") == 6)
        try expectSound()
    }

    @Test("A raw item, which no entity has, keeps what it was given")
    func raw() async throws {
        let raw: Item = ["partition": "OTHER#1", "status": "open", "site": "a", "group": "SITE#x"]
        try await store.put(raw, in: "samples")
        try await store.update(
            in: "samples", key: PrimaryKey("OTHER#1"),
            Update().setting(Attribute<Int>("due"), to: 5))
        var expected = raw
        expected["due"] = 5
        #expect(try store.item(in: "samples", key: PrimaryKey("OTHER#1")) == expected)
        try expectSound()
    }

    @Test("A value that no key may contain refuses the write, and a delete is not refused")
    func refused() async throws {
        try await store.put(Order.item("1", ["site": "a"]), in: "samples")
        let before = try item("1")
        let bad = Order.item("1", ["site": "a#b"])
        await #expect(throws: CodexError(.invalidIdentifier, "")) {
            try await store.put(bad, in: "samples")
        }
        await #expect(throws: CodexError(.invalidIdentifier, "")) {
            try await store.update(
                in: "samples", key: Order.key("1"),
                Update().setting(Attribute<String>("site"), to: ""))
        }
        await #expect(throws: CodexError(.invalidIdentifier, "")) {
            try await store.put(Order(id: "1", site: "\n"))
        }
        #expect(try item("1") == before)
        // Where the condition does not hold, any value is allowed.
        try await store.put(Order.item("1", ["site": "a#b", "status": "held"]), in: "samples")
        try await store.delete(in: "samples", key: Order.key("1"))
        try expectSound()
    }

    @Test("The item's limit counts them, and limits of keys hold", arguments: [-1, 0, 1])
    func limits(difference: Int) throws {
        let empty = Order.expected(Order.item("1", ["parts": [""], "p": .binary([])])).byteCount
        // `parts` and `first` have the text once each.
        let length = (DynamoDBLimits.itemByteCountMax - empty) / 2 - 1
        let rest = DynamoDBLimits.itemByteCountMax + difference - empty - 2 * length
        let item = Order.item(
            "1",
            [
                "parts": [.string(String(repeating: "x", count: length))],
                "p": .binary([UInt8](repeating: 0, count: rest)),
            ])
        #expect(Order.expected(item).byteCount == DynamoDBLimits.itemByteCountMax + difference)
        if difference > 0 {
            #expect(throws: CodexError(.itemTooLarge, "")) {
                try store.write { _ = try $0.put(item, in: "samples") }
            }
        } else {
            try store.write { _ = try $0.put(item, in: "samples") }
            #expect(try self.item("1") == Order.expected(item))
        }
        let count = DynamoDBLimits.partitionKeyByteCountMax - "SITE#".utf8.count + difference
        let site = AttributeValue.string(String(repeating: "s", count: count))
        let keyed = Order.item("2", ["site": site])
        if difference > 0 {
            #expect(throws: CodexError(.keyTooLong, "")) {
                try store.write { _ = try $0.put(keyed, in: "samples") }
            }
        } else {
            try store.write { _ = try $0.put(keyed, in: "samples") }
        }
        try expectSound()
    }

    @Test("The time to live may be a derived attribute")
    func timeToLive() throws {
        try store.write { try $0.put(Order(id: "1", until: 4_000_000_000)) }
        let expiring = TableScan(table: "samples")
        #expect(try item("1")?["expires"] == nil)
        try store.write { transaction in
            _ = try transaction.update(Order.lookup("1")) { $0.status = "done" }
        }
        #expect(try item("1")?["expires"] == 4_000_000_000)
        #expect(try store.count(expiring).count == 1)
        // A second of the last years is over.
        let past = Int(Date().timeIntervalSince1970) - 60
        try store.write { transaction in
            _ = try transaction.update(Order.lookup("1")) { $0.until = past }
        }
        #expect(try item("1") == nil)
        #expect(try store.count(expiring).count == 0)
        try expectSound()
    }
}
