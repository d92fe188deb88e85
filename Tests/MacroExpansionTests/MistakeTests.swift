#if Macros
    import Testing

    /// Mistakes in a declaration with `@Entity`, with their places and fix-its.
    @Suite("Mistakes in declarations")
    struct MistakeTests {
        /// A mistake, and the line that the fix-it makes of the wrong one.
        struct Example: CustomTestStringConvertible, Sendable {
            let line: String
            let mistake: String
            let fixed: String?
            var testDescription: String { line }

            init(_ line: String, _ mistake: String, fixed: String? = nil) {
                (self.line, self.mistake, self.fixed) = (line, mistake, fixed)
            }
        }

        private static func source(arguments: String, members: String) -> String {
            """
            @Entity("order", table: "main", \(arguments))
            struct Order {
            \(members)
            }
            """
        }

        // MARK: Properties

        static let properties = [
            Example(
                "    var count = 1",
                "3:9: count needs a written type: a macro sees only the declaration, and no types "
                    + "that the compiler infers.", fixed: "    var count: Int = 1"),
            Example(
                #"    var name = """#,
                "3:9: name needs a written type: a macro sees only the declaration, and no types "
                    + "that the compiler infers.", fixed: #"    var name: String = """#),
            Example(
                "    var tags = [String]()",
                "3:9: tags needs a written type: a macro sees only the declaration, and no types "
                    + "that the compiler infers."),
            Example(
                "    let kind: String = \"order\"",
                "3:9: The constant kind has its value already, so that an item's value cannot be "
                    + "read into it. Make it a var, or write @Transient before it.",
                fixed: "    var kind: String = \"order\""),
            Example(
                "    var name: String!",
                "3:15: A field that items may lack has a type with ?, not with !.",
                fixed: "    var name: String?"),
            Example(
                "    @Transient var cache: Int",
                "3:20: A @Transient property needs a default value, because an item has none for "
                    + "it."),
            Example(
                "    @Transient let cache: Int?",
                "3:20: A @Transient property needs a default value, because an item has none for "
                    + "it."),
            Example(
                "    lazy var sum: Int = 1",
                "3:14: A lazy property is no field. Write @Transient before it."),
            Example(
                "    var (a, b): (Int, Int)",
                "3:9: Declare one property for each field, not a tuple."),
            Example(
                "    @StoredAs(\"\\(name)\") var a: Int",
                "3:15: The name of an attribute is a string literal that is not empty, without "
                    + "interpolation and escapes."),
            Example(
                "    @StoredAs(\"\") var a: Int",
                "3:15: The name of an attribute is a string literal that is not empty, without "
                    + "interpolation and escapes."),
            Example(
                "    @StoredAs(\"id\") var number: Int",
                "4:9: id is stored as id, as number is. Two fields cannot have one name."),
            Example(
                "    @StoredAs(\"n\") @StoredAs(type: .number) var a: Int",
                "3:20: A property has one @StoredAs. Give the name and the type in it: "
                    + "@StoredAs(\"name\", type: .map)."),
            Example(
                "    var item: String",
                "3:9: @Entity writes item(). Rename the property: @StoredAs(\"item\") keeps the "
                    + "attribute's name."),
            Example(
                "    enum Fields {}",
                "3:10: @Entity writes Fields, so the type cannot have it. Rename it, or conform to "
                    + "Entity by hand."),
            Example(
                "    static let definition = 1",
                "3:16: @Entity writes definition, so the type cannot have it. Rename it, or "
                    + "conform to Entity by hand."),
            Example(
                "    func item() throws(CodexError) -> Item { [:] }",
                "3:10: @Entity writes item(), so the type cannot have it. Rename it, or conform to "
                    + "Entity by hand."),
            Example(
                "    init(reading reader: borrowing FieldReader) {}",
                "3:5: @Entity writes init(reading:), so the type cannot have it. Rename it, or "
                    + "conform to Entity by hand."),
        ]

        @Test("A property that can be no field is reported at its place", arguments: properties)
        func property(example: Example) throws {
            func source(_ line: String) -> String {
                Self.source(
                    arguments: #"keys: ["PK": "A#{id}"]"#, members: line + "\n    var id: UUID")
            }
            let mistakes = try Mistakes(source(example.line))
            #expect(mistakes.texts == [example.mistake])
            #expect(mistakes.fixed == source(example.fixed ?? example.line))
        }

        @Test("Stored properties inside of #if are reported, and other members there are not")
        func conditional() throws {
            let mistakes = try Mistakes(
                Self.source(
                    arguments: #"keys: ["PK": "A#{id}"]"#,
                    members: """
                            var id: UUID
                            #if DEBUG
                            var name: String
                            var size: Int { 1 }
                            static let count = 1
                            #if os(Linux)
                            var note: String = ""
                            #endif
                            #endif
                        """))
            let mistake =
                "@Entity cannot see which branch of #if is compiled. Move the stored property out "
                + "of it: all programs must agree on the fields."
            #expect(mistakes.texts == ["5:5: \(mistake)", "9:5: \(mistake)"])
        }

        @Test("Properties with observers, and several in one declaration, are fields")
        func fields() throws {
            let mistakes = try Mistakes(
                Self.source(
                    arguments: #"keys: ["PK": "A#{id}#{b}", "SK": "{name}"]"#,
                    members: """
                            let id: UUID, number: Int = 1
                            var a, b: String
                            var name: String { didSet {} }
                            var size: Int { get { 1 } set {} }
                        """))
            #expect(
                mistakes.texts == [
                    "3:19: The constant number has its value already, so that an item's value "
                        + "cannot be read into it. Make it a var, or write @Transient before it."
                ])
        }

        @Test("What is no struct, a generic struct and an empty one are reported")
        func kinds() throws {
            let attribute = #"@Entity("a", table: "t", keys: ["PK": "A"])"#
            let noStruct =
                "@Entity belongs to a struct. Entities are values: a stored class or actor could "
                + "change without a write, and an enum has no properties."
            let kinds = ["class", "enum", "actor", "final class"]
            for (kind, column) in zip(kinds, [45, 45, 45, 51]) {
                let mistakes = try Mistakes("\(attribute) \(kind) A {}")
                #expect(mistakes.texts == ["1:\(column): \(noStruct)"])
            }
            #expect(
                try Mistakes("\(attribute) struct A<T> { var id: T }").texts == [
                    "1:53: @Entity does not support generic types: each of them would have the "
                        + "same stored name. Write one struct for each type."
                ])
            #expect(
                try Mistakes("\(attribute) struct A {}").texts == [
                    "1:52: A has no stored property that could be a field."
                ])
        }
    }
#endif
