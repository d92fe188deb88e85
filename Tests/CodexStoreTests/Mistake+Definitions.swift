import CodexCore

/// Mistakes in definitions, which are found when a store is opened.
extension Mistake {
    static let definitions: [Mistake] = [
        refused(
            "a template of the table's key", "Did you mean siteID?",
            OrderVariants.WrongTableKey.self),
        refused(
            "a template of an index's key", "Did you mean region?",
            OrderVariants.WrongIndexKey.self),
        refused("a field that a key replaces", "field status", OrderVariants.ReplacedField.self),
        refused(
            "the template of a derived attribute", "Did you mean siteID?",
            OrderVariants.WrongDerived.self),
        refused("a derived copy", "Did you mean total?", OrderVariants.WrongCopy.self),
        refused("a derived size", "Did you mean labels?", OrderVariants.WrongSize.self),
        refused(
            "the condition of a derived attribute", "state", OrderVariants.WrongCondition.self),
        refused(
            "a derived attribute of a derived one", "reads first",
            OrderVariants.DerivedOfDerived.self),
        refused("a field that is derived", "region", OrderVariants.DerivedField.self),
        refused("a table's key that is derived", "PK", OrderVariants.DerivedKey.self),
        refused("an encrypted attribute", "Did you mean total?", OrderVariants.WrongSeal.self),
        opening("two entities with the same keys", "same key", with: [Clash.self]),
    ]

    private static func index(
        _ names: String..., including included: [String]? = nil, for entities: [String]? = nil,
        isUnique: Bool = false, multiValued: String? = nil
    ) -> TableDefinition {
        table([
            IndexDefinition(
                "bySome", partitionKey: names.prefix(1).map { KeyAttribute($0) },
                sortKey: names.dropFirst().map { KeyAttribute($0) },
                projection: included.map { .include($0) } ?? .all, isUnique: isUnique,
                entities: entities, multiValued: multiValued)
        ])
    }

    private static func counter(
        _ group: String, sums: [String] = [], for entities: [String]? = nil
    ) -> TableDefinition {
        table(counters: [
            CounterDefinition(
                "perSome", group: [KeyAttribute(group)], sums: sums, entities: entities)
        ])
    }

    private static let plain = OrderVariants.Plain.self

    static let parts: [Mistake] = [
        opening("an index's attribute", "Did you mean region?", plain, index("Region")),
        opening(
            "an index's attribute, for the entity", "Did you mean region?", plain,
            index("regoin", for: ["order"])),
        opening("an index's sort key", "Did you mean status?", plain, index("region", "stauts")),
        opening(
            "a unique index's attribute", "Did you mean siteID?", plain,
            index("siteid", isUnique: true)),
        opening(
            "an included attribute", "Did you mean total?", plain,
            index("region", including: ["status", "totals"])),
        opening(
            "a multi-valued attribute", "Did you mean labels?", plain,
            index("label", multiValued: "label")),
        opening(
            "attributes of two entities in one index", "visitor", plain, index("region", "visitor"),
            with: [Visit.self]),
        opening(
            "an index of no entity", "orders", plain, index("region", for: ["orders"])),
        opening("a counter's group", "Did you mean status?", plain, counter("Status")),
        opening(
            "a counter's group, for the entity", "Did you mean status?", plain,
            counter("statu", for: ["order"])),
        opening(
            "a counter's sum", "Did you mean total?", plain, counter("status", sums: ["Total"])),
        opening(
            "a counter's sum of text", "no number", OrderVariants.Declared.self,
            counter("status", sums: ["region"])),
        opening("a counter of no entity", "orders", plain, counter("status", for: ["orders"])),
        opening("the time to live", "expiresOn", plain, table(timeToLive: "expiresOn")),
        opening(
            "the spelling of the time to live", "Did you mean expires?", plain,
            table(timeToLive: "Expires")),
        opening(
            "the declared type of the time to live", "EpochSeconds",
            OrderVariants.DeclaredDated.self, table(timeToLive: "expires")),
        opening(
            "the declared type of an index's attribute", "type N", OrderVariants.Declared.self,
            index("number")),
    ]

    static let changes: [Mistake] = [
        reopening(
            "an enumeration that lost a case", "done", from: OrderVariants.Declared.self,
            to: OrderVariants.FewerStatuses.self),
        reopening(
            "an enumeration with a renamed case", "renamed", from: OrderVariants.Declared.self,
            to: OrderVariants.RenamedStatus.self),
        reopening(
            "an optional field with another name", "renamed", from: OrderVariants.UnusedRegion.self,
            to: OrderVariants.RenamedRegion.self),
        reopening(
            "another template of an index's key", "AREA#{region}", from: plain,
            to: OrderVariants.OtherIndexKey.self),
        reopening(
            "another derived attribute", "derived attribute open", from: OrderVariants.Derived.self,
            to: OrderVariants.ConditionalDerived.self),
        reopening(
            "one more derived attribute", "derived attribute open", from: plain,
            to: OrderVariants.Derived.self),
    ]
}
