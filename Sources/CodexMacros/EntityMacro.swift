#if Macros
    import SwiftSyntax
    import SwiftSyntaxBuilder
    import SwiftSyntaxMacros

    /// Writes the conformance of a struct to `Entity`.
    ///
    /// The members are written inside of the struct, because there the names of its types mean the
    /// same as in its properties. The initializer is written into an extension, so that the
    /// compiler still synthesizes the memberwise one.
    struct EntityMacro {
        /// The code is used as it is written.
        static var formatMode: FormatMode { .disabled }
    }

    extension EntityMacro: MemberMacro {
        static func expansion(
            of node: AttributeSyntax,
            providingMembersOf declaration: some DeclGroupSyntax,
            conformingTo protocols: [TypeSyntax],
            in context: some MacroExpansionContext
        ) throws -> [DeclSyntax] {
            var reader = EntityReader(node, declaration)
            let model = reader.model()
            for diagnostic in reader.diagnostics { context.diagnose(diagnostic) }
            guard let model else { return [] }
            return EntityWriter(model).members.map { DeclSyntax("\(raw: $0)") }
        }
    }

    extension EntityMacro: ExtensionMacro {
        static func expansion(
            of node: AttributeSyntax,
            attachedTo declaration: some DeclGroupSyntax,
            providingExtensionsOf type: some TypeSyntaxProtocol,
            conformingTo protocols: [TypeSyntax],
            in context: some MacroExpansionContext
        ) throws -> [ExtensionDeclSyntax] {
            // The other role reports the mistakes.
            var reader = EntityReader(node, declaration)
            guard let model = reader.model() else { return [] }
            let text = EntityWriter(model).extensionText(
                of: type.trimmedDescription, conforms: !protocols.isEmpty)
            return [DeclSyntax("\(raw: text)")].compactMap { $0.as(ExtensionDeclSyntax.self) }
        }
    }
#endif
