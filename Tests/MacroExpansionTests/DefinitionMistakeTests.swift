#if Macros
    import Testing

    @testable import CodexMacros

    /// Mistakes in the arguments of `@Entity`, with their places and fix-its.
    @Suite("Mistakes in definitions")
    struct DefinitionMistakeTests {
        /// Arguments with a mistake, what is reported, and the arguments after the fix-its.
        struct Example: CustomTestStringConvertible, Sendable {
            let arguments: String
            let mistakes: [String]
            let fixed: String?
            var testDescription: String { arguments }

            init(_ arguments: String, _ mistakes: String..., fixed: String? = nil) {
                (self.arguments, self.mistakes, self.fixed) = (arguments, mistakes, fixed)
            }
        }

        private static func source(_ arguments: String) -> String {
            """
            @Entity("order", table: "t",
            \(arguments))
            struct Order {
                var id: UUID
                var siteID: UUID
                @StoredAs("n") var number: Int
                var isOpen: Bool
                var tags: [String]
                var notes: String?
            }
            """
        }

        /// Each mistake without its line, which is 2.
        private static func check(_ example: Example) throws {
            let mistakes = try Mistakes(source(example.arguments))
            #expect(mistakes.texts == example.mistakes.map { "2:\($0)" })
            #expect(mistakes.fixed == source(example.fixed ?? example.arguments))
        }

        // MARK: Keys

        static let keys = [
            Example(
                #"keys: ["PK": "SITE#{siteId}"]"#,
                "14: The template \"SITE#{siteId}\" of key PK names siteId, which is no stored "
                    + "property of Order. Did you mean siteID?",
                fixed: #"keys: ["PK": "SITE#{siteID}"]"#),
            Example(
                #"keys: ["PK": "A#{id}", "SK": "B#{unknown}#{isOpn}"]"#,
                "30: The template \"B#{unknown}#{isOpn}\" of key SK names unknown, which is no "
                    + "stored property of Order.",
                "30: The template \"B#{unknown}#{isOpn}\" of key SK names isOpn, which is no "
                    + "stored property of Order. Did you mean isOpen?",
                fixed: #"keys: ["PK": "A#{id}", "SK": "B#{unknown}#{isOpen}"]"#),
            Example(
                #"keys: ["PK": "A#{number}"]"#,
                "14: The template \"A#{number}\" of key PK names the property number, which is "
                    + "stored as n. Use the stored name.", fixed: #"keys: ["PK": "A#{n}"]"#),
            Example(
                #"keys: ["PK": "{isOpen}", "SK": "{tags}"]"#,
                "14: The template \"{isOpen}\" of key PK names isOpen, which is Bool. A part of a "
                    + "key is text or a number.",
                "32: The template \"{tags}\" of key SK names tags, which is [String]. A part of a "
                    + "key is text or a number."),
            Example(
                #"keys: ["PK": "{id}{n}"]"#,
                "14: The template \"{id}{n}\" of key PK is malformed: write {attribute} parts, "
                    + "separated by #."),
            Example(
                #"keys: [:]"#,
                "7: An entity needs a template for each key attribute of its table: [\"PK\": "
                    + "\"ORDER#{id}\", \"SK\": \"ORDER\"]."),
            Example(
                #"keys: ["PK": "{id}", "PK": "{n}"]"#,
                "22: The key PK is defined twice. Remove one definition."),
            Example(
                #"version: 0, keys: ["PK": "{id}"]"#,
                "10: The version of an entity is 1 or more."),
            Example(
                #"version: -1, keys: ["PK": "{id}"]"#,
                "10: The version of an entity is 1 or more."),
        ]

        @Test("A wrong template is reported, with the name that was meant", arguments: keys)
        func key(example: Example) throws { try Self.check(example) }

        @Test("A property with the name of a key attribute is reported unless it is the key")
        func keyProperty() throws {
            let mistakes = try Mistakes(Self.source(#"keys: ["id": "{id}", "siteID": "A#{id}"]"#))
            #expect(
                mistakes.texts == [
                    "5:9: siteID is a key attribute with the template \"A#{id}\", which would "
                        + "replace the property's value. Rename the property, or make the "
                        + "template \"{siteID}\"."
                ])
        }

        @Test(
            "A number with the name of a key attribute is reported", arguments: ["{n}", "A#{id}"])
        func keyNumber(template: String) throws {
            let mistakes = try Mistakes(
                Self.source(#"keys: ["id": "{id}", "n": "\#(template)"]"#))
            #expect(
                mistakes.texts == [
                    "6:24: n is a number, and a key attribute with the template "
                        + "\"\(template)\", which makes text. Rename one of them."
                ])
        }

        @Test(
            "The source shows which attributes are numbers",
            arguments: [
                ("var n: Int", true), ("var n: Swift.UInt8?", true), ("var n: Decimal", true),
                ("@StoredAs(type: .number) var n: Code", true), ("var n: [Int]", false),
                ("@StoredAs(type: AttributeType.number) var n: Code", true),
                ("@StoredAs(type: .string) var n: Int", false), ("var n: Number", false),
                ("@StoredAs(type: .numberSet) var n: Code", false),
            ])
        func numbers(property: String, isNumber: Bool) throws {
            let mistakes = try Mistakes(
                """
                @Entity("order", table: "t", keys: ["n": "{n}"])
                struct Order {
                    \(property)
                }
                """)
            #expect(mistakes.texts.contains { $0.contains("n is a number") } == isNumber)
        }

        // MARK: Derived and encrypted attributes

        private static func derived(_ definition: String) -> String {
            #"keys: ["PK": "{id}"], derived: ["d": \#(definition)]"#
        }

        static let derived = [
            Example(
                derived(#".template("{siteid}")"#),
                "48: The derived attribute d names siteid, which is no stored property of Order. "
                    + "Did you mean siteID?", fixed: derived(#".template("{siteID}")"#)),
            Example(
                derived(#".copy(of: "note")"#),
                "48: The derived attribute d names note, which is no stored property of Order. "
                    + "Did you mean notes?", fixed: derived(#".copy(of: "notes")"#)),
            Example(
                derived(#".size(of: "d")"#),
                "48: The derived attribute d names the derived attribute d. It may name properties "
                    + "only."),
            Example(
                derived(#".constant(1, when: Attribute<Bool>("open") && .attributeExists("tag"))"#),
                "73: The derived attribute d names open, which is no stored property of Order.",
                "101: The derived attribute d names tag, which is no stored property of Order. Did "
                    + "you mean tags?",
                fixed: derived(
                    #".constant(1, when: Attribute<Bool>("open") && .attributeExists("tags"))"#)),
            Example(
                derived(#".constant(1, when: CodexCore.Attribute<Bool>("open") == true)"#),
                "83: The derived attribute d names open, which is no stored property of Order."),
            Example(
                derived(#".copy(of: CodexCore.DocumentPath("tag"))"#),
                "71: The derived attribute d names tag, which is no stored property of Order. Did "
                    + "you mean tags?",
                fixed: derived(#".copy(of: CodexCore.DocumentPath("tags"))"#)),
            Example(
                #"keys: ["PK": "{id}"], derived: ["id": .constant(1), "PK": .constant(2)]"#,
                "33: id is a property or a key attribute, so that it cannot be derived. Rename one "
                    + "of them.",
                "53: PK is a property or a key attribute, so that it cannot be derived. Rename one "
                    + "of them."),
            Example(
                #"keys: ["PK": "{id}"], sealed: ["note"]"#,
                "32: The list of encrypted attributes names note, which is no stored property of "
                    + "Order. Did you mean notes?",
                fixed: #"keys: ["PK": "{id}"], sealed: ["notes"]"#),
            Example(
                #"keys: ["PK": "{id}"], sealed: ["id"]"#,
                "14: The template \"{id}\" of key PK names id, which is encrypted. Keys stay "
                    + "readable, so they cannot contain it."),
            Example(
                #"keys: ["PK": "A"], derived: ["d": .copy(of: "id")], sealed: ["id"]"#,
                "45: The derived attribute d names id, which is encrypted. Processes without the "
                    + "key could not derive it."),
        ]

        @Test("A wrong name in a derived or encrypted attribute is reported", arguments: derived)
        func derivedAttribute(example: Example) throws { try Self.check(example) }

        @Test(
            "Names that are right, and expressions that are no literals, pass",
            arguments: [
                #"keys: ["PK": "A#{id}#{n}", "SK": "ORDER"]"#,
                #"keys: ["PK": "{siteID}#x", "SK": "A#{notes}"], sealed: ["tags"]"#,
                #"keys: keys"#,
                #"keys: [Names.pk: "{unknown}", "SK": Names.template]"#,
                #"keys: ["PK": "A\u{7B}"]"#,
                #"keys: ["P": "{id}"], derived: ["a": .copy(of: "P"), "b": .constant(1)]"#,
                #"keys: keys, derived: ["a": .template("{n}", when: Attribute("isOpen") == true)]"#,
            ])
        func right(arguments: String) throws {
            #expect(try Mistakes(Self.source(arguments)).texts == [])
        }

        // MARK: Parts

        @Test("Templates are read by the rules of KeyTemplate")
        func templates() {
            #expect(TemplateText("A#{a}#{b}")?.names == ["a", "b"])
            #expect(TemplateText("{a}")?.names == ["a"])
            #expect(TemplateText("{a}#")?.names == ["a"])
            #expect(TemplateText("A{a}")?.names == ["a"])
            #expect(TemplateText("PROFILE")?.names == [])
            let malformed = ["", "{", "}", "{}", "{a", "a}", "{a}{b}", "{a}-{b}", "{a}b", "{{a}}"]
            for text in malformed { #expect(TemplateText(text) == nil, "\(text)") }
        }

        @Test("A similar name differs in case, in separators, or by few edits")
        func similarNames() {
            let names = ["customerID", "id", "isOpen", "plannedOn", "site_id"]
            func similar(_ name: String) -> String? { SimilarName.name(like: name, in: names) }
            #expect(similar("customerId") == "customerID")
            #expect(similar("customer_id") == "customerID")
            #expect(similar("siteID") == "site_id")
            #expect(similar("plannedOm") == "plannedOn")
            #expect(similar("planedOm") == "plannedOn")
            #expect(similar("plandOm") == nil)
            #expect(similar("isOpn") == "isOpen")
            #expect(similar("isOn") == nil)
            #expect(similar("x") == nil)
            #expect(similar("") == nil)
        }
    }
#endif
