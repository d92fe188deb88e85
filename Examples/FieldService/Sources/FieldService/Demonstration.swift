import Codex
import Foundation

/// The eight questions, asked of a few orders.
enum Demonstration {
    /// Makes a store, and answers the questions.
    ///
    /// - Parameter path: A directory that does not exist.
    /// - Returns: A line for each answer.
    /// - Throws: The errors of the store and of the commands.
    static func answers(at path: String) async throws -> [String] {
        let store = try Store(at: path, schema: WorkOrder.schema)
        defer { store.close() }
        try await makeOrders(in: store)
        let (monday, tuesday) = (ServiceWorld.firstDay, ServiceWorld.firstDay.adding(days: 1))

        let customer = try store.get(Customer.with(email: "ada@example.com"))
        let sites = try store.all(Site.all(of: "c1"))
        let welders = try store.all(Technician.with("welding"))
        let open = try store.all(WorkOrder.open(at: "s1"))
        let planned = try store.all(WorkOrder.all(of: "t1", in: monday...tuesday))
        let overdue = try store.all(WorkOrder.overdue(on: tuesday))
        let visits = try store.all(Visit.all(of: "o1"))
        let counts = try Dispatch<WorkOrder>(store: store).counts(at: "s1")
        let counted = counts.map { "\($0.value) \($0.key.rawValue)" }.sorted()
        return [
            "ada@example.com: \(customer?.name ?? "no customer")",
            "sites of c1: \(list(sites.map(\.id)))",
            "can weld: \(list(welders.map(\.id)))",
            "open at s1: \(list(open.map(\.id)))",
            "t1 on Monday and Tuesday: \(list(planned.map(\.id)))",
            "overdue on Tuesday: \(list(overdue.map(\.id)))",
            "visits of o1: \(list(visits.map { "\($0.minutes) minutes by \($0.by)" }))",
            "orders at s1: \(list(counted))",
        ]
    }

    private static func list(_ texts: [String]) -> String { texts.joined(separator: ", ") }

    private static func makeOrders(in store: Store) async throws {
        let technicians = [
            Technician(id: "t1", skills: ["pumps"]),
            Technician(id: "t2", skills: ["pumps", "welding"]),
        ]
        try await ServiceWorld.make(in: store, technicians: technicians)
        let dispatch = Dispatch<WorkOrder>(store: store)
        let monday = ServiceWorld.firstDay
        for (id, title) in [("o1", "Pump"), ("o2", "Valve"), ("o3", "Boiler"), ("o4", "Filter")] {
            try await dispatch.create(id, at: ServiceWorld.sites[0], title: title)
        }
        try await dispatch.schedule("o1", for: "t1", on: monday)
        try await dispatch.schedule("o2", for: "t1", on: monday)
        try await dispatch.schedule("o3", for: "t1", on: monday.adding(days: 1))
        let start = Date(timeIntervalSince1970: 1_772_442_000)
        try await dispatch.complete("o1", by: "t1", from: start, minutes: 45)
    }
}
