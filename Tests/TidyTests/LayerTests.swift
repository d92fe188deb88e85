import Foundation
import Testing

/// Which module may import what, and what the engine must not know.
@Suite("Layers")
struct LayerTests {
    /// What the files of a module may import.
    struct Layer: CustomTestStringConvertible {
        let module: String
        let modules: Set<String>
        var testDescription: String { module }

        init(_ module: String, _ modules: Set<String>) {
            (self.module, self.modules) = (module, modules)
        }
    }

    private static let system: Set<String> = ["Darwin", "Glibc", "Musl"]

    static let layers = [
        Layer("CodexCore", ["CodexCZlib", "FoundationEssentials", "Synchronization"]),
        Layer("CodexIndex", ["CodexCore"]),
        // The compiler runs it: it uses no module of Codex.
        Layer(
            "CodexMacros",
            [
                "SwiftCompilerPlugin", "SwiftDiagnostics", "SwiftSyntax", "SwiftSyntaxBuilder",
                "SwiftSyntaxMacros",
            ]),
        Layer(
            "CodexStore",
            system.union([
                "CodexCLMDB", "CodexCore", "CodexIndex", "Crypto", "Dispatch", "Foundation",
                "FoundationEssentials", "Synchronization",
            ])),
        Layer("CodexWorkspace", ["CodexCore", "FoundationEssentials", "Synchronization"]),
        Layer(
            "Codex",
            [
                "CodexCore", "CodexStore", "CodexWorkspace", "Foundation", "FoundationEssentials",
            ]),
        Layer(
            "CodexDynamoDB",
            ["CodexCore", "CodexStore", "FoundationEssentials", "Synchronization"]),
        Layer(
            "CodexDynamoDBFaults",
            ["CodexCore", "CodexDynamoDB", "CodexStore", "FoundationEssentials"]),
        Layer(
            "CodexRemote",
            [
                "AsyncHTTPClient", "CodexCore", "CodexSignatures", "Crypto", "Foundation",
                "FoundationEssentials", "NIOCore", "NIOHTTP1", "NIOPosix", "Synchronization",
            ]),
        Layer("CodexSignatures", []),
        Layer(
            "CodexTesting",
            [
                "CodexCore", "CodexStore", "Foundation", "FoundationEssentials", "Synchronization",
            ]),
    ]

    /// The modules that a file imports, with any attributes, modifiers and kinds of declarations.
    private static func imports(_ text: String) -> Set<String> {
        let modifiers: Set<String> = ["public", "package", "internal", "fileprivate", "private"]
        let kinds: Set<String> = [
            "class", "enum", "func", "let", "protocol", "struct", "typealias", "var",
        ]
        func mayPrecede(_ word: String) -> Bool {
            word.hasPrefix("@") || word.hasSuffix(")") || modifiers.contains(word)
        }
        var modules: Set<String> = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map { String($0) }
            guard let keyword = words.firstIndex(of: "import"),
                words[..<keyword].allSatisfy({ mayPrecede($0) }),
                let path = words[(keyword + 1)...].first(where: { !kinds.contains($0) })
            else { continue }
            modules.insert(String(path.prefix { $0 != "." }))
        }
        return modules
    }

    @Test("An import counts with its attributes, and words of comments do not")
    func attributes() {
        let text = """
            import A
            @preconcurrency import B
            @_spi(One, Two) @_exported public import C
                internal import struct D.Date
            // Files import E.
            /// The modules that a file may import
            """
        #expect(Self.imports(text) == ["A", "B", "C", "D"])
    }

    @Test("A module imports the layers below it and nothing else", arguments: layers)
    func imports(layer: Layer) throws {
        let files = try TidyTests.sources("Sources/\(layer.module)")
        #expect(files.count >= 3)
        for (path, text) in files {
            let others = Self.imports(text).subtracting(layer.modules)
            #expect(others.isEmpty, "\(path) imports \(others.sorted())")
        }
    }

    @Test("Every module of the sources has its layer")
    func completeness() throws {
        let folder = TidyTests.root.appendingPathComponent("Sources").path
        let modules = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
            $0.hasPrefix("Codex")
        }
        let known = Set(Self.layers.map(\.module)).union(["CodexCLMDB", "CodexCZlib"])
        #expect(Set(modules) == known)
    }

    @Test("LMDB is imported in one folder, and zlib in one file")
    func systemLibraries() throws {
        for (path, text) in try TidyTests.sources("Sources/CodexStore")
        where Self.imports(text).contains("CodexCLMDB") {
            #expect(path.hasPrefix("LMDB/"), "\(path)")
        }
        for (path, text) in try TidyTests.sources("Sources/CodexCore")
        where Self.imports(text).contains("CodexCZlib") {
            #expect(path == "Codec/Compression.swift", "\(path)")
        }
    }

    @Test(
        "What serves any schema does not name CodexFlow",
        arguments: ["CodexIndex", "CodexStore", "CodexDynamoDB", "CodexDynamoDBFaults"])
    func domain(module: String) throws {
        for (path, text) in try TidyTests.sources("Sources/\(module)") {
            let lines = text.split(separator: "\n").filter {
                $0.contains("CodexFlow") || $0.contains("codexFlow")
            }
            #expect(lines.isEmpty, "\(path): \(lines)")
        }
    }

    @Test("The list of a new kind of index has each file that reads a property of an index")
    func indexKind() throws {
        let document = try String(
            contentsOf: TidyTests.root.appendingPathComponent("Docs/Architecture.md"),
            encoding: .utf8)
        let parts = document.components(separatedBy: "### A new kind of index")
        let list = try #require(parts.dropFirst().first?.components(separatedBy: "\n## ").first)
        let property = /\b(index|plan|definition)\??\.(multiValued|isUnique|layout|projection)\b/
        var count = 0
        for (path, text) in try TidyTests.sources("Sources") where text.contains(property) {
            // The projection of a request, and not of an index.
            guard path != "CodexCore/Expression/Language/ExpressionParser.swift" else { continue }
            count += 1
            #expect(list.contains("`\(path)`"), "Docs/Architecture.md")
        }
        #expect(count > 20)
    }

    @Test(
        "A program gets no layer that it does not need",
        arguments: [
            #".target(name: "CodexIndex", dependencies: ["CodexCore"])"#,
            #".target(name: "CodexWorkspace", dependencies: ["CodexCore"])"#,
            #".target(name: "Codex", dependencies: ["CodexCore", "CodexStore", "CodexWorkspace"])"#,
            #".target(name: "CodexDynamoDB", dependencies: ["CodexCore", "CodexStore"])"#,
            #".target(name: "CodexTesting", dependencies: ["CodexCore", "CodexStore"])"#,
            #".target(name: "CodexSignatures")"#,
        ])
    func manifest(target: String) throws {
        let manifest = try String(
            contentsOf: TidyTests.root.appendingPathComponent("Package.swift"), encoding: .utf8)
        #expect(manifest.contains(target))
    }
}
