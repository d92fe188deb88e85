// The compiler runs this program, and asks it to write the code of a macro. Without the trait
// `Macros`, swift-syntax is not fetched, and the program does nothing.

#if Macros
    import SwiftCompilerPlugin
    import SwiftSyntaxMacros

    /// The program that writes the code of the macros.
    @main
    struct CodexMacrosPlugin: CompilerPlugin {
        let providingMacros: [any Macro.Type] = [
            EntityMacro.self, StoredAsMacro.self, TransientMacro.self,
        ]
    }
#else
    /// The program without macros.
    @main
    struct CodexMacrosPlugin {
        static func main() {}
    }
#endif
