#if Macros
    import SwiftDiagnostics
    import SwiftSyntax
    import SwiftSyntaxMacros

    /// Marks a property for `@Entity`, which reads the mark; it writes no code.
    struct StoredAsMacro: PeerMacro {
        static func expansion(
            of node: AttributeSyntax,
            providingPeersOf declaration: some DeclSyntaxProtocol,
            in context: some MacroExpansionContext
        ) throws -> [DeclSyntax] {
            PropertyMark.check(node, declaration, in: context)
            return []
        }
    }

    /// What the attributes of properties have in common.
    enum PropertyMark {
        /// Reports an attribute that has no effect.
        static func check(
            _ node: AttributeSyntax, _ declaration: some DeclSyntaxProtocol,
            in context: some MacroExpansionContext
        ) {
            func report(_ message: String) {
                context.diagnose(
                    Diagnostic(node: node, message: MacroExpansionErrorMessage(message)))
            }
            let name = node.lastName
            guard let variable = declaration.as(VariableDeclSyntax.self) else {
                report("@\(name) belongs to a stored property.")
                return
            }
            if variable.bindings.contains(where: { !EntityReader.isStored($0) })
                || EntityReader.isStatic(variable)
            {
                report("@\(name) belongs to a stored property: this one is no field anyway.")
            }
            if name == "StoredAs", variable.attributes.named("Transient") != nil {
                report("A property with @Transient is not stored. Remove @StoredAs.")
            }
            let type = context.lexicalContext.lazy.compactMap {
                $0.asProtocol((any DeclGroupSyntax).self)
            }.first
            guard let type, type.attributes.named("Entity") == nil else { return }
            report("@\(name) has an effect only in a type with @Entity.")
        }
    }
#endif
