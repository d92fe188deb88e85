#if Macros
    import SwiftSyntax
    import SwiftSyntaxMacros

    /// Marks a property that `@Entity` leaves out; it writes no code.
    struct TransientMacro: PeerMacro {
        static func expansion(
            of node: AttributeSyntax,
            providingPeersOf declaration: some DeclSyntaxProtocol,
            in context: some MacroExpansionContext
        ) throws -> [DeclSyntax] {
            PropertyMark.check(node, declaration, in: context)
            return []
        }
    }
#endif
