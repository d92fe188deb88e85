#if Macros
    import SwiftDiagnostics
    import SwiftSyntax
    import SwiftSyntaxMacros

    /// Reads the declaration that has `@Entity`, and collects its mistakes.
    struct EntityReader {
        private let attribute: AttributeSyntax
        private let declaration: Syntax
        private let introducer: TokenSyntax
        private var properties: [StoredProperty] = []
        private var hasInitializer = false
        private(set) var diagnostics: [Diagnostic] = []

        init(_ attribute: AttributeSyntax, _ declaration: some DeclGroupSyntax) {
            self.attribute = attribute
            self.declaration = Syntax(declaration)
            introducer = declaration.introducer
        }

        /// What the code is written from; `nil` if there are mistakes.
        mutating func model() -> EntityModel? {
            guard let structure = declaration.as(StructDeclSyntax.self) else {
                report(
                    introducer,
                    "@Entity belongs to a struct. Entities are values: a stored class or actor "
                        + "could change without a write, and an enum has no properties.")
                return nil
            }
            guard let arguments = EntityArguments(attribute) else { return nil }
            if let clause = structure.genericParameterClause {
                report(
                    clause,
                    "@Entity does not support generic types: each of them would have the same "
                        + "stored name. Write one struct for each type.")
            }
            for member in structure.memberBlock.members { read(member.decl) }
            let typeName = structure.name.text
            if properties.isEmpty, diagnostics.isEmpty {
                report(structure.name, "\(typeName) has no stored property that could be a field.")
            }
            requireDistinctNames()
            // A property with a mistake would be missed in the templates.
            guard diagnostics.isEmpty else { return nil }
            var checker = DefinitionChecker(typeName, properties, arguments)
            checker.check()
            diagnostics = checker.diagnostics
            guard diagnostics.isEmpty else { return nil }
            return EntityModel(
                typeName: typeName, access: Self.access(structure.modifiers, atLeast: ""),
                arguments: arguments, properties: properties,
                hasMemberwiseInitializer: !hasInitializer)
        }

        private mutating func report(
            _ node: some SyntaxProtocol, _ message: String, _ fixIts: FixIt...
        ) {
            diagnostics.append(
                Diagnostic(
                    node: node, message: MacroExpansionErrorMessage(message), fixIts: fixIts))
        }

        // MARK: Members

        private mutating func read(_ member: DeclSyntax) {
            if let variable = member.as(VariableDeclSyntax.self) {
                read(variable)
            } else if let conditional = member.as(IfConfigDeclSyntax.self) {
                read(conditional)
            } else if let initializer = member.as(InitializerDeclSyntax.self) {
                hasInitializer = true
                let labels = initializer.signature.parameterClause.parameters.map(\.firstName.text)
                if labels == ["reading"] { reportWritten("init(reading:)", at: initializer) }
            } else if let function = member.as(FunctionDeclSyntax.self) {
                let isItem =
                    function.name.text == "item"
                    && function.signature.parameterClause.parameters.isEmpty
                if isItem { reportWritten("item()", at: function.name) }
            } else if let type = member.asProtocol((any NamedDeclSyntax).self) {
                guard ["Fields", "StoredForms"].contains(type.name.text) else { return }
                reportWritten(type.name.text, at: type.name)
            }
        }

        private mutating func reportWritten(_ name: String, at node: some SyntaxProtocol) {
            report(
                node,
                "@Entity writes \(name), so the type cannot have it. Rename it, or conform to "
                    + "Entity by hand.")
        }

        /// Looks for what the macro must not miss: it does not know which branch is compiled.
        private mutating func read(_ conditional: IfConfigDeclSyntax) {
            for clause in conditional.clauses {
                guard case .decls(let members)? = clause.elements else { continue }
                for member in members {
                    if let inner = member.decl.as(IfConfigDeclSyntax.self) { read(inner) }
                    if member.decl.is(InitializerDeclSyntax.self) { hasInitializer = true }
                    guard let variable = member.decl.as(VariableDeclSyntax.self),
                        !Self.isStatic(variable),
                        variable.bindings.contains(where: { Self.isStored($0) })
                    else { continue }
                    report(
                        variable,
                        "@Entity cannot see which branch of #if is compiled. Move the stored "
                            + "property out of it: all programs must agree on the fields.")
                }
            }
        }

        // MARK: Properties

        static func isStatic(_ variable: VariableDeclSyntax) -> Bool {
            variable.modifiers.contains {
                $0.name.tokenKind == .keyword(.static) || $0.name.tokenKind == .keyword(.class)
            }
        }

        static func isStored(_ binding: PatternBindingSyntax) -> Bool {
            switch binding.accessorBlock?.accessors {
            case nil: true
            case .getter?: false
            case .accessors(let list)?:
                list.allSatisfy {
                    $0.accessorSpecifier.tokenKind == .keyword(.willSet)
                        || $0.accessorSpecifier.tokenKind == .keyword(.didSet)
                }
            }
        }

        private mutating func read(_ variable: VariableDeclSyntax) {
            guard !Self.isStatic(variable) else {
                for binding in variable.bindings {
                    let name = binding.pattern.trimmedDescription
                    guard ["definition", "fields"].contains(name) else { continue }
                    reportWritten(name, at: binding.pattern)
                }
                return
            }
            let isConstant = variable.bindingSpecifier.tokenKind == .keyword(.let)
            let isTransient = variable.attributes.named("Transient") != nil
            // In `var a, b: String`, the type belongs to both.
            var type: TypeSyntax?
            var found: [StoredProperty] = []
            for binding in variable.bindings.reversed() {
                type = binding.typeAnnotation?.type ?? (binding.initializer == nil ? type : nil)
                guard Self.isStored(binding) else { continue }
                if isTransient {
                    requireDefault(binding, type, isConstant: isConstant)
                } else if let field = field(binding, type, of: variable) {
                    found.append(field)
                }
            }
            properties += found.reversed()
        }

        /// The field of a binding; `nil` if it has a mistake.
        private mutating func field(
            _ binding: PatternBindingSyntax, _ type: TypeSyntax?, of variable: VariableDeclSyntax
        ) -> StoredProperty? {
            guard let pattern = binding.pattern.as(IdentifierPatternSyntax.self) else {
                report(binding.pattern, "Declare one property for each field, not a tuple.")
                return nil
            }
            let token = pattern.identifier
            if variable.modifiers.contains(where: { $0.name.tokenKind == .keyword(.lazy) }) {
                report(token, "A lazy property is no field. Write @Transient before it.")
                return nil
            }
            guard let type else {
                reportMissingType(binding, pattern)
                return nil
            }
            if variable.bindingSpecifier.tokenKind == .keyword(.let), binding.initializer != nil {
                report(
                    token,
                    "The constant \(token.text) has its value already, so that an item's value "
                        + "cannot be read into it. Make it a var, or write @Transient before it.",
                    Self.variableFixIt(variable))
                return nil
            }
            if token.text == "item" {
                report(
                    token,
                    "@Entity writes item(). Rename the property: @StoredAs(\"item\") keeps the "
                        + "attribute's name.")
                return nil
            }
            return field(token, type, of: variable)
        }

        private mutating func field(
            _ token: TokenSyntax, _ type: TypeSyntax, of variable: VariableDeclSyntax
        ) -> StoredProperty? {
            guard !type.is(ImplicitlyUnwrappedOptionalTypeSyntax.self) else {
                reportUnwrapped(type)
                return nil
            }
            let wrapped = Self.wrappedType(type)
            var property = StoredProperty(
                name: token.text, storedName: "", type: wrapped ?? type.trimmed,
                isOptional: wrapped != nil, attributeType: nil,
                access: Self.access(variable.modifiers, atLeast: "fileprivate "), token: token)
            property.storedName = property.plainName
            let marks = variable.attributes.all(named: "StoredAs")
            guard let stored = marks.first else { return property }
            if marks.count > 1 {
                report(
                    marks[1],
                    "A property has one @StoredAs. Give the name and the type in it: "
                        + "@StoredAs(\"name\", type: .map).")
            }
            for argument in stored.labeledArguments {
                if argument.label?.text == "type" {
                    property.attributeType = argument.expression.trimmed
                } else if let name = argument.expression.plainText, !name.isEmpty {
                    property.storedName = name
                } else {
                    report(
                        argument.expression,
                        "The name of an attribute is a string literal that is not empty, without "
                            + "interpolation and escapes.")
                }
            }
            return property
        }

        private mutating func requireDefault(
            _ binding: PatternBindingSyntax, _ type: TypeSyntax?, isConstant: Bool
        ) {
            let isNilFirst = !isConstant && (type?.is(OptionalTypeSyntax.self) ?? false)
            guard binding.initializer == nil, !isNilFirst else { return }
            report(
                binding.pattern,
                "A @Transient property needs a default value, because an item has none for it.")
        }

        /// What an optional type wraps; `nil` for other types.
        private static func wrappedType(_ type: TypeSyntax) -> TypeSyntax? {
            if let optional = type.as(OptionalTypeSyntax.self) {
                return optional.wrappedType.trimmed
            }
            let clause: GenericArgumentClauseSyntax?
            if let name = type.as(IdentifierTypeSyntax.self), name.name.text == "Optional" {
                clause = name.genericArgumentClause
            } else if let member = type.as(MemberTypeSyntax.self),
                member.baseType.trimmedDescription == "Swift", member.name.text == "Optional"
            {
                clause = member.genericArgumentClause
            } else {
                clause = nil
            }
            guard let argument = clause?.arguments.first?.argument,
                case .type(let wrapped) = argument
            else { return nil }
            return wrapped.trimmed
        }

        /// The public or package modifier of a list, or a modifier for what is private.
        private static func access(
            _ modifiers: DeclModifierListSyntax, atLeast hidden: String
        ) -> String {
            for modifier in modifiers where modifier.detail == nil {
                switch modifier.name.tokenKind {
                case .keyword(.public), .keyword(.open): return "public "
                case .keyword(.package): return "package "
                case .keyword(.private), .keyword(.fileprivate): return hidden
                default: continue
                }
            }
            return ""
        }

        // MARK: Mistakes

        private mutating func reportMissingType(
            _ binding: PatternBindingSyntax, _ pattern: IdentifierPatternSyntax
        ) {
            let name = pattern.identifier.text
            let message =
                "\(name) needs a written type: a macro sees only the declaration, and no types "
                + "that the compiler infers."
            let value = binding.initializer?.value
            let literalType: String? =
                switch value?.kind {
                case .stringLiteralExpr: "String"
                case .integerLiteralExpr: "Int"
                case .floatLiteralExpr: "Double"
                case .booleanLiteralExpr: "Bool"
                default: nil
                }
            guard let literalType else {
                report(pattern, message)
                return
            }
            let token = pattern.identifier
            let typed = TokenSyntax.identifier(
                "\(name): \(literalType)", leadingTrivia: token.leadingTrivia,
                trailingTrivia: token.trailingTrivia)
            report(
                pattern, message,
                FixIt.replace(
                    message: MacroExpansionFixItMessage("Write the type \(literalType)"),
                    oldNode: token, newNode: typed))
        }

        private mutating func reportUnwrapped(_ type: TypeSyntax) {
            let unwrapped = type.as(ImplicitlyUnwrappedOptionalTypeSyntax.self)
            guard let mark = unwrapped?.exclamationMark else { return }
            let question = TokenSyntax.postfixQuestionMarkToken(
                leadingTrivia: mark.leadingTrivia, trailingTrivia: mark.trailingTrivia)
            report(
                type, "A field that items may lack has a type with ?, not with !.",
                FixIt.replace(
                    message: MacroExpansionFixItMessage("Replace ! by ?"), oldNode: mark,
                    newNode: question))
        }

        private static func variableFixIt(_ variable: VariableDeclSyntax) -> FixIt {
            let specifier = variable.bindingSpecifier
            let replacement = TokenSyntax.keyword(
                .var, leadingTrivia: specifier.leadingTrivia,
                trailingTrivia: specifier.trailingTrivia)
            return FixIt.replace(
                message: MacroExpansionFixItMessage("Make it a var"), oldNode: specifier,
                newNode: replacement)
        }

        private mutating func requireDistinctNames() {
            var known: [String: String] = [:]
            for property in properties {
                if let other = known[property.storedName] {
                    report(
                        property.token,
                        "\(property.plainName) is stored as \(property.storedName), as \(other) "
                            + "is. Two fields cannot have one name.")
                }
                known[property.storedName] = property.plainName
            }
        }
    }
#endif
