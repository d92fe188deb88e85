import CodexCore
import CodexStore
import CodexTesting
import TestSupport
import Testing

/// Random writes of an entity with derived attributes, against a model that computes them naively.
@Suite("Derived attributes against a model")
struct DerivedModelTests {
    fileprivate final class Run {
        let temporary: TemporaryStore
        var store: Store { temporary.store }
        var random: SplitMix
        /// The items as they should be, by their identifiers.
        var items: [String: Item] = [:]
        var refusedCounts: [CodexError.Code: Int] = [:]

        init(seed: UInt64) throws {
            var options = StoreOptions()
            options.durability = .none
            temporary = try TemporaryStore(schema: DerivedOrder.schema, options: options)
            random = SplitMix(seed: seed)
        }
    }

    @Test("Each stored item has the attributes of the model, and verify finds nothing")
    func model() throws {
        let seed = UInt64.random(in: 0 ... .max)
        let run = try Run(seed: seed)
        for step in 0..<1500 {
            let comment: Comment = "seed \(seed), step \(step)"
            try run.step(comment)
            if step % 100 == 99 { try run.expectEqual(comment) }
        }
        // Each kind of refusal occurred, so the model was tested with it.
        #expect(run.refusedCounts.count == 2, "seed \(seed)")
    }
}

extension DerivedModelTests.Run {
    private func randomID() -> String { "\(random.below(12))" }

    private func text(_ prefix: String) -> String? {
        random.chance(20) ? nil : random.chance(4) ? "\(prefix)#" : "\(prefix)\(random.below(5))"
    }

    private func randomOrder(_ id: String) -> DerivedOrder {
        DerivedOrder(
            id: id, site: text("s"), status: random.pick(["open", "held", "done"]),
            badge: text("b"), parts: (0..<random.below(3)).map { "p\($0)" },
            due: random.chance(50) ? random.below(200) : nil,
            until: random.chance(50) ? 4_000_000_000 + random.below(9) : nil)
    }

    /// Attributes that a program sets, without and with derived ones.
    private func attributes() -> Item {
        var item = Item()
        if random.chance(50) { item["status"] = .string(random.pick(["open", "held", "done"])) }
        if random.chance(40) { item["site"] = text("s").map { .string($0) } }
        if random.chance(40) { item["badge"] = text("b").map { .string($0) } }
        let dues: [AttributeValue] = [5, 500, "soon"]
        if random.chance(30) { item["due"] = random.pick(dues) }
        let parts: [AttributeValue] = [["x", 1], [], .stringSet(["x", "y"]), 1]
        if random.chance(30) { item["parts"] = random.pick(parts) }
        let forged: [AttributeValue] = ["forged", 7]
        for name in DerivedOrder.derived.keys.sorted() where random.chance(15) {
            item[name] = random.pick(forged)
        }
        return item
    }

    private func randomUpdate() -> Update {
        var clauses: [Update.Clause] = attributes().elements.map { element in
            .set(DocumentPath(element.name), .operand(.value(element.value)))
        }
        for name in ["site", "badge", "parts", "group", "late"]
        where random.chance(15) && !clauses.contains(where: { $0.path.root == name }) {
            clauses.append(.remove(DocumentPath(name)))
        }
        return clauses.isEmpty ? Update([.remove("nothing")]) : Update(clauses)
    }

    /// Performs a random write on model and store, and compares the outcome.
    func step(_ comment: Comment) throws {
        let id = randomID()
        let key = DerivedOrder.key(id)
        let old = items[id]
        switch random.below(5) {
        case 0:
            let order = randomOrder(id)
            try expect(id, try naive(order), comment) { try $0.put(order) }
        case 1:
            let item = DerivedOrder.item(id, attributes())
            try expect(id, item, comment) { _ = try $0.put(item, in: "samples") }
        case 2:
            let update = randomUpdate()
            let new = try outcome(of: update, on: old, key)
            try expect(id, new, comment) {
                _ = try $0.update(in: "samples", key: key, update)
            }
        case 3:
            let (update, other) = (randomUpdate(), "\(id)x")
            let new = try outcome(of: update, on: old, key)
            let actions: [WriteAction] = [
                .update(table: "samples", key: key, update),
                .delete(table: "samples", key: DerivedOrder.key(other)),
            ]
            try expect(id, new, comment) { _ = try $0.perform(actions) }
        default:
            try expect(id, nil, comment) { _ = try $0.delete(in: "samples", key: key) }
        }
    }

    /// The item after an update; an update that only removes creates none.
    private func outcome(of update: Update, on old: Item?, _ key: PrimaryKey) throws -> Item? {
        if old == nil, update.onlyRemoves { return nil }
        return try update.apply(to: old ?? ["partition": key.partition])
    }

    /// The item of an order, as `Codable` makes it, without derived attributes.
    private func naive(_ order: DerivedOrder) throws -> Item {
        var item: Item = [
            "partition": .string("ORDER#\(order.id)"), "id": .string(order.id),
            "status": .string(order.status), "parts": order.parts.attributeValue,
        ]
        item["site"] = order.site.map { .string($0) }
        item["badge"] = order.badge.map { .string($0) }
        item["due"] = order.due.map { .number(Number($0)) }
        item["until"] = order.until.map { .number(Number($0)) }
        return item
    }

    /// The error with which the store must refuse an item; `nil` if it must not.
    private func refusal(_ id: String, _ item: Item) -> CodexError.Code? {
        for name in ["group", "unique"] {
            guard let text = item[name]?.string else { continue }
            if text.utf8.count(where: { $0 == UInt8(ascii: "#") }) > 1 { return .invalidIdentifier }
        }
        let unique = item["unique"]
        let isTaken = items.contains { $0.key != id && $0.value["unique"] == unique }
        return unique != nil && isTaken ? .uniqueViolation : nil
    }

    /// Writes an item to the store, and its expected form to the model, or expects a refusal.
    private func expect(
        _ id: String, _ new: Item?, _ comment: Comment,
        _ write: @escaping @Sendable (inout WriteTransaction) throws -> Void
    ) throws {
        let expected = new.map { DerivedOrder.expected($0) }
        if let expected, let code = refusal(id, expected) {
            refusedCounts[code, default: 0] += 1
            let error = #expect(throws: CodexError.self, comment) { try store.write(write) }
            let reasons = error?.reasons.compactMap { $0?.code } ?? []
            #expect(error?.code == code || reasons == [code], comment)
        } else {
            try store.write(write)
            items[id] = expected
        }
        let stored = try store.item(in: "samples", key: DerivedOrder.key(id))
        #expect(stored == items[id], comment)
    }

    /// Compares all items, the entries of an index and the groups of a counter with the model.
    func expectEqual(_ comment: Comment) throws {
        let report = try store.verify()
        #expect(report.isSound, "\(comment) \(report.differences.prefix(3))")
        #expect(report.itemCount == items.count, comment)
        let groups = Dictionary(grouping: items.values.filter { $0["group"] != nil }) {
            $0["group"] ?? .null
        }
        for (group, members) in groups {
            let query = TableQuery(table: "samples", index: "byGroup", partition: [group])
            let found = try store.items(matching: query).items
            #expect(Set(found) == Set(members), comment)
        }
        let totals = try store.totals(of: "ofGroup", in: "samples")
        #expect(totals.count == groups.count, comment)
        for total in totals {
            let members = groups[total.group[0]] ?? []
            #expect(total.count == members.count, comment)
            let sum = members.reduce(Int64(0)) { $0 + ($1["value"]?.number?.int64 ?? 0) }
            #expect(total.sums["value"] == Number(sum), comment)
        }
    }
}
