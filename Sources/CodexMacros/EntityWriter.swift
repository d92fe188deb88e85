#if Macros
    import SwiftSyntax

    /// Writes the code of an entity.
    ///
    /// Names of the library have their module, because the program may have types of the same
    /// names.
    struct EntityWriter {
        private let model: EntityModel

        init(_ model: EntityModel) { self.model = model }

        private static let core = "CodexCore"
        private var access: String { model.access }

        // MARK: Members

        /// The members inside of the struct.
        var members: [String] { [forms, definition, fieldsType, fields, item] }

        /// How each field is stored: the compiler chooses it by the type.
        private var forms: String {
            let lines = model.properties.map { property in
                var form = "\(Self.core).FieldCoding.form(\(Self.metatype(property.type))"
                if let type = property.attributeType { form += ", as: \(type.trimmedDescription)" }
                form += property.isOptional ? ").optional" : ")"
                return "    static let \(property.name) = \(form)"
            }
            return block("private enum StoredForms {", lines)
        }

        private static func metatype(_ type: TypeSyntax) -> String {
            switch type.kind {
            case .identifierType, .memberType, .arrayType, .dictionaryType, .optionalType:
                "\(type.trimmedDescription).self"
            default: "(\(type.trimmedDescription)).self"
            }
        }

        private var definition: String {
            let arguments = model.arguments
            var first = "    \(arguments.name.trimmedDescription), "
            first += "table: \(arguments.table.trimmedDescription),"
            if let version = arguments.version {
                first += " schemaVersion: \(version.trimmedDescription),"
            }
            var lines = [
                "/// The stored name, keys and fields.",
                "\(access)static let definition = \(Self.core).EntityDefinition(", first,
                "    keys: \(arguments.keys.trimmedDescription),",
            ]
            if let derived = arguments.derived {
                lines.append("    derived: \(derived.trimmedDescription),")
            }
            lines.append("    fields: [")
            lines += model.properties.map { property in
                "        StoredForms.\(property.name).definition(\"\(property.storedName)\"),"
            }
            if let sealed = arguments.sealed {
                lines += ["    ],", "    sealed: \(sealed.trimmedDescription))"]
            } else {
                lines.append("    ])")
            }
            return lines.joined(separator: "\n")
        }

        private var fieldsType: String {
            let lines = model.properties.flatMap { property -> [String] in
                let level = Self.lowerAccess(access, property.access)
                let form = "StoredForms.\(property.name)"
                let arguments = "of: \(model.typeName).self, \"\(property.storedName)\""
                return [
                    "    /// The attribute \(property.storedName).",
                    "    \(level)let \(property.name) = \(form).field(\(arguments))",
                ]
            }
            return "/// The fields, for lookups, queries, conditions and updates.\n"
                + block("\(access)struct Fields: Swift.Sendable {", lines)
        }

        /// The lower one of two access levels.
        private static func lowerAccess(_ first: String, _ second: String) -> String {
            let levels = ["fileprivate ", "", "package ", "public "]
            return levels.first { $0 == first || $0 == second } ?? ""
        }

        private var fields: String {
            "/// The fields, for lookups, queries, conditions and updates.\n"
                + "\(access)static let fields = Fields()"
        }

        /// The attributes, written in the order in which an item has them.
        private var item: String {
            let sorted = model.properties.sorted {
                $0.storedName.utf8.lexicographicallyPrecedes($1.storedName.utf8)
            }
            let lines = sorted.map { property in
                "    try StoredForms.\(property.name).write("
                    + "self.\(property.name), \"\(property.storedName)\", to: &item)"
            }
            let signature =
                "\(access)func item() throws(\(Self.core).CodexError) -> \(Self.core).Item {"
            return "/// The attributes of the value, keys and derived attributes included.\n"
                + block(
                    signature,
                    ["    var item = \(Self.core).Item()"] + lines + [
                        "    try \(Self.core).FieldCoding.complete(&item, by: Self.definition)",
                        "    return item",
                    ])
        }

        private func block(_ first: String, _ lines: [String]) -> String {
            ([first] + lines + ["}"]).joined(separator: "\n")
        }

        // MARK: Extension

        /// The extension with the conformance.
        ///
        /// - Parameters:
        ///   - type: The type with the types around it.
        ///   - conforms: Whether the extension declares the conformance.
        /// - Returns: The source text.
        func extensionText(of type: String, conforms: Bool) -> String {
            let reads = model.properties.enumerated().map { index, property in
                "        let value\(index) = try StoredForms.\(property.name).read("
                    + "reader, \(index), \"\(property.storedName)\")"
            }
            let signature = [
                "    /// Reads a value from an item in place.",
                "    \(access)init(",
                "        reading reader: borrowing \(Self.core).FieldReader",
                "    ) throws(\(Self.core).CodexError) {",
            ]
            let lines = signature + reads + assignments + ["    }"]
            return block(
                "extension \(type)\(conforms ? ": \(Self.core).Entity" : "") {", lines)
        }

        /// The end of the initializer.
        ///
        /// The memberwise initializer that the compiler synthesizes is faster for large values.
        private var assignments: [String] {
            let names = model.properties.map(\.name)
            guard model.hasMemberwiseInitializer else {
                return names.enumerated().map { "        self.\($1) = value\($0)" }
            }
            let arguments = names.enumerated().map { "\($1): value\($0)" }
            return ["        self.init(\(arguments.joined(separator: ", ")))"]
        }
    }
#endif
