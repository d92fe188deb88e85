#if Macros
    import Testing

    /// The definitions that do not compile with `@Entity`, as `Mistake` of CodexStoreTests says.
    ///
    /// `MacroMistakesTests` compares the names of the mistakes with those there.
    @Suite("Mistakes in the definition of an order")
    struct OrderMistakeTests {
        /// A mistake, the arguments that have it, and what is reported.
        struct Example: CustomTestStringConvertible, Sendable {
            let testDescription: String
            let arguments: String
            let report: String

            init(_ name: String, _ arguments: String, _ report: String) {
                (testDescription, self.arguments, self.report) = (name, arguments, report)
            }
        }

        /// What is reported of an order with some arguments, without the place.
        private static func reports(_ arguments: String) throws -> [String] {
            let mistakes = try Mistakes(
                """
                @Entity("order", table: "main", \(arguments))
                struct Order {
                    var siteID: UUID
                    var number: Int
                    var status: OrderStatus
                    var region: String?
                    var labels: [String]
                    var total: Decimal?
                    var expires: EpochSeconds?
                }
                """)
            return mistakes.texts.map { text in String(text.drop { $0 != " " }.dropFirst()) }
        }

        private static let keys =
            #"keys: ["PK": "SITE#{siteID}", "SK": "ORDER#{number}", "regionKey": "{region}"]"#

        private static func derived(_ attributes: String) -> String {
            "\(keys), derived: [\(attributes)]"
        }

        static let examples = [
            Example(
                "a template of the table's key",
                #"keys: ["PK": "SITE#{siteId}", "SK": "ORDER#{number}"]"#,
                "The template \"SITE#{siteId}\" of key PK names siteId, which is no stored "
                    + "property of Order. Did you mean siteID?"),
            Example(
                "a template of an index's key",
                #"keys: ["PK": "A", "SK": "ORDER#{number}", "regionKey": "REGION#{Region}"]"#,
                "The template \"REGION#{Region}\" of key regionKey names Region, which is no "
                    + "stored property of Order. Did you mean region?"),
            Example(
                "a field that a key replaces",
                #"keys: ["PK": "A", "SK": "ORDER#{number}", "status": "STATUS#{region}"]"#,
                "status is a key attribute with the template \"STATUS#{region}\", which would "
                    + "replace the property's value. Rename the property, or make the template "
                    + "\"{status}\"."),
            Example(
                "the template of a derived attribute",
                derived(#""open": .template("OPEN#{sitID}")"#),
                "The derived attribute open names sitID, which is no stored property of Order. "
                    + "Did you mean siteID?"),
            Example(
                "a derived copy", derived(#""copy": .copy(of: "Total")"#),
                "The derived attribute copy names Total, which is no stored property of Order. "
                    + "Did you mean total?"),
            Example(
                "a derived size", derived(#""count": .size(of: "lables")"#),
                "The derived attribute count names lables, which is no stored property of Order. "
                    + "Did you mean labels?"),
            Example(
                "the condition of a derived attribute",
                derived(
                    #""open": .template("{siteID}", when: Attribute<String>("state") == "open")"#),
                "The derived attribute open names state, which is no stored property of Order."),
            Example(
                "a derived attribute of a derived one",
                derived(#""first": .copy(of: "region"), "second": .copy(of: "first")"#),
                "The derived attribute second names the derived attribute first. It may name "
                    + "properties only."),
            Example(
                "a field that is derived", derived(#""region": .size(of: "labels")"#),
                "region is a property or a key attribute, so that it cannot be derived. Rename "
                    + "one of them."),
            Example(
                "a table's key that is derived", derived(#""PK": .template("SITE#{siteID}")"#),
                "PK is a property or a key attribute, so that it cannot be derived. Rename one of "
                    + "them."),
            Example(
                "an encrypted attribute", keys + #", sealed: ["Total"]"#,
                "The list of encrypted attributes names Total, which is no stored property of "
                    + "Order. Did you mean total?"),
        ]

        @Test("A definition with a mistake is refused", arguments: examples)
        func mistake(example: Example) throws {
            #expect(try Self.reports(example.arguments) == [example.report])
        }

        @Test(
            "A definition without a mistake is accepted",
            arguments: [
                keys,
                derived(#""open": .template("{siteID}", when: Attribute("status") == "open")"#),
                derived(#""copy": .copy(of: "total"), "count": .size(of: "labels")"#),
                keys + #", sealed: ["total"]"#,
            ])
        func sound(arguments: String) throws {
            #expect(try Self.reports(arguments).isEmpty)
        }
    }
#endif
