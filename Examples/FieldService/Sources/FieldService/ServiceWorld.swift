import Codex
import Foundation

/// The customer, the sites and the orders that the demonstration and the tests begin with.
enum ServiceWorld {
    static let customer = Customer(id: "c1", name: "Lovelace Mills", email: "ada@example.com")
    static let sites = [
        Site(id: "s1", customer: "c1", address: "1 Mill Lane"),
        Site(id: "s2", customer: "c1", address: "2 Mill Lane"),
    ]
    /// Monday, 2 March 2026.
    static let firstDay = CalendarDay(Date(timeIntervalSince1970: 1_772_409_600))

    /// The technician of the orders that several processes try to complete.
    static let sharedTechnician = "shared"
    static let sharedOrderCount = 60

    /// The order that several processes try to complete in a round.
    static func sharedOrder(_ round: Int) -> String { "shared-\(round % sharedOrderCount)" }

    /// Stores the customer, its sites and technicians.
    static func make(in store: Store, technicians: [Technician]) async throws {
        try await store.write { transaction in
            try transaction.insert(customer)
            for site in sites { try transaction.insert(site) }
            for technician in technicians { try transaction.insert(technician) }
        }
    }

    /// Stores what processes of the first release work with.
    static func makeShared(in store: Store, processes names: [String]) async throws {
        let technicians = (names + [sharedTechnician]).map { Technician(id: $0, skills: ["pumps"]) }
        try await make(in: store, technicians: technicians)
        let dispatch = Dispatch<WorkOrder>(store: store)
        for number in 0..<sharedOrderCount {
            let id = sharedOrder(number)
            try await dispatch.create(id, at: sites[number % sites.count], title: "Filter")
            let day = firstDay.adding(days: number / Dispatch<WorkOrder>.ordersPerDayMax)
            try await dispatch.schedule(id, for: sharedTechnician, on: day)
        }
    }
}
