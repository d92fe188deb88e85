import CodexCore
import Testing

/// How the type of an entity is written.
enum EntityForm: CaseIterable, Sendable {
    /// `Codable` alone: the fields are the coding keys.
    case codable
    /// Declared fields, and conversions by hand.
    case declared
}

/// A definition of an entity, for types of both forms.
protocol SiteVariant: Sendable {
    static var keys: [String: KeyTemplate] { get }
    static var derived: [String: DerivedAttribute] { get }
    static var sealed: [String] { get }
    static var further: [String] { get }
}

extension SiteVariant {
    static var keys: [String: KeyTemplate] { ["PK": "SITE#{siteID}", "SK": "SITE"] }
    static var derived: [String: DerivedAttribute] { [:] }
    static var sealed: [String] { [] }
    static var further: [String] { [] }

    static func type(_ form: EntityForm) -> any Entity.Type {
        switch form {
        case .codable: CodableSite<Self>.self
        case .declared: DeclaredSite<Self>.self
        }
    }

    fileprivate static func definition(_ fields: [FieldDefinition]) -> EntityDefinition {
        EntityDefinition(
            "site", table: "main", keys: keys, derived: derived, fields: fields, sealed: sealed)
    }
}

struct CodableSite<Variant: SiteVariant>: Codable, Entity {
    static var definition: EntityDefinition { Variant.definition([]) }
    static var furtherAttributes: [String] { Variant.further }
    var siteID = "1"
    var region: String?
    var rank = 1
    var expires: EpochSeconds?
    var labels: [String] = []
}

struct DeclaredSite<Variant: SiteVariant>: Entity {
    static var definition: EntityDefinition {
        Variant.definition([
            .required("siteID", .string), .optional("region", .string), .required("rank", .number),
            .optional("expires", .number), .required("labels", .list),
        ])
    }
    static var furtherAttributes: [String] { Variant.further }

    func item() throws(CodexError) -> Item { ["PK": "SITE#1", "SK": "SITE", "siteID": "1"] }
    init() {}
    init(reading reader: borrowing FieldReader) throws(CodexError) {}
}

/// Variants of the definition; the name is what is special about them.
enum SiteVariants {
    enum Plain: SiteVariant {}
    enum WrongTemplate: SiteVariant {
        static var keys: [String: KeyTemplate] { ["PK": "SITE#{siteId}", "SK": "SITE"] }
    }
    enum WrongIndexTemplate: SiteVariant {
        static var keys: [String: KeyTemplate] {
            ["PK": "SITE#{siteID}", "SK": "SITE", "GSI1PK": "REGION#{regoin}"]
        }
    }
    enum ListInTemplate: SiteVariant {
        static var keys: [String: KeyTemplate] { ["PK": "SITE#{labels}", "SK": "SITE"] }
    }
    enum ReplacedField: SiteVariant {
        static var keys: [String: KeyTemplate] {
            ["PK": "SITE#{siteID}", "SK": "SITE", "region": "REGION#{rank}"]
        }
    }
    enum CopiedField: SiteVariant {
        static var keys: [String: KeyTemplate] {
            ["PK": "SITE#{siteID}", "SK": "SITE", "region": "{region}"]
        }
    }
    enum CopiedNumber: SiteVariant {
        static var keys: [String: KeyTemplate] {
            ["PK": "SITE#{siteID}", "SK": "SITE", "rank": "{rank}"]
        }
    }
    enum DerivedOfNothing: SiteVariant {
        static var derived: [String: DerivedAttribute] { ["open": .template("R#{regionName}")] }
    }
    enum DerivedOfUnknownCopy: SiteVariant {
        static var derived: [String: DerivedAttribute] { ["copy": .copy(of: "Region")] }
    }
    enum UnknownCondition: SiteVariant {
        static var derived: [String: DerivedAttribute] {
            ["open": .constant("yes", when: Attribute<String>("regionn") == "north")]
        }
    }
    enum DerivedField: SiteVariant {
        static var derived: [String: DerivedAttribute] { ["rank": .size(of: "labels")] }
    }
    enum Derived: SiteVariant {
        static var derived: [String: DerivedAttribute] {
            [
                "north": .template("N#{region}#{rank}", when: Attribute<Int>("rank") > 3),
                "labelCount": .size(of: "labels"), "region2": .copy(of: "region"),
            ]
        }
    }
    enum UnknownSeal: SiteVariant {
        static var sealed: [String] { ["Labels"] }
    }
    enum HandMade: SiteVariant {
        static var further: [String] { ["GSI1PK", "GSI1SK"] }
    }
}

/// The checks of a schema against Swift types.
@Suite("Schemas and their types")
struct SchemaTypesTests {
    /// A schema with a mistake, for a type of either form, and what the message must say.
    struct Mistake: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var variant: any SiteVariant.Type = SiteVariants.Plain.self
        var table: TableDefinition = SchemaTypesTests.table()
        var words: [String]
        /// Whether it is known only of fields whose types are declared.
        var needsTypes = false

        func schema(_ form: EntityForm) -> Schema {
            Schema(tables: [table], types: [variant.type(form)])
        }
    }

    static func table(
        indexes: [IndexDefinition] = [], counters: [CounterDefinition] = [],
        timeToLive: String? = nil
    ) -> TableDefinition {
        TableDefinition(
            "main", partitionKey: KeyAttribute("PK"), sortKey: KeyAttribute("SK"),
            indexes: indexes, counters: counters, timeToLive: timeToLive)
    }

    private static func index(
        _ keys: [KeyAttribute], including names: [String]? = nil, for entities: [String]? = nil,
        multiValued: String? = nil
    ) -> TableDefinition {
        table(indexes: [
            IndexDefinition(
                "bySome", partitionKey: keys, projection: names.map { .include($0) } ?? .keysOnly,
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

    static let mistakes: [Mistake] = definitionMistakes + partMistakes

    private static let definitionMistakes = [
        Mistake(
            testDescription: "a template of the table's key",
            variant: SiteVariants.WrongTemplate.self,
            words: ["Entity site", "SITE#{siteId}", "key PK", "Did you mean siteID?"]),
        Mistake(
            testDescription: "a template of an index's key",
            variant: SiteVariants.WrongIndexTemplate.self,
            words: ["Entity site", "REGION#{regoin}", "GSI1PK", "Did you mean region?"]),
        Mistake(
            testDescription: "a list in a template", variant: SiteVariants.ListInTemplate.self,
            words: ["Entity site", "labels", "type L"], needsTypes: true),
        Mistake(
            testDescription: "a field that a key replaces",
            variant: SiteVariants.ReplacedField.self,
            words: ["Entity site", "field region", "REGION#{rank}", "{region}"]),
        Mistake(
            testDescription: "a number that is a key attribute",
            variant: SiteVariants.CopiedNumber.self,
            words: ["Entity site", "field rank", "type N", "{rank}", "SK: ROW#{rank}"],
            needsTypes: true),
        Mistake(
            testDescription: "a derived attribute of no field",
            variant: SiteVariants.DerivedOfNothing.self,
            words: ["Entity site", "derived attribute open", "regionName", "furtherAttributes"]),
        Mistake(
            testDescription: "a derived copy of no field",
            variant: SiteVariants.DerivedOfUnknownCopy.self,
            words: ["Entity site", "derived attribute copy", "Did you mean region?"]),
        Mistake(
            testDescription: "a derived attribute's condition",
            variant: SiteVariants.UnknownCondition.self,
            words: ["Entity site", "derived attribute open", "Did you mean region?"]),
        Mistake(
            testDescription: "an encrypted attribute", variant: SiteVariants.UnknownSeal.self,
            words: ["Entity site", "encrypted", "Did you mean labels?"]),
    ]

    private static let partMistakes = [
        Mistake(
            testDescription: "an index for the entity",
            table: index([KeyAttribute("Region")], for: ["site"]),
            words: ["index bySome", "Table main", "site", "Did you mean region?"]),
        Mistake(
            testDescription: "an index for all", table: index([KeyAttribute("regio")]),
            words: ["index bySome", "no entity has", "Did you mean region?"]),
        Mistake(
            testDescription: "the second key of an index",
            table: index([KeyAttribute("region"), KeyAttribute("rang", .number)]),
            words: ["index bySome", "rang", "Did you mean rank?"]),
        Mistake(
            testDescription: "an included attribute",
            table: index([KeyAttribute("region")], including: ["rank", "lables"]),
            words: ["index bySome", "lables", "Did you mean labels?"]),
        Mistake(
            testDescription: "the type of an index's key", table: index([KeyAttribute("rank")]),
            words: ["index bySome", "rank", "type S", "type N"], needsTypes: true),
        Mistake(
            testDescription: "a list as the key of an index",
            table: index([KeyAttribute("labels")]),
            words: ["index bySome", "labels", "type L"], needsTypes: true),
        Mistake(
            testDescription: "the group of a counter", table: counter("regions"),
            words: ["counter perSome", "no entity has", "Did you mean region?"]),
        Mistake(
            testDescription: "the group of a counter for the entity",
            table: counter("REGION", for: ["site"]),
            words: ["counter perSome", "site", "Did you mean region?"]),
        Mistake(
            testDescription: "a sum", table: counter("region", sums: ["ranks"]),
            words: ["counter perSome", "sum ranks", "Did you mean rank?"]),
        Mistake(
            testDescription: "a sum of text", table: counter("region", sums: ["siteID"]),
            words: ["counter perSome", "siteID", "type S", "no number"], needsTypes: true),
        Mistake(
            testDescription: "the time to live", table: table(timeToLive: "expiresAt"),
            words: ["Table main: the time to live", "expiresAt", "no entity has"]),
        Mistake(
            testDescription: "the spelling of the time to live",
            table: table(timeToLive: "Expires"), words: ["Did you mean expires?"]),
        Mistake(
            testDescription: "the type of the time to live", table: table(timeToLive: "region"),
            words: ["time to live", "region", "type S", "EpochSeconds"], needsTypes: true),
    ]

    @Test("Each mistake is refused for both forms, and the message names it", arguments: mistakes)
    func refused(mistake: Mistake) throws {
        for form in EntityForm.allCases {
            let schema = mistake.schema(form)
            try schema.validate()
            if form == .codable, mistake.needsTypes {
                try schema.validateTypes()
                continue
            }
            do throws(CodexError) {
                try schema.validateTypes()
                Issue.record("\(form): accepted \(mistake.testDescription)")
            } catch {
                #expect(error.code == .invalidSchema)
                #expect(error.entity == "site")
                for word in mistake.words {
                    #expect(error.message.contains(word), "\(form): \(error.message)")
                }
            }
        }
    }

    @Test("A field that is derived, too, is refused")
    func derivedField() throws {
        let variant = SiteVariants.DerivedField.self
        let codable = Schema(tables: [Self.table()], types: [variant.type(.codable)])
        try codable.validate()
        #expect(throws: CodexError(.invalidSchema, "")) { try codable.validateTypes() }
        // Declared fields are known without the type.
        let declared = variant.type(.declared).definition
        #expect(throws: CodexError(.invalidSchema, "")) {
            try Schema(tables: [Self.table()], entities: [declared]).validate()
        }
    }

    @Test("Sound schemas are accepted", arguments: EntityForm.allCases)
    func accepted(form: EntityForm) throws {
        let plain = SiteVariants.Plain.type(form)
        let handMade = SiteVariants.HandMade.type(form)
        let tables = [
            Self.table(timeToLive: "expires"),
            Self.index([KeyAttribute("region"), KeyAttribute("rank", .number)]),
            Self.index([KeyAttribute("region")], including: ["labels"], for: ["site"]),
            Self.index([KeyAttribute("labels")], multiValued: "labels"),
            Self.index([KeyAttribute("SK"), KeyAttribute("PK")]),
            Self.counter("region", sums: ["rank"], for: ["site"]),
        ]
        for table in tables { try Schema(tables: [table], types: [plain]).validateTypes() }
        let variants: [any SiteVariant.Type] = [
            SiteVariants.CopiedField.self, SiteVariants.Derived.self,
        ]
        for variant in variants {
            let schema = Schema(tables: [Self.table()], types: [variant.type(form)])
            try schema.validate()
            try schema.validateTypes()
        }
        let byHand = Self.index([KeyAttribute("GSI1PK"), KeyAttribute("GSI1SK")])
        try Schema(tables: [byHand], types: [handMade]).validateTypes()
        #expect(throws: CodexError(.invalidSchema, "")) {
            try Schema(tables: [byHand], types: [plain]).validateTypes()
        }
        let derived = Self.index([KeyAttribute("north"), KeyAttribute("labelCount", .number)])
        try Schema(tables: [derived], types: [SiteVariants.Derived.type(form)]).validateTypes()
        let wrongType = Self.index([KeyAttribute("labelCount")])
        #expect(throws: CodexError(.invalidSchema, "")) {
            try Schema(
                tables: [wrongType], types: [SiteVariants.Derived.type(form)]
            ).validateTypes()
        }
    }

    @Test("A number that is a key attribute makes no item, and text does")
    func copiedNumber() throws {
        let error = try #require(throws: CodexError.self) {
            try CodableSite<SiteVariants.CopiedNumber>().item()
        }
        #expect(error.code == .typeMismatch)
        #expect(error.entity == "site" && error.attributePath == "rank")
        #expect(error.message.contains("SK: ROW#{rank}"), "\(error.message)")
        var north = CodableSite<SiteVariants.CopiedField>()
        north.region = "north"
        let item = try north.item()
        #expect(item["region"] == "north")
        #expect(try CodableSite<SiteVariants.CopiedField>(item: item).region == "north")
        #expect(try CodableSite<SiteVariants.CopiedField>().item()["region"] == nil)
    }

    @Test("Of what a store has for all items, an attribute that no entity has is only told of")
    func storedParts() throws {
        let site = SiteVariants.Plain.type(.codable)
        let tables = [
            Self.index([KeyAttribute("raw")]),
            Self.index([KeyAttribute("region")], including: ["raw"]),
            Self.counter("raw"), Self.counter("region", sums: ["raw"]),
            Self.table(timeToLive: "raw"),
        ]
        for table in tables {
            let schema = Schema(tables: [table], types: [site])
            let warnings = try schema.validateTypes(within: schema, since: schema)
            #expect(warnings.count == 1)
            #expect(warnings.first?.contains(" raw, which no entity has") == true, "\(warnings)")
            try schema.validateAddition(table, [site])
            let others = [nil, Schema(tables: []), Schema(tables: [Self.table()])]
            for stored in others {
                #expect(throws: CodexError(.invalidSchema, "")) {
                    try schema.validateTypes(within: schema, since: stored)
                }
            }
        }
        // The layout of an index is no difference.
        let references = tables[0].indexes.map { $0.with(layout: .references) }
        let schema = Schema(tables: [tables[0]], types: [site])
        let stored = Schema(tables: [Self.table(indexes: references)])
        #expect(try schema.validateTypes(within: schema, since: stored).count == 1)
        // Raw items are not in an index for some entities.
        let restricted = Schema(
            tables: [Self.index([KeyAttribute("raw")], for: ["site"])], types: [site])
        #expect(throws: CodexError(.invalidSchema, "")) {
            try restricted.validateTypes(within: restricted, since: restricted)
        }
    }

    @Test("The built-in schema fits its types, and changes keep the types")
    func builtIn() throws {
        try CodexFlow.schema.validateTypes()
        #expect(CodexFlow.schema.uncheckedEntities.isEmpty)
        #expect(CodexFlow.schema.types.count == CodexFlow.schema.entities.count)
        #expect(try CodexFlow.schema.requireDistinctKeys(since: nil).isEmpty)
        let site = SiteVariants.Plain.type(.codable)
        let schema = Schema(tables: [Self.table()], types: []).adding(site)
        #expect(schema.types.count == 1)
        let sealed = try schema.sealing(["labels"], of: site).sealing(["rank"], ofEntity: "site")
        #expect(sealed.types.count == 1)
        #expect(sealed.entities[0].sealed == ["labels", "rank"])
        let misspelled = schema.sealing(["Labels"], of: site)
        #expect(throws: CodexError(.invalidSchema, "")) { try misspelled.validateTypes() }
        #expect(Schema(tables: [Self.table()]).sealing(["labels"], of: site).types.count == 1)
    }

    @Test("Definitions of programs that are not known are left out")
    func otherPrograms() throws {
        let site = SiteVariants.Plain.type(.codable)
        let table = Self.index([KeyAttribute("other")])
        let schema = Schema(tables: [table], types: [site])
        #expect(throws: CodexError(.invalidSchema, "")) { try schema.validateTypes() }
        let stranger = EntityDefinition("stranger", table: "main", keys: ["PK": "X", "SK": "X"])
        let store = Schema(tables: [table], entities: schema.entities + [stranger])
        #expect(try schema.validateTypes(within: store, since: nil).isEmpty)
        try Schema(tables: [table], entities: [site.definition]).validateTypes()
        // What is for known entities alone is checked.
        let restricted = Self.index([KeyAttribute("other")], for: ["site"])
        #expect(throws: CodexError(.invalidSchema, "")) {
            try Schema(tables: [restricted], types: [site])
                .validateTypes(within: store, since: nil)
        }
        #expect(throws: CodexError(.invalidSchema, "")) {
            try store.validateAddition(restricted, [site])
        }
        try store.validateAddition(table, [site])
        #expect(throws: CodexError(.invalidSchema, "")) {
            try Schema.validate(SiteVariants.WrongTemplate.type(.codable))
        }
        try Schema.validate(site)
    }
}
