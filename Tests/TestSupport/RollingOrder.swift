public import CodexCore

/// An entity of three releases of a program: orders of sites.
///
/// - Version 1 has an index by site.
/// - Version 2 adds a region, which is a part of the index key. It also adds an index of the open
///   orders of a site, whose key is derived.
/// - Version 3 renames `note` to `remark`, and leaves all keys as they are.
public enum RollingOrder {
    /// The table of all releases, with the indexes of one.
    public static func table(version: Int) -> TableDefinition {
        let indexes = [
            IndexDefinition("bySite", partitionKey: [KeyAttribute("site")]),
            IndexDefinition("byState", partitionKey: [KeyAttribute("state")]),
            IndexDefinition("openBySite", partitionKey: [KeyAttribute("openSite")]),
        ]
        return TableDefinition(
            "orders", partitionKey: KeyAttribute("PK"),
            indexes: Array(indexes.prefix(version == 1 ? 2 : 3)),
            counters: [
                CounterDefinition("perSite", group: [KeyAttribute("site")], entities: ["order"])
            ])
    }

    /// The schema of a release.
    public static func schema(version: Int) -> Schema {
        let schema = Schema(tables: [table(version: version)])
        return switch version {
        case 1: schema.adding(V1.self)
        case 2: schema.adding(V2.self)
        default: schema.adding(V3.self)
        }
    }

    private static let openSite = [
        "openSite": DerivedAttribute.template(
            "OPEN#{siteID}", when: Attribute<String>("state") == "open")
    ]

    /// The order of the first release.
    public struct V1: Codable, Entity, Equatable {
        public static let definition = EntityDefinition(
            "order", table: "orders", keys: ["PK": "ORDER#{id}", "site": "SITE#{siteID}"],
            fields: [
                .required("id", .string), .required("siteID", .string),
                .required("state", .string), .optional("note", .string),
            ])

        public var id: String
        public var siteID: String
        public var state: String
        public var note: String?

        public init(id: String, siteID: String = "s", state: String = "open", note: String? = nil) {
            (self.id, self.siteID, self.state, self.note) = (id, siteID, state, note)
        }
    }

    /// The order of the second release.
    public struct V2: Codable, Entity, Equatable {
        public static let definition = EntityDefinition(
            "order", table: "orders", schemaVersion: 2,
            keys: ["PK": "ORDER#{id}", "site": "SITE#{region}#{siteID}"], derived: openSite,
            fields: [
                .required("id", .string), .required("siteID", .string),
                .required("state", .string), .optional("note", .string),
                .required("region", .string),
            ])

        public var id: String
        public var siteID: String
        public var state: String
        public var note: String?
        public var region: String

        public init(id: String, siteID: String = "s", state: String = "open", region: String = "n")
        {
            (self.id, self.siteID, self.state, self.region) = (id, siteID, state, region)
        }

        public static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
            guard item["note"]?.string != "refuse" else {
                throw CodexError(.typeMismatch, "This note is not upgraded.")
            }
            item["region"] = "n"
        }
    }

    /// The order of the third release.
    public struct V3: Codable, Entity, Equatable {
        public static let definition = EntityDefinition(
            "order", table: "orders", schemaVersion: 3, keys: V2.definition.keys,
            derived: openSite,
            fields: [
                .required("id", .string), .required("siteID", .string),
                .required("state", .string), .optional("remark", .string),
                .required("region", .string),
            ])

        public var id: String
        public var siteID: String
        public var state: String
        public var remark: String?
        public var region: String

        public init(id: String, siteID: String = "s", state: String = "open", region: String = "n")
        {
            (self.id, self.siteID, self.state, self.region) = (id, siteID, state, region)
        }

        public static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
            if version == 1 {
                item["region"] = "n"
            } else {
                item["remark"] = item["note"]
                item["note"] = nil
            }
        }
    }

    /// The order with an identifier.
    public static func order<E: Entity>(_ id: String) -> Lookup<E> {
        Lookup(partition: .string("ORDER#\(id)"))
    }

    /// The orders of the site `s`, by the index key of a release.
    public static func bySite<E: Entity>(version: Int = 2) -> Query<E> {
        Query(partition: .string(version == 1 ? "SITE#s" : "SITE#n#s"), index: "bySite")
    }

    /// The orders with the state `open`.
    public static func byState<E: Entity>() -> Query<E> {
        Query(partition: "open", index: "byState")
    }

    /// The open orders of the site `s`.
    public static func openBySite<E: Entity>() -> Query<E> {
        Query(partition: "OPEN#s", index: "openBySite")
    }
}
