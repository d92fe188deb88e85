import Codex
import CodexTesting
import Foundation
import Testing

@testable import FieldService

@Suite("The model")
struct ModelTests {
    @Test("It has at most 80 lines, and no key that is written by hand")
    func size() throws {
        let file = Program.package.appendingPathComponent("Sources/FieldService/Model.swift")
        let text = try String(contentsOf: file, encoding: .utf8)
        #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count - 1 <= 80)
        for word in ["PrimaryKey", "partition:", "KeyTemplate", "padded"] {
            #expect(!text.contains(word), "\(word)")
        }
    }

    @Test("The comparison counts the lines that it shows")
    func comparison() throws {
        let file = Program.package.appendingPathComponent("../../Docs/Comparison.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let counts = ["swift", "ts"].map { language in
            let listing = text.components(separatedBy: "```\(language)\n").dropFirst().first ?? ""
            return listing.components(separatedBy: "\n```").first?.split(
                separator: "\n", omittingEmptySubsequences: false
            ).count ?? 0
        }
        #expect(text.contains("| lines of the model | 80 | \(counts[0]) | \(counts[1]) |"))
    }

    @Test("A customer is found by the e-mail address, which no other customer may have")
    func customers() async throws {
        let temporary = try await TemporaryStore.service()
        let store = temporary.store
        #expect(try store.get(Customer.with(email: "ada@example.com")) == ServiceWorld.customer)
        #expect(try store.get(Customer.with(email: "Ada@example.com")) == nil)
        let other = Customer(id: "c2", name: "Other", email: "ada@example.com")
        await #expect(throws: CodexError(.uniqueViolation, "")) { try await store.insert(other) }
    }

    @Test("The sites of a customer are those, and not the customer itself")
    func sites() async throws {
        let temporary = try await TemporaryStore.service()
        let store = temporary.store
        try await store.insert(Site(id: "s3", customer: "c2", address: "elsewhere"))
        #expect(try store.all(Site.all(of: "c1")) == ServiceWorld.sites)
        #expect(try store.count(Site.all(of: "c3")) == 0)
        #expect(throws: CodexError(.invalidKey, "")) {
            try store.get(Lookup<Site>(["id": "s1"]))
        }
        #expect(throws: CodexError(.invalidKey, "")) {
            try store.all(Query<Site>(["customerID": "c1"]))
        }
    }

    @Test("Technicians are found by each of their skills")
    func skills() async throws {
        let temporary = try await TemporaryStore.service()
        let store = temporary.store
        #expect(try store.all(Technician.with("pumps")).map(\.id) == ["t1", "t2"])
        #expect(try store.all(Technician.with("welding")).map(\.id) == ["t2"])
        try await store.update(Lookup<Technician>(["id": "t2"])) { $0.skills = ["roofs"] }
        #expect(try store.all(Technician.with("pumps")).map(\.id) == ["t1"])
        #expect(try store.all(Technician.with("roofs")).map(\.id) == ["t2"])
    }

    @Test("An order is in the open ones of its site until it is done, on each path of writing")
    func openOrders() async throws {
        let temporary = try await TemporaryStore.service()
        let store = temporary.store
        let orders = ["o1", "o2", "o3"].map { WorkOrder(id: $0, site: "s1", title: "Pump") }
        for order in orders { try await store.insert(order) }
        #expect(try store.all(WorkOrder.open(at: "s1")) == orders)
        // By the type, and by an untyped write that does not know it.
        try await store.update(Lookup<WorkOrder>(["id": "o1"])) { $0.status = .done }
        try await store.update(
            in: "service", key: PrimaryKey("ORDER#o2", "ORDER"),
            Update().setting(WorkOrder.status.attribute, to: .done))
        #expect(try store.all(WorkOrder.open(at: "s1")).map(\.id) == ["o3"])
        try await store.update(Lookup<WorkOrder>(["id": "o1"])) { $0.status = .open }
        #expect(try store.all(WorkOrder.open(at: "s1")).map(\.id) == ["o1", "o3"])
        #expect(try store.all(WorkOrder.open(at: "s2")).isEmpty)
        #expect(try store.verify().isSound)
    }

    @Test("Orders of a technician come by day, and overdue are those of earlier days")
    func days() async throws {
        let temporary = try await TemporaryStore.service()
        let store = temporary.store
        let monday = ServiceWorld.firstDay
        for (id, day) in [("a", 2), ("b", 0), ("c", 1), ("d", 4)] {
            try await store.insert(
                WorkOrder(
                    id: id, site: "s1", title: "Pump", status: .scheduled, assignee: "t1",
                    day: monday.adding(days: day)))
        }
        let days = monday...monday.adding(days: 2)
        #expect(try store.all(WorkOrder.all(of: "t1", in: days)).map(\.id) == ["b", "c", "a"])
        let tuesday = monday.adding(days: 1)
        let one = try store.all(WorkOrder.all(of: "t1", in: tuesday...tuesday))
        #expect(one.map(\.id) == ["c"])
        #expect(try store.count(WorkOrder.all(of: "t2", in: days)) == 0)
        #expect(try store.all(WorkOrder.overdue(on: monday)).isEmpty)
        #expect(try store.all(WorkOrder.overdue(on: tuesday)).map(\.id) == ["b"])
        try await store.update(Lookup<WorkOrder>(["id": "b"])) { $0.status = .done }
        #expect(try store.all(WorkOrder.overdue(on: tuesday)).isEmpty)
    }

    @Test("Visits of an order come by time, and are not the order itself")
    func visits() async throws {
        let temporary = try await TemporaryStore.service()
        let store = temporary.store
        try await store.insert(WorkOrder(id: "o1", site: "s1", title: "Pump"))
        let start = Date(timeIntervalSince1970: 1_772_442_000)
        let visits = [3600.0, 0, 1800].map {
            Visit(order: "o1", by: "t1", start: start.addingTimeInterval($0), minutes: 10)
        }
        for visit in visits { try await store.insert(visit) }
        #expect(try store.all(Visit.all(of: "o1")) == [visits[1], visits[2], visits[0]])
        #expect(try store.count(Visit.all(of: "o")) == 0)
    }

    @Test("The mistakes of a schema are errors when the store is opened")
    func mistakes() throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let indexes = [IndexDefinition("byMail", partitionKey: ["mail"], entities: ["customer"])]
        let table = TableDefinition(
            "service", partitionKey: "PK", sortKey: "SK", indexes: indexes)
        let schema = Schema(tables: [table], types: [Customer.self])
        // No type has the index's attribute.
        #expect(throws: CodexError(.invalidSchema, "")) {
            try Store(at: directory + "/store", schema: schema)
        }
        #expect(!FileManager.default.fileExists(atPath: directory + "/store"))
    }
}
