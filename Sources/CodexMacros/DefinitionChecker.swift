#if Macros
    import SwiftDiagnostics
    import SwiftSyntax
    import SwiftSyntaxMacros

    /// Checks the names in the arguments of `@Entity` against the properties.
    ///
    /// It reads literals. Opening a store checks other expressions.
    struct DefinitionChecker {
        private let typeName: String
        private let properties: [StoredProperty]
        private let arguments: EntityArguments
        /// The names of key attributes and of derived attributes.
        private let keyNames: Set<String>
        private let derivedNames: Set<String>
        private let sealedNames: Set<String>
        private(set) var diagnostics: [Diagnostic] = []

        init(_ typeName: String, _ properties: [StoredProperty], _ arguments: EntityArguments) {
            self.typeName = typeName
            self.properties = properties
            self.arguments = arguments
            func names(_ pairs: [DictionaryElementSyntax]?) -> Set<String> {
                Set((pairs ?? []).compactMap(\.key.plainText))
            }
            keyNames = names(arguments.keys.pairs)
            derivedNames = names(arguments.derived?.pairs)
            sealedNames = Set(Self.elements(arguments.sealed).compactMap(\.plainText))
        }

        mutating func check() {
            checkVersion()
            checkKeys()
            checkDerived()
            for element in Self.elements(arguments.sealed) {
                guard let name = element.plainText else { continue }
                requireField(name, at: element, in: "The list of encrypted attributes")
            }
        }

        /// The elements of an array literal.
        private static func elements(_ expression: ExprSyntax?) -> [ExprSyntax] {
            guard let literal = expression?.as(ArrayExprSyntax.self) else { return [] }
            return literal.elements.map(\.expression)
        }

        private mutating func report(
            _ node: some SyntaxProtocol, _ message: String, _ fixIts: [FixIt] = []
        ) {
            diagnostics.append(
                Diagnostic(
                    node: node, message: MacroExpansionErrorMessage(message), fixIts: fixIts))
        }

        private mutating func checkVersion() {
            guard let version = arguments.version else { return }
            let literal = version.as(IntegerLiteralExprSyntax.self)?.representedLiteralValue
            guard version.is(PrefixOperatorExprSyntax.self) || literal == 0 else { return }
            report(version, "The version of an entity is 1 or more.")
        }

        // MARK: Keys

        private mutating func checkKeys() {
            guard let pairs = arguments.keys.pairs else { return }
            if pairs.isEmpty {
                report(
                    arguments.keys,
                    "An entity needs a template for each key attribute of its table: "
                        + "[\"PK\": \"ORDER#{id}\", \"SK\": \"ORDER\"].")
            }
            requireDistinct(pairs, "key")
            for pair in pairs {
                guard let key = pair.key.plainText, let template = pair.value.plainText else {
                    continue
                }
                checkTemplate(pair.value, "The template \"\(template)\" of key \(key)")
                for property in properties where property.storedName == key {
                    check(property, asKeyWith: template)
                }
            }
        }

        /// Checks a property that has the name of a key attribute: it must be text, and the key.
        private mutating func check(_ property: StoredProperty, asKeyWith template: String) {
            let key = property.storedName
            if property.isNumber {
                report(
                    property.token,
                    "\(key) is a number, and a key attribute with the template \"\(template)\", "
                        + "which makes text. Rename one of them.")
            } else if template != "{\(key)}" {
                report(
                    property.token,
                    "\(key) is a key attribute with the template \"\(template)\", which would "
                        + "replace the property's value. Rename the property, or make the "
                        + "template \"{\(key)}\".")
            }
        }

        private mutating func requireDistinct(_ pairs: [DictionaryElementSyntax], _ role: String) {
            var known: Set<String> = []
            for pair in pairs {
                guard let name = pair.key.plainText, !known.insert(name).inserted else { continue }
                report(pair.key, "The \(role) \(name) is defined twice. Remove one definition.")
            }
        }

        /// Checks a template: what it is made of, and the fields that it names.
        private mutating func checkTemplate(_ literal: ExprSyntax, _ owner: String) {
            guard let text = literal.plainText else { return }
            guard let template = TemplateText(text) else {
                report(
                    literal, "\(owner) is malformed: write {attribute} parts, separated by #.")
                return
            }
            for name in template.names {
                guard let field = requireField(name, at: literal, in: owner, isTemplate: true)
                else { continue }
                if field.isNoKeyPart, field.attributeType == nil {
                    report(
                        literal,
                        "\(owner) names \(name), which is \(field.type.trimmedDescription). A part "
                            + "of a key is text or a number.")
                }
                if sealedNames.contains(name) {
                    report(
                        literal,
                        "\(owner) names \(name), which is encrypted. Keys stay readable, so they "
                            + "cannot contain it.")
                }
            }
        }

        /// The field of a name; `nil` if there is none, which is reported.
        @discardableResult
        private mutating func requireField(
            _ name: String, at literal: ExprSyntax, in owner: String, isTemplate: Bool = false
        ) -> StoredProperty? {
            if let field = properties.first(where: { $0.storedName == name }) { return field }
            func replacing(by other: String) -> [FixIt] {
                let text = literal.plainText ?? ""
                let replaced =
                    isTemplate
                    ? text.replacing("{\(name)}", with: "{\(other)}")
                    : other + text.dropFirst(name.count)
                return Self.fixIts(literal, replaced, "Replace \(name) by \(other)")
            }
            if let field = properties.first(where: { $0.plainName == name }) {
                report(
                    literal,
                    "\(owner) names the property \(name), which is stored as "
                        + "\(field.storedName). Use the stored name.",
                    replacing(by: field.storedName))
                return nil
            }
            guard !derivedNames.contains(name) else {
                report(
                    literal,
                    "\(owner) names the derived attribute \(name). It may name properties only.")
                return nil
            }
            let problem = "\(owner) names \(name), which is no stored property of \(typeName)."
            if let other = SimilarName.name(like: name, in: properties.map(\.storedName)) {
                report(literal, problem + " Did you mean \(other)?", replacing(by: other))
            } else {
                report(literal, problem)
            }
            return nil
        }

        /// The change of a literal's text.
        private static func fixIts(
            _ literal: ExprSyntax, _ text: String, _ message: String
        ) -> [FixIt] {
            let segment = literal.as(StringLiteralExprSyntax.self)?.segments.first
            guard case .stringSegment(let old)? = segment else { return [] }
            return [
                FixIt.replace(
                    message: MacroExpansionFixItMessage(message), oldNode: old.content,
                    newNode: TokenSyntax.stringSegment(text))
            ]
        }

        // MARK: Derived attributes

        private mutating func checkDerived() {
            guard let pairs = arguments.derived?.pairs else { return }
            requireDistinct(pairs, "derived attribute")
            for pair in pairs {
                guard let name = pair.key.plainText else { continue }
                let isField = properties.contains { $0.storedName == name }
                if isField || keyNames.contains(name) {
                    report(
                        pair.key,
                        "\(name) is a property or a key attribute, so that it cannot be derived. "
                            + "Rename one of them.")
                }
                let owner = "The derived attribute \(name)"
                for mention in MentionFinder.mentions(in: pair.value) {
                    check(mention, owner)
                }
            }
        }

        private mutating func check(_ mention: MentionFinder.Mention, _ owner: String) {
            if mention.isTemplate {
                checkTemplate(mention.literal, owner)
                return
            }
            guard let name = mention.literal.plainText, !keyNames.contains(name) else { return }
            requireField(name, at: mention.literal, in: owner)
            guard sealedNames.contains(name) else { return }
            report(
                mention.literal,
                "\(owner) names \(name), which is encrypted. Processes without the key could not "
                    + "derive it.")
        }
    }

    /// Finds the names of attributes in the definition of a derived attribute.
    private final class MentionFinder: SyntaxVisitor {
        /// A literal that names attributes: a template, or the name of one attribute.
        struct Mention {
            var literal: ExprSyntax
            var isTemplate: Bool
        }

        private var mentions: [Mention] = []

        /// The types that are made of the path of an attribute.
        private static let pathTypes: Set<String> = ["Attribute", "DocumentPath"]
        /// The members of conditions, of operands and of the module that are made of such a path.
        private static let pathMembers = pathTypes.union([
            "attributeExists", "attributeNotExists", "attributeType", "path", "size",
        ])

        static func mentions(in expression: ExprSyntax) -> [Mention] {
            let finder = MentionFinder(viewMode: .sourceAccurate)
            finder.walk(expression)
            return finder.mentions
        }

        override func visit(_ node: FunctionCallExprSyntax) -> SyntaxVisitorContinueKind {
            guard let first = node.arguments.first, first.expression.plainText != nil else {
                return .visitChildren
            }
            let label = first.label?.text
            if let member = node.calledExpression.as(MemberAccessExprSyntax.self) {
                switch (member.declName.baseName.text, label) {
                case ("template", nil): mentions.append(Mention(first.expression, true))
                case ("copy", "of"?), ("size", "of"?):
                    mentions.append(Mention(first.expression, false))
                case (let name, nil) where Self.pathMembers.contains(name):
                    mentions.append(Mention(first.expression, false))
                default: break
                }
            } else if label == nil, Self.namesPath(node.calledExpression) {
                mentions.append(Mention(first.expression, false))
            }
            return .visitChildren
        }

        /// Whether a call makes an `Attribute` or a `DocumentPath`.
        private static func namesPath(_ called: ExprSyntax) -> Bool {
            let generic = called.as(GenericSpecializationExprSyntax.self)?.expression ?? called
            // The module may be before the name.
            let member = generic.as(MemberAccessExprSyntax.self)?.declName
            let name = member ?? generic.as(DeclReferenceExprSyntax.self)
            return name.map { pathTypes.contains($0.baseName.text) } ?? false
        }
    }

    extension MentionFinder.Mention {
        fileprivate init(_ literal: ExprSyntax, _ isTemplate: Bool) {
            self.init(literal: literal, isTemplate: isTemplate)
        }
    }
#endif
