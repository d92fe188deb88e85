#if Macros
    import SwiftDiagnostics
    import SwiftSyntax
    import SwiftSyntaxBuilder
    import SwiftSyntaxMacroExpansion
    import SwiftSyntaxMacrosGenericTestSupport
    import Testing

    @testable import CodexMacros

    private let macros: [String: MacroSpec] = [
        "Entity": MacroSpec(type: EntityMacro.self, conformances: ["Entity"]),
        "StoredAs": MacroSpec(type: StoredAsMacro.self),
        "Transient": MacroSpec(type: TransientMacro.self),
    ]

    /// Expects the code that the macros make of a source, and what they report.
    func expectExpansion(
        _ source: String, _ expanded: String, _ diagnostics: [DiagnosticSpec] = [],
        fileID: StaticString = #fileID, filePath: StaticString = #filePath,
        line: UInt = #line, column: UInt = #column
    ) {
        assertMacroExpansion(
            source, expandedSource: expanded, diagnostics: diagnostics, macroSpecs: macros,
            failureHandler: { failure in
                let place = failure.location
                Issue.record(
                    Comment(rawValue: failure.message),
                    sourceLocation: Testing.SourceLocation(
                        fileID: place.fileID, filePath: place.filePath, line: place.line,
                        column: place.column))
            },
            fileID: fileID, filePath: filePath, line: line, column: column)
    }

    /// The mistakes that `@Entity` finds in a declaration, without expanding it.
    struct Mistakes {
        /// Each mistake as `line:column: message`.
        let texts: [String]
        /// The source with all fix-its.
        let fixed: String

        init(_ source: String) throws {
            let declaration = DeclSyntax("\(raw: source)")
            let group = try #require(declaration.asProtocol((any DeclGroupSyntax).self))
            let attribute = try #require(group.attributes.named("Entity"))
            var reader = EntityReader(attribute, group)
            let model = reader.model()
            #expect((model == nil) == !reader.diagnostics.isEmpty)
            texts = reader.diagnostics.map(\.debugDescription)
            let edits = reader.diagnostics.flatMap(\.fixIts).flatMap(\.edits)
            var bytes = Array(source.utf8)
            for edit in edits.sorted(by: { $0.range.lowerBound > $1.range.lowerBound }) {
                bytes.replaceSubrange(
                    edit.range.lowerBound.utf8Offset..<edit.range.upperBound.utf8Offset,
                    with: edit.replacement.utf8)
            }
            fixed = String(decoding: bytes, as: UTF8.self)
        }
    }
#endif
