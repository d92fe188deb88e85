#if Macros
    import SwiftSyntaxMacrosGenericTestSupport
    import Testing

    /// The code that the macros write.
    @Suite("Expansions")
    struct ExpansionTests {
        @Test("A struct gets its definition, its fields and both conversions")
        func whole() {
            expectExpansion(
                """
                @Entity("workOrder", table: "main", keys: ["PK": "ORDER#{id}", "SK": "ORDER"])
                struct WorkOrder {
                    var id: String
                    @StoredAs("due") var plannedOn: CalendarDay?
                    var crew: [Person]
                    @Transient var isShown = false
                    var isLate: Bool { false }
                    static let count = 1
                }
                """,
                """
                struct WorkOrder {
                    var id: String
                    var plannedOn: CalendarDay?
                    var crew: [Person]
                    var isShown = false
                    var isLate: Bool { false }
                    static let count = 1

                    private enum StoredForms {
                        static let id = CodexCore.FieldCoding.form(String.self)
                        static let plannedOn = CodexCore.FieldCoding.form(CalendarDay.self).optional
                        static let crew = CodexCore.FieldCoding.form([Person].self)
                    }

                    /// The stored name, keys and fields.
                    static let definition = CodexCore.EntityDefinition(
                        "workOrder", table: "main",
                        keys: ["PK": "ORDER#{id}", "SK": "ORDER"],
                        fields: [
                            StoredForms.id.definition("id"),
                            StoredForms.plannedOn.definition("due"),
                            StoredForms.crew.definition("crew"),
                        ])

                    /// The fields, for lookups, queries, conditions and updates.
                    struct Fields: Swift.Sendable {
                        /// The attribute id.
                        let id = StoredForms.id.field(of: WorkOrder.self, "id")
                        /// The attribute due.
                        let plannedOn = StoredForms.plannedOn.field(of: WorkOrder.self, "due")
                        /// The attribute crew.
                        let crew = StoredForms.crew.field(of: WorkOrder.self, "crew")
                    }

                    /// The fields, for lookups, queries, conditions and updates.
                    static let fields = Fields()

                    /// The attributes of the value, keys and derived attributes included.
                    func item() throws(CodexCore.CodexError) -> CodexCore.Item {
                        var item = CodexCore.Item()
                        try StoredForms.crew.write(self.crew, "crew", to: &item)
                        try StoredForms.plannedOn.write(self.plannedOn, "due", to: &item)
                        try StoredForms.id.write(self.id, "id", to: &item)
                        try CodexCore.FieldCoding.complete(&item, by: Self.definition)
                        return item
                    }
                }

                extension WorkOrder: CodexCore.Entity {
                    /// Reads a value from an item in place.
                    init(
                        reading reader: borrowing CodexCore.FieldReader
                    ) throws(CodexCore.CodexError) {
                        let value0 = try StoredForms.id.read(reader, 0, "id")
                        let value1 = try StoredForms.plannedOn.read(reader, 1, "due")
                        let value2 = try StoredForms.crew.read(reader, 2, "crew")
                        self.init(id: value0, plannedOn: value1, crew: value2)
                    }
                }
                """)
        }

        @Test("A public struct with an initializer gets public members, and is set by property")
        func publicStruct() {
            expectExpansion(
                """
                @Entity(
                    "a", table: Tables.main, version: 2, keys: keys, derived: ["d": .constant(1)],
                    sealed: ["text"])
                public struct A {
                    public private(set) var id: Swift.Optional<Int>
                    package var text: String, note: Optional<String>
                    @StoredAs("n", type: .map) private var `default`: (any P)
                    public init() {}
                }
                """,
                """
                public struct A {
                    public private(set) var id: Swift.Optional<Int>
                    package var text: String, note: Optional<String>
                    private var `default`: (any P)
                    public init() {}

                    private enum StoredForms {
                        static let id = CodexCore.FieldCoding.form(Int.self).optional
                        static let text = CodexCore.FieldCoding.form(String.self)
                        static let note = CodexCore.FieldCoding.form(String.self).optional
                        static let `default` = CodexCore.FieldCoding.form(((any P)).self, as: .map)
                    }

                    /// The stored name, keys and fields.
                    public static let definition = CodexCore.EntityDefinition(
                        "a", table: Tables.main, schemaVersion: 2,
                        keys: keys,
                        derived: ["d": .constant(1)],
                        fields: [
                            StoredForms.id.definition("id"),
                            StoredForms.text.definition("text"),
                            StoredForms.note.definition("note"),
                            StoredForms.`default`.definition("n"),
                        ],
                        sealed: ["text"])

                    /// The fields, for lookups, queries, conditions and updates.
                    public struct Fields: Swift.Sendable {
                        /// The attribute id.
                        public let id = StoredForms.id.field(of: A.self, "id")
                        /// The attribute text.
                        package let text = StoredForms.text.field(of: A.self, "text")
                        /// The attribute note.
                        package let note = StoredForms.note.field(of: A.self, "note")
                        /// The attribute n.
                        fileprivate let `default` = StoredForms.`default`.field(of: A.self, "n")
                    }

                    /// The fields, for lookups, queries, conditions and updates.
                    public static let fields = Fields()

                    /// The attributes of the value, keys and derived attributes included.
                    public func item() throws(CodexCore.CodexError) -> CodexCore.Item {
                        var item = CodexCore.Item()
                        try StoredForms.id.write(self.id, "id", to: &item)
                        try StoredForms.`default`.write(self.`default`, "n", to: &item)
                        try StoredForms.note.write(self.note, "note", to: &item)
                        try StoredForms.text.write(self.text, "text", to: &item)
                        try CodexCore.FieldCoding.complete(&item, by: Self.definition)
                        return item
                    }
                }

                extension A: CodexCore.Entity {
                    /// Reads a value from an item in place.
                    public init(
                        reading reader: borrowing CodexCore.FieldReader
                    ) throws(CodexCore.CodexError) {
                        let value0 = try StoredForms.id.read(reader, 0, "id")
                        let value1 = try StoredForms.text.read(reader, 1, "text")
                        let value2 = try StoredForms.note.read(reader, 2, "note")
                        let value3 = try StoredForms.`default`.read(reader, 3, "n")
                        self.id = value0
                        self.text = value1
                        self.note = value2
                        self.`default` = value3
                    }
                }
                """)
        }

        @Test("A mistake leaves the type without code, and is reported once")
        func mistake() {
            expectExpansion(
                """
                @Entity("a", table: "t", keys: ["PK": "A#{ID}"])
                struct A {
                    var id: String
                }
                """,
                """
                struct A {
                    var id: String
                }
                """,
                [
                    DiagnosticSpec(
                        message: "The template \"A#{ID}\" of key PK names ID, which is no stored "
                            + "property of A. Did you mean id?",
                        line: 1, column: 39, fixIts: [FixItSpec(message: "Replace ID by id")])
                ])
        }

        @Test("Attributes of properties that have no effect are reported")
        func marks() {
            expectExpansion(
                """
                struct A {
                    @StoredAs("b") var a: String
                }
                @Entity("b", table: "t", keys: ["PK": "B#{a}"])
                struct B {
                    @StoredAs("a") @Transient var b: String = ""
                    @Transient var c: Int { 1 }
                    @Transient static var d = 1
                    @Transient func e() {}
                }
                """,
                """
                struct A {
                    var a: String
                }
                struct B {
                    var b: String = ""
                    var c: Int { 1 }
                    static var d = 1
                    func e() {}
                }
                """,
                [
                    DiagnosticSpec(
                        message: "@StoredAs has an effect only in a type with @Entity.", line: 2,
                        column: 5),
                    DiagnosticSpec(
                        message: "A property with @Transient is not stored. Remove @StoredAs.",
                        line: 6, column: 5),
                    DiagnosticSpec(
                        message:
                            "@Transient belongs to a stored property: this one is no field anyway.",
                        line: 7, column: 5),
                    DiagnosticSpec(
                        message:
                            "@Transient belongs to a stored property: this one is no field anyway.",
                        line: 8, column: 5),
                    DiagnosticSpec(
                        message: "@Transient belongs to a stored property.", line: 9, column: 5),
                    DiagnosticSpec(
                        message: "B has no stored property that could be a field.", line: 5,
                        column: 8),
                ])
        }
    }
#endif
