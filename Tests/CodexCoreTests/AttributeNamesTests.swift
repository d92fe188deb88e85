import CodexCore
import Testing

/// What is known of a type's attributes, however the type decodes.
@Suite("Names of attributes")
struct AttributeNamesTests {
    /// Keys that accept any name.
    struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private static func definition(_ fields: [FieldDefinition] = []) -> EntityDefinition {
        EntityDefinition("e", table: "t", keys: ["PK": "E#{id}"], fields: fields)
    }

    struct Plain: Codable, Entity {
        static let definition = AttributeNamesTests.definition()
        var id: String
        var more: Int?
    }

    struct Renamed: Codable, Entity {
        static let definition = AttributeNamesTests.definition()
        enum CodingKeys: String, CodingKey { case id = "identifier" }
        var id: String
    }

    struct Generic<Content: Codable & Sendable>: Codable, Entity {
        static var definition: EntityDefinition { AttributeNamesTests.definition() }
        var id: Content
    }

    private struct Hidden: Codable, Entity {
        static let definition = AttributeNamesTests.definition()
        var id: String
    }

    enum Choice: Codable, Entity {
        static let definition = AttributeNamesTests.definition()
        case id(String)
        case other
    }

    /// Its initializer has code of its own, which must not see values that do not exist.
    struct Strict: Codable, Entity {
        static let definition = AttributeNamesTests.definition()
        private enum CodingKeys: CodingKey { case id }
        var id: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            let id = try container.decode(String.self, forKey: .id)
            precondition(!id.isEmpty)
            self.id = id
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(id, forKey: .id)
        }
    }

    /// It has a value for every error.
    struct Tolerant: Codable, Entity {
        static let definition = AttributeNamesTests.definition()
        enum CodingKeys: CodingKey { case id }
        var id = ""

        init(from decoder: any Decoder) throws {
            for _ in 0..<100 where id.isEmpty {
                let container = try? decoder.container(keyedBy: CodingKeys.self)
                id = (try? container?.decode(String.self, forKey: .id)) ?? ""
            }
        }

        func encode(to encoder: any Encoder) throws {}
    }

    /// Its keys accept other spellings, which are not those that are stored.
    struct Folding: Codable, Entity {
        static let definition = AttributeNamesTests.definition()
        struct CodingKeys: CodingKey {
            static let id = CodingKeys()
            var stringValue: String { "id" }
            var intValue: Int? { nil }
            init() {}
            init?(stringValue: String) {
                guard stringValue.lowercased() == "id" else { return nil }
            }
            init?(intValue: Int) { nil }
        }
        var id: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            id = try container.decode(String.self, forKey: .id)
        }

        func encode(to encoder: any Encoder) throws {}
    }

    @Test("Coding keys of a type's own are known")
    func known() {
        struct Local: Codable, Entity {
            static let definition = AttributeNamesTests.definition()
            var id: String
        }
        let types: [any Entity.Type] = [
            Plain.self, Generic<Int>.self, Generic<Generic<String>>.self, Hidden.self, Choice.self,
            Strict.self, Tolerant.self, Folding.self, Local.self,
        ]
        for type in types {
            for _ in 0..<2 {
                #expect(type.attributeNames.hasField("id") == true, "\(type)")
                #expect(type.attributeNames.hasField("ID") == false, "\(type)")
                #expect(type.attributeNames.hasField("") == false, "\(type)")
            }
        }
        #expect(Renamed.attributeNames.hasField("identifier") == true)
        #expect(Renamed.attributeNames.hasField("id") == false)
        #expect(Plain.attributeNames.hasField("more") == true)
    }

    // MARK: Types that cannot be checked

    struct Loose: Codable, Entity {
        static let definition = AttributeNamesTests.definition()
        struct CodingKeys: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            _ = try decoder.container(keyedBy: CodingKeys.self)
        }

        func encode(to encoder: any Encoder) throws {}
    }

    struct Foreign: Codable, Entity {
        static let definition = AttributeNamesTests.definition()
        typealias CodingKeys = AnyKey

        init(from decoder: any Decoder) throws {
            _ = try decoder.container(keyedBy: AnyKey.self)
        }

        func encode(to encoder: any Encoder) throws {}
    }

    /// The first keys that it asks for are a part of its attributes.
    struct Composed: Codable, Entity {
        static let definition = AttributeNamesTests.definition()
        enum CodingKeys: CodingKey { case id }
        var base: Plain
        var id: String

        init(from decoder: any Decoder) throws {
            base = try Plain(from: decoder)
            let container = try decoder.container(keyedBy: CodingKeys.self)
            id = try container.decode(String.self, forKey: .id)
        }

        func encode(to encoder: any Encoder) throws {}
    }

    /// It reads an earlier form first, whose keys are not those that it writes.
    struct Converted: Codable, Entity {
        static let definition = AttributeNamesTests.definition()
        static let furtherAttributes = ["title"]
        enum EarlierKeys: CodingKey { case title }
        enum CodingKeys: CodingKey { case id }
        var id: String

        init(from decoder: any Decoder) throws {
            let earlier = try decoder.container(keyedBy: EarlierKeys.self)
            if let title = try earlier.decodeIfPresent(String.self, forKey: .title) {
                id = title
                return
            }
            let container = try decoder.container(keyedBy: CodingKeys.self)
            id = try container.decode(String.self, forKey: .id)
        }
    }

    struct Wrapper: Codable, Entity {
        static let definition = AttributeNamesTests.definition()
        var values: [String: String]

        init(from decoder: any Decoder) throws {
            values = try decoder.singleValueContainer().decode([String: String].self)
        }

        func encode(to encoder: any Encoder) throws { try values.encode(to: encoder) }
    }

    struct Listed: Codable, Entity {
        static let definition = AttributeNamesTests.definition()
        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            while !container.isAtEnd { _ = try container.decode(Int.self) }
        }
        func encode(to encoder: any Encoder) throws {}
    }

    struct Failing: Codable, Entity {
        struct Refused: Error {}
        static let definition = AttributeNamesTests.definition()
        init(from decoder: any Decoder) throws { throw Refused() }
        func encode(to encoder: any Encoder) throws {}
    }

    final class Reference: Codable, Entity {
        static let definition = AttributeNamesTests.definition()
        let id: String
        init(id: String) { self.id = id }
    }

    /// A type whose conversions are code, and which declares nothing.
    struct Silent: Entity {
        static let definition = AttributeNamesTests.definition()
        func item() throws(CodexError) -> Item { ["PK": "E#1"] }
        init(reading reader: borrowing FieldReader) throws(CodexError) {}
    }

    @Test("What cannot be known is not checked, and is named")
    func unchecked() throws {
        let types: [any Entity.Type] = [
            Loose.self, Foreign.self, Composed.self, Converted.self, Wrapper.self,
            Listed.self, Failing.self, Reference.self, Silent.self,
        ]
        let table = TableDefinition(
            "t", partitionKey: KeyAttribute("PK"),
            indexes: [IndexDefinition("i", partitionKey: [KeyAttribute("nothing")])],
            timeToLive: "never")
        for type in types {
            #expect(type.attributeNames.hasField("id") == nil, "\(type)")
            let schema = Schema(tables: [table], types: [type])
            try schema.validateTypes()
            #expect(schema.uncheckedEntities == ["e"], "\(type)")
            try type.requireUsable(.attributeExists("anything"))
        }
    }

    @Test("Declared fields count, and not the coding keys")
    func declared() throws {
        struct Declared: Codable, Entity {
            static let definition = AttributeNamesTests.definition([.required("stored", .string)])
            var id: String
        }
        #expect(Declared.attributeNames.hasField("stored") == true)
        #expect(Declared.attributeNames.hasField("id") == false)
        #expect(Declared.attributeNames.field("stored")?.type == .string)
    }

    @Test("Filters may name fields, keys and derived attributes")
    func filters() throws {
        /// A filter that reads these attributes.
        func filter(_ names: DocumentPath...) -> Condition {
            names.map { .attributeExists($0) }.reduce(.attributeExists("region")) { .and($0, $1) }
        }
        for form in EntityForm.allCases {
            let site = SiteVariants.Derived.type(form)
            try site.requireUsable(filter("PK", "SK", "north", "labelCount"))
            try SiteVariants.HandMade.type(form).requireUsable(.attributeExists("GSI1PK"))
            for (name, meant) in [("Region", "region"), ("sitID", "siteID"), ("pk", "PK")] {
                do throws(CodexError) {
                    try site.requireUsable(filter(DocumentPath(name)))
                    Issue.record("accepted \(name)")
                } catch {
                    #expect(error.code == .invalidExpression)
                    #expect(error.message.contains("site has no attribute \(name)"))
                    #expect(error.message.contains("Did you mean \(meant)?"), "\(error.message)")
                }
            }
            #expect(throws: CodexError(.invalidExpression, "")) {
                try site.requireUsable(filter("total"))
            }
        }
    }

    @Test("A filter cannot read the value of an encrypted attribute, but ask whether it is there")
    func encrypted() throws {
        let site = SiteVariants.Derived.type(.declared)
        func sealing(_ names: String...) -> EntityDefinition { site.definition.sealing(names) }
        let path = DocumentPath("region")
        let presence = Condition.or(.attributeExists(path), .not(.attributeNotExists(path)))
        try site.requireUsable(presence, in: sealing("region"))
        let reads: [Condition] = [
            .compare(.path(path), .equal, .value("north")),
            .compare(.value("north"), .equal, .path(path)),
            .compare(.size(path), .greater, .value(1)),
            .between(.value("n"), low: .path("PK"), high: .path(path)),
            .isIn(.path("PK"), [.value("n"), .path(path)]),
            .beginsWith(.path(path), .value("n")), .contains(.path(path), .value("n")),
            .attributeType(path, .string),
            .attributeExists(DocumentPath(root: "region", steps: [.name("name")])),
            .attributeNotExists(DocumentPath(root: "region", steps: [.name("name")])),
        ]
        for read in reads {
            try site.requireUsable(read, in: sealing("siteID"))
            for filter in [read, .not(read), .and(presence, read), .or(read, presence)] {
                do throws(CodexError) {
                    try site.requireUsable(filter, in: sealing("siteID", "region"))
                    Issue.record("accepted \(filter)")
                } catch {
                    #expect(error.code == .invalidExpression)
                    #expect(error.message.contains("Attribute region of entity site is encrypted"))
                }
            }
        }
    }
}
