import Codex

/// What the second release changes: a priority takes the place of a mark in the title.
///
/// The other types of the first release stay as they are.
enum Release2 {
    /// The table with one more index, of the urgent orders that are not done.
    static let table = TableDefinition(
        serviceTable.name, partitionKey: "PK", sortKey: "SK",
        indexes: serviceTable.indexes + [
            IndexDefinition("urgentBySite", partitionKey: ["urgentAt"], entities: ["order"])
        ],
        counters: serviceTable.counters)

    struct WorkOrder: Codable, Entity, Equatable {
        enum Priority: String, Codable, AttributeConvertible { case normal, urgent }
        static let definition = EntityDefinition(
            "order", table: "service", schemaVersion: 2, keys: FirstRelease.definition.keys,
            derived: FirstRelease.definition.derived.merging(
                ["urgentAt": .copy(of: "site", when: FirstRelease.isOpen && priority == .urgent)]
            ) { $1 })
        static let site = Field<Self, String>("site")
        static let priority = Field<Self, Priority>("priority")
        static func urgent(at site: String) -> Query<Self> {
            Query("urgentBySite", Self.site(site))
        }

        var id: String
        var site: String
        var title: String
        var status = FirstRelease.Status.open
        var assignee: String?
        var day: CalendarDay?
        var priority: Priority?
        var contact: String?

        /// The mark of the first release becomes the priority.
        static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
            let mark = FirstRelease.urgentMark
            guard version == 1, let title = item["title"]?.string, title.hasPrefix(mark) else {
                return
            }
            item["title"] = .string(String(title.dropFirst(mark.count)))
            item["priority"] = Priority.urgent.attributeValue
        }
    }
}

/// The first release's type, beside that of the second.
typealias FirstRelease = WorkOrder

extension Release2.WorkOrder: ServiceOrder {
    static let schema = Schema(
        tables: [Release2.table],
        types: [
            Customer.self, Site.self, Technician.self, Release2.WorkOrder.self, Visit.self,
        ])

    init(id: String, site: String, title: String, isUrgent: Bool) {
        self.init(id: id, site: site, title: title, priority: isUrgent ? .urgent : .normal)
    }

    static func urgentOrders(at site: String) -> Query<Self>? { urgent(at: site) }
}
