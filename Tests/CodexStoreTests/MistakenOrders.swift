import CodexCore
import Foundation

/// The ways to write an entity's type.
///
/// Another way needs a case here, and a type in ``OrderVariant/type(_:)``.
enum EntityWay: String, Sendable {
    /// `Codable` alone.
    case codable
    /// Declared fields, and conversions by hand.
    case byHand
    /// The macro `@Entity`, which needs the trait `Macros`.
    case byMacro
}

extension EntityWay: CaseIterable {
    /// The ways that the traits allow.
    static var allCases: [EntityWay] {
        #if Macros
            return [.codable, .byHand, .byMacro]
        #else
            return [.codable, .byHand]
        #endif
    }
}

/// An order of a site, in any way.
protocol SampleOrder: Entity {
    init(number: Int)
}

/// A definition of orders, which may have a mistake.
protocol OrderVariant: Sendable {
    /// The type of the order's time to live.
    associatedtype Expiry: Codable & AttributeConvertible = EpochSeconds

    static var keys: [String: KeyTemplate] { get }
    static var derived: [String: DerivedAttribute] { get }
    static var sealed: [String] { get }
    static var fields: [FieldDefinition] { get }
    /// Whether the `Codable` type declares its fields, too.
    static var isDeclared: Bool { get }
    /// The time to live of each order.
    static var expiry: Expiry? { get }
}

extension OrderVariant {
    static var keys: [String: KeyTemplate] { OrderVariants.keys }
    static var derived: [String: DerivedAttribute] { [:] }
    static var sealed: [String] { [] }
    static var fields: [FieldDefinition] { OrderVariants.fields() }
    static var isDeclared: Bool { false }
    static var expiry: Expiry? { nil }

    static func type(_ way: EntityWay) -> any SampleOrder.Type {
        switch way {
        case .codable: CodableOrder<Self>.self
        case .byHand: HandOrder<Self>.self
        case .byMacro: MacroOrders.type(Self.self)
        }
    }

    fileprivate static func definition(_ fields: [FieldDefinition]) -> EntityDefinition {
        EntityDefinition(
            "order", table: "main", keys: keys, derived: derived, fields: fields, sealed: sealed)
    }
}

struct CodableOrder<Variant: OrderVariant>: Codable, SampleOrder {
    static var definition: EntityDefinition {
        Variant.definition(Variant.isDeclared ? Variant.fields : [])
    }

    var siteID = OrderVariants.site
    var number: Int
    var status = "open"
    var region: String? = "north"
    var labels = ["a", "b"]
    var total: Decimal? = Decimal(string: "12.50")
    var expires = Variant.expiry

    init(number: Int) { self.number = number }
}

struct HandOrder<Variant: OrderVariant>: SampleOrder {
    static var definition: EntityDefinition { Variant.definition(Variant.fields) }

    private enum Field: Int, EntityField {
        case siteID, number, status, region, labels, total, expires

        var definition: FieldDefinition { OrderVariants.fields()[rawValue] }
    }

    var siteID = OrderVariants.site
    var number: Int
    var status = "open"
    var region: String? = "north"
    var labels = ["a", "b"]
    var total: Decimal? = Decimal(string: "12.50")
    var expires = Variant.expiry

    init(number: Int) { self.number = number }

    func item() throws(CodexError) -> Item {
        var item: Item = [
            "siteID": siteID.attributeValue, "number": number.attributeValue,
            "status": .string(status), "labels": labels.attributeValue,
        ]
        item["region"] = region?.attributeValue
        item["total"] = total?.attributeValue
        item["expires"] = expires?.attributeValue
        for (name, template) in Variant.keys {
            item[name] = try template.render(item).map { .string($0) }
        }
        return item
    }

    init(reading reader: borrowing FieldReader) throws(CodexError) {
        siteID = try reader.value(Field.siteID)
        number = try reader.value(Field.number)
        status = try reader.string(Field.status)
        region = try reader.optionalString(Field.region)
        labels = try reader.list(Field.labels)
        total = try reader.optional(Field.total)
        expires = try reader.optional(Field.expires)
    }
}

/// Definitions of orders; the name is what is special about each.
enum OrderVariants {
    static let site = UUID(uuidString: "6F9619FF-8B86-D011-B42D-00C04FC964FF") ?? UUID()
    static let keys: [String: KeyTemplate] = [
        "PK": "SITE#{siteID}", "SK": "ORDER#{number}", "regionKey": "REGION#{region}",
    ]

    static func fields(
        statuses: [String] = ["done", "held", "open"], region: String = "region",
        expires: AttributeType = .number
    ) -> [FieldDefinition] {
        [
            .required("siteID", .string), .required("number", .number),
            .required("status", .string, cases: statuses), .optional(region, .string),
            .required("labels", .list), .optional("total", .number),
            .optional("expires", expires),
        ]
    }

    enum Plain: OrderVariant {}
    enum Declared: OrderVariant {
        static var isDeclared: Bool { true }
    }
    enum WrongTableKey: OrderVariant {
        static var keys: [String: KeyTemplate] { ["PK": "SITE#{siteId}", "SK": "ORDER#{number}"] }
    }
    enum WrongIndexKey: OrderVariant {
        static var keys: [String: KeyTemplate] {
            OrderVariants.keys.merging(["regionKey": "REGION#{Region}"]) { $1 }
        }
    }
    enum ReplacedField: OrderVariant {
        static var keys: [String: KeyTemplate] {
            OrderVariants.keys.merging(["status": "STATUS#{region}"]) { $1 }
        }
    }
    enum WrongDerived: OrderVariant {
        static var derived: [String: DerivedAttribute] { ["open": .template("OPEN#{sitID}")] }
    }
    enum WrongCopy: OrderVariant {
        static var derived: [String: DerivedAttribute] { ["copy": .copy(of: "Total")] }
    }
    enum WrongSize: OrderVariant {
        static var derived: [String: DerivedAttribute] { ["count": .size(of: "lables")] }
    }
    enum WrongCondition: OrderVariant {
        static var derived: [String: DerivedAttribute] {
            ["open": .template("OPEN#{siteID}", when: Attribute<String>("state") == "open")]
        }
    }
    enum DerivedOfDerived: OrderVariant {
        static var derived: [String: DerivedAttribute] {
            ["first": .copy(of: "region"), "second": .copy(of: "first")]
        }
    }
    enum DerivedField: OrderVariant {
        static var derived: [String: DerivedAttribute] { ["region": .size(of: "labels")] }
    }
    enum DerivedKey: OrderVariant {
        static var derived: [String: DerivedAttribute] { ["PK": .template("SITE#{siteID}")] }
    }
    enum Derived: OrderVariant {
        static var derived: [String: DerivedAttribute] { ["open": .template("OPEN#{siteID}")] }
    }
    enum ConditionalDerived: OrderVariant {
        static var derived: [String: DerivedAttribute] {
            ["open": .template("OPEN#{siteID}", when: Attribute<String>("status") == "open")]
        }
    }
    enum OtherIndexKey: OrderVariant {
        static var keys: [String: KeyTemplate] {
            OrderVariants.keys.merging(["regionKey": "AREA#{region}"]) { $1 }
        }
    }
    enum WrongSeal: OrderVariant {
        static var sealed: [String] { ["Total"] }
    }
    enum Dated: OrderVariant {
        static var expiry: Date? { Date(timeIntervalSince1970: 4_000_000_000) }
    }
    enum Timed: OrderVariant {
        static var expiry: EpochSeconds? { EpochSeconds(seconds: 4_000_000_000) }
    }
    enum DeclaredDated: OrderVariant {
        static var expiry: Date? { Date(timeIntervalSince1970: 4_000_000_000) }
        static var fields: [FieldDefinition] { OrderVariants.fields(expires: .string) }
        static var isDeclared: Bool { true }
    }
    enum FewerStatuses: OrderVariant {
        static var fields: [FieldDefinition] { OrderVariants.fields(statuses: ["held", "open"]) }
        static var isDeclared: Bool { true }
    }
    enum RenamedStatus: OrderVariant {
        static var fields: [FieldDefinition] {
            OrderVariants.fields(statuses: ["done", "open", "paused"])
        }
        static var isDeclared: Bool { true }
    }
    enum RenamedRegion: OrderVariant {
        static var keys: [String: KeyTemplate] {
            ["PK": "SITE#{siteID}", "SK": "ORDER#{number}", "regionKey": "ALL"]
        }
        static var fields: [FieldDefinition] { OrderVariants.fields(region: "area") }
        static var isDeclared: Bool { true }
    }
    enum UnusedRegion: OrderVariant {
        static var keys: [String: KeyTemplate] { RenamedRegion.keys }
        static var isDeclared: Bool { true }
    }
}

/// An entity whose keys are those of orders, too.
struct Clash: Codable, Entity {
    static let definition = EntityDefinition(
        "clash", table: "main", keys: ["PK": "SITE#{name}", "SK": "ORDER#{name}"])
    var name: String
}

/// An entity beside the orders.
struct Visit: Codable, Entity {
    static let definition = EntityDefinition(
        "visit", table: "main", keys: ["PK": "SITE#{siteID}", "SK": "VISIT#{visitor}"])
    var siteID: UUID
    var visitor: String
}
