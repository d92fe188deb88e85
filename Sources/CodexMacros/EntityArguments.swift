#if Macros
    import SwiftSyntax

    /// The arguments of `@Entity`.
    struct EntityArguments {
        let name: ExprSyntax
        let table: ExprSyntax
        let keys: ExprSyntax
        let version: ExprSyntax?
        let derived: ExprSyntax?
        let sealed: ExprSyntax?

        /// Reads the arguments; `nil` if one is missing, which the compiler reports.
        init?(_ attribute: AttributeSyntax) {
            let arguments = attribute.labeledArguments
            func argument(_ label: String?) -> ExprSyntax? {
                arguments.first { $0.label?.text == label }?.expression
            }
            guard let name = argument(nil), let table = argument("table"),
                let keys = argument("keys")
            else { return nil }
            (self.name, self.table, self.keys) = (name, table, keys)
            version = argument("version")
            derived = argument("derived")
            sealed = argument("sealed")
        }
    }

    extension AttributeSyntax {
        /// The arguments in parentheses.
        var labeledArguments: [LabeledExprSyntax] {
            guard case .argumentList(let list)? = arguments else { return [] }
            return Array(list)
        }

        /// The attribute's name, without modules.
        var lastName: String {
            attributeName.trimmedDescription.split(separator: ".").last.map { String($0) } ?? ""
        }
    }

    extension AttributeListSyntax {
        /// The first attribute of a name.
        func named(_ name: String) -> AttributeSyntax? { all(named: name).first }

        /// The attributes of a name.
        func all(named name: String) -> [AttributeSyntax] {
            var found: [AttributeSyntax] = []
            for case .attribute(let attribute) in self where attribute.lastName == name {
                found.append(attribute)
            }
            return found
        }
    }

    extension ExprSyntax {
        /// The text of a simple string literal: without interpolation, escapes and raw delimiters.
        var plainText: String? {
            guard let literal = self.as(StringLiteralExprSyntax.self),
                literal.openingPounds == nil, literal.openingQuote.tokenKind == .stringQuote,
                literal.segments.count <= 1
            else { return nil }
            guard let segment = literal.segments.first else { return "" }
            guard case .stringSegment(let text) = segment else { return nil }
            return text.content.text.contains("\\") ? nil : text.content.text
        }

        /// The pairs of a dictionary literal; `nil` for another expression.
        var pairs: [DictionaryElementSyntax]? {
            guard let literal = self.as(DictionaryExprSyntax.self) else { return nil }
            guard case .elements(let elements) = literal.content else { return [] }
            return Array(elements)
        }
    }
#endif
