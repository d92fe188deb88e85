import Codex
import Foundation

/// A rule of the service that refused a command.
enum Refusal: Error, Equatable {
    case unknownSite
    case unknownTechnician
    case dayIsFull
    case alreadyDone
    case notScheduled
    case otherAssignee
}

/// What the commands need of a work order; each release of the program has its own type.
protocol ServiceOrder: Entity, Equatable {
    /// The schema of the release.
    static var schema: Schema { get }

    init(id: String, site: String, title: String, isUrgent: Bool)

    /// The urgent orders at a site that are not done; `nil` if the release cannot ask for them.
    static func urgentOrders(at site: String) -> Query<Self>?

    var id: String { get }
    var status: WorkOrder.Status { get set }
    var assignee: String? { get set }
    var day: CalendarDay? { get set }
}

extension WorkOrder: ServiceOrder {
    static let schema = Schema(
        tables: [serviceTable],
        types: [Customer.self, Site.self, Technician.self, WorkOrder.self, Visit.self])

    /// What dispatchers of the first release write before the title of an urgent order.
    static let urgentMark = "URGENT: "

    init(id: String, site: String, title: String, isUrgent: Bool) {
        self.init(id: id, site: site, title: isUrgent ? Self.urgentMark + title : title)
    }

    static func urgentOrders(at site: String) -> Query<Self>? { nil }
}

/// The commands of the service; each is one transaction, which is stored as a whole or not at all.
struct Dispatch<Order: ServiceOrder>: Sendable {
    /// The most orders of a technician in a day.
    static var ordersPerDayMax: Int { 6 }

    let store: Store

    /// Creates an order at a site of a customer.
    @discardableResult
    func create(
        _ id: String, at site: Site, title: String, isUrgent: Bool = false
    ) async throws -> Order {
        try await store.write { transaction -> Order in
            let lookup = Lookup<Site>(["customer": site.customer, "id": site.id])
            guard try transaction.get(lookup) != nil else { throw Refusal.unknownSite }
            let order = Order(id: id, site: site.id, title: title, isUrgent: isUrgent)
            try transaction.insert(order)
            return order
        }
    }

    /// Gives an order to a technician who has room on the day.
    @discardableResult
    func schedule(
        _ id: String, for technician: String, on day: CalendarDay
    ) async throws -> Order {
        try await store.write { transaction -> Order in
            guard try transaction.get(Lookup<Technician>(["id": technician])) != nil else {
                throw Refusal.unknownTechnician
            }
            // The transaction sees all commits and its own writes. No other write comes between.
            let planned = Query<Order>("byDay", ["assignee": technician, "day": day])
            guard try transaction.count(planned) < Self.ordersPerDayMax else {
                throw Refusal.dayIsFull
            }
            return try transaction.update(Lookup<Order>(["id": id])) { order in
                guard order.status != .done else { throw Refusal.alreadyDone }
                order.status = .scheduled
                order.assignee = technician
                order.day = day
            }
        }
    }

    /// Records a visit, and ends the order, if it is scheduled for the technician.
    @discardableResult
    func complete(
        _ id: String, by technician: String, from start: Date, minutes: Int
    ) async throws -> Order {
        try await store.write { transaction -> Order in
            // If the rules refuse the order, the visit is not stored either.
            try transaction.insert(Visit(order: id, by: technician, start: start, minutes: minutes))
            return try transaction.update(Lookup<Order>(["id": id])) { order in
                guard order.status == .scheduled else { throw Refusal.notScheduled }
                guard order.assignee == technician else { throw Refusal.otherAssignee }
                order.status = .done
            }
        }
    }

    /// The number of orders at a site by their status.
    func counts(at site: String) throws -> [WorkOrder.Status: Int] {
        let totals = try store.counts(
            of: Order.self, by: WorkOrder.counter, groupsBeginning: [.string(site)])
        var counts: [WorkOrder.Status: Int] = [:]
        for total in totals {
            guard let status = total.group.last.flatMap(WorkOrder.Status.init(attributeValue:))
            else { continue }
            counts[status] = total.count
        }
        return counts
    }
}
