import Codex
import Foundation

let serviceTable = TableDefinition(
    "service", partitionKey: "PK", sortKey: "SK",
    indexes: [
        IndexDefinition("byEmail", partitionKey: ["email"], isUnique: true, entities: ["customer"]),
        IndexDefinition(
            "bySkill", partitionKey: ["skills"], entities: ["technician"], multiValued: "skills"),
        IndexDefinition("openBySite", partitionKey: ["openAt"], entities: ["order"]),
        IndexDefinition("overdue", partitionKey: ["open"], sortKey: ["day"], entities: ["order"]),
        IndexDefinition("byDay", partitionKey: ["assignee"], sortKey: ["day"], entities: ["order"]),
    ],
    counters: [CounterDefinition("bySite", group: ["site", "status"], entities: ["order"])])

struct Customer: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "customer", table: "service", keys: ["PK": "CUSTOMER#{id}", "SK": "CUSTOMER"])
    static let email = Field<Self, String>("email")
    static func with(email: String) -> Lookup<Self> { Lookup("byEmail", Self.email(email)) }
    var id: String
    var name: String
    var email: String
}

struct Site: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "site", table: "service", keys: ["PK": "CUSTOMER#{customer}", "SK": "SITE#{id}"])
    static let customer = Field<Self, String>("customer")
    static func all(of customer: String) -> Query<Self> { Query(Self.customer(customer)) }
    var id: String
    var customer: String
    var address: String
}

struct Technician: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "technician", table: "service", keys: ["PK": "TECHNICIAN#{id}", "SK": "TECHNICIAN"])
    static let skills = Field<Self, [String]>("skills")
    static func with(_ skill: String) -> Query<Self> { Query("bySkill", skills(containing: skill)) }
    var id: String
    var skills: [String]
}

struct WorkOrder: Codable, Entity, Equatable {
    enum Status: String, Codable, AttributeConvertible { case open, scheduled, done }
    static let definition = EntityDefinition(
        "order", table: "service", keys: ["PK": "ORDER#{id}", "SK": "ORDER"],
        derived: ["openAt": .copy(of: "site", when: isOpen), "open": .constant("Y", when: isOpen)])
    static let isOpen = status != .done
    static let site = Field<Self, String>("site")
    static let status = Field<Self, Status>("status")
    static let assignee = Field<Self, String>("assignee")
    static let day = Field<Self, CalendarDay>("day")
    static let counter = "bySite"
    static func open(at site: String) -> Query<Self> { Query("openBySite", Self.site(site)) }
    static func overdue(on today: CalendarDay) -> Query<Self> {
        Query("overdue", sort: day.before(today))
    }
    static func all(of technician: String, in days: ClosedRange<CalendarDay>) -> Query<Self> {
        Query("byDay", assignee(technician), sort: day.within(days))
    }
    var id: String
    var site: String
    var title: String
    var status = Status.open
    var assignee: String?
    var day: CalendarDay?
}

struct Visit: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "visit", table: "service", keys: ["PK": "ORDER#{order}", "SK": "VISIT#{start}#{by}"])
    static let order = Field<Self, String>("order")
    static func all(of order: String) -> Query<Self> { Query(Self.order(order)) }
    var order: String
    var by: String
    var start: Date
    var minutes: Int
}
