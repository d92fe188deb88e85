import Foundation
import Testing

/// How large types are over all their files, and what files are called.
@Suite("Types and files")
struct TypeSizeTests {
    private static let memberCountMax = 40
    private static let lineCountMax = 600

    /// Types that are larger, by module and full name, each with the reason.
    private static let largeTypes = [
        "CodexCore.AttributeValue":
            "A value has ten kinds: each has a case, a property and a literal or initializer.",
        "CodexCore.CodexError":
            "What an error says of its place, and the errors of LMDB and of the system by code.",
        "CodexCore.CodexError.Code": "Each code of an error is a constant of the API.",
        "CodexCore.CodexFlow.Limits": "Each limit of the domain is a constant of the API.",
        "CodexCore.CodexFlow.Task": "The model with the most attributes, and the rules of each.",
        "CodexCore.Number": "Arithmetic, order, text and stored form of one value.",
        "CodexCore.Query":
            "The ways to make a query by fields, and the access patterns of all models.",
        "CodexDynamoDB.DynamoDBService": "The operations of DynamoDB's API, each in its own file.",
        "CodexDynamoDB.ResponseWriter":
            "Each part of a response is a member, beside the limits of its size.",
        "CodexRemote.RemoteTable":
            "The API of a remote table: each operation is a member, in the file of its job.",
        "CodexStore.Manifest":
            "What a store keeps about itself: each change is a member, in the file of its job.",
        "CodexStore.ReadableTransaction":
            "The API of reads: each call is a member, in the file of its job.",
        "CodexStore.StoreCore":
            "What all parts of an open store share, in the file of each job.",
        "CodexStore.Store": "The API of the engine: each call is a member, in the file of its job.",
        "CodexWorkspace.CodexFlow.DecisionContext":
            "What all commands read and write, in the file of each model.",
        "CodexStore.TransactionContext":
            "The steps of a read, in a file for each: items, images for writes, entities.",
        "CodexWorkspace.CodexFlow.Event": "An event has the attributes of each of its kinds.",
        "CodexWorkspace.CodexFlow.Event.Kind": "Each kind of event is a case of the API.",
        "CodexWorkspace.CodexFlow.Workspace":
            "The API of the domain: each command is a member, in the file of its model.",
        "CodexWorkspace.KnownReads":
            "What each command is known to read is a member, in the file of its model.",
    ]

    private static let operations = "Operations of DynamoDBService, named after their group."

    /// Files that have no type of their name, each with the reason.
    private static let otherFiles = [
        "Codex/Exports.swift": "It has no type, and exports other modules.",
        "CodexCore/CodexFlow/Models/Collaboration.swift":
            "Three small models of one subject: comments, dependencies, work logs.",
        "CodexCore/CodexFlow/Rules/SimpleRules.swift":
            "Rules of a few lines, of many models.",
        "CodexCore/Entity/AccessPattern.swift": "Lookups and queries: both are access patterns.",
        "CodexCore/Entity/Macros.swift": "It has no type, and declares macros.",
        "CodexCore/Value/ItemSize.swift": "One rule over values, maps and numbers.",
        "CodexDynamoDB/BatchOperations.swift": operations,
        "CodexDynamoDB/ItemOperations.swift": operations,
        "CodexDynamoDB/Keys.swift": "Keys of requests, as several types have them.",
        "CodexDynamoDB/PartiQL/StatementBatch.swift": operations,
        "CodexDynamoDB/PartiQL/StatementOperations.swift": operations,
        "CodexDynamoDB/PartiQL/StatementTransaction.swift": operations,
        "CodexDynamoDB/QueryOperations.swift": operations,
        "CodexDynamoDB/SingleWrite.swift": "What the writes of one item have in common.",
        "CodexDynamoDB/StreamOperations.swift": operations,
        "CodexDynamoDB/TableDescription.swift": "JSON that several operations answer with.",
        "CodexDynamoDB/TableOperations.swift": operations,
        "CodexDynamoDB/TransactionOperations.swift": operations,
        "CodexStore/Read/EntityRead+Failures.swift":
            "The steps of a read of an item that cannot be read.",
        "CodexStore/Read/EntityRead.swift": "The steps of one read, from the call to the entity.",
        "CodexStore/Read/ItemRead.swift": "The steps of one read, from the call to the bytes.",
    ]

    private struct Size {
        var memberCount = 0
        var lineCount = 0

        var isLarge: Bool {
            memberCount > TypeSizeTests.memberCountMax || lineCount > TypeSizeTests.lineCountMax
        }
    }

    private struct SourceFile {
        var path: String
        var parts: [SourceTypes.Part]

        var module: String { String(path.prefix { $0 != "/" }) }

        /// The type in the name: all of it, or what comes before a plus.
        var typeName: Substring {
            let name = path.split(separator: "/").last ?? ""
            return name.prefix { $0 != "+" && $0 != "." }
        }
    }

    private static func files(_ sources: [(path: String, text: String)]) -> [SourceFile] {
        sources.map { SourceFile(path: $0.path, parts: SourceTypes($0.text).parts) }
    }

    /// The sizes of all types that the sources declare.
    ///
    /// An extension in another module counts for the type. Types of other packages are left out.
    private static func sizes(_ files: [SourceFile]) -> [String: Size] {
        var modules: [String: Set<String>] = [:]
        for file in files {
            for part in file.parts where !part.isExtension {
                modules[part.name, default: []].insert(file.module)
            }
        }
        var sizes: [String: Size] = [:]
        for file in files {
            for part in file.parts {
                guard let known = modules[part.name], let other = known.min() else { continue }
                let module = known.contains(file.module) ? file.module : other
                sizes["\(module).\(part.name)", default: Size()].memberCount += part.memberCount
                sizes["\(module).\(part.name)", default: Size()].lineCount += part.lineCount
            }
        }
        return sizes
    }

    @Test("Types have at most 40 members and 600 lines over all their files, or a reason")
    func types() throws {
        let sizes = Self.sizes(Self.files(try TidyTests.sources("Sources")))
        #expect(sizes.count > 500)
        for (name, size) in sizes where size.isLarge {
            #expect(
                Self.largeTypes[name] != nil,
                "\(name) has \(size.memberCount) members and \(size.lineCount) lines.")
        }
        for name in Self.largeTypes.keys {
            #expect(sizes[name]?.isLarge == true, "\(name) needs no exception.")
        }
    }

    @Test("Files are named after a type in them, or have a reason")
    func names() throws {
        let files = Self.files(try TidyTests.sources("Sources"))
        #expect(files.count > 300)
        let others = files.filter { file in
            !file.parts.contains { $0.lastName == file.typeName }
        }.map(\.path)
        for path in others {
            #expect(Self.otherFiles[path] != nil, "\(path) has no type of its name.")
        }
        for path in Self.otherFiles.keys {
            #expect(others.contains(path), "\(path) needs no exception.")
        }
    }

    @Test("Members and lines are counted without comments, strings, bodies and inner types")
    func sample() {
        let text = #####"""
            // struct Comment {
            /* enum Nested { /* case inner */ case outer } */
            public struct Outer: Sendable {
                let first = "struct \(names.map { "}\($0)" }) {", second: Int
                @inline(__always) private(set) var third: Int {
                    get { let local = 1; return local }
                }
                static let text = """
                    func \#("{")
                    """
                let raw = #"a " \( func"#

                init(_ body: (Int) -> Void = { let inner = $0; _ = inner }) where Int: Sendable {
                    self.init()
                    struct Local { let value: Int }
                }

                enum Kind {
                    case a, b
                    indirect case c(Outer)
                }
                class func make() -> Outer { .init() }
                subscript(_ index: Int) -> Int { index }
            }

            extension Outer.Kind: Hashable {
                var `case`: Int { 0 }
            }
            actor Worker {}
            """#####
        let parts = SourceTypes(text).parts
        #expect(
            parts == [
                SourceTypes.Part(
                    name: "Outer", isExtension: false, memberCount: 7, lineCount: 17),
                SourceTypes.Part(
                    name: "Outer.Local", isExtension: false, memberCount: 1, lineCount: 1),
                SourceTypes.Part(
                    name: "Outer.Kind", isExtension: false, memberCount: 2, lineCount: 4),
                SourceTypes.Part(
                    name: "Outer.Kind", isExtension: true, memberCount: 1, lineCount: 3),
                SourceTypes.Part(
                    name: "Worker", isExtension: false, memberCount: 0, lineCount: 1),
            ])
    }

    @Test("Sizes are summed over files and modules, and names looked for in files")
    func sums() {
        let files = Self.files([
            ("One/Thing.swift", "struct Thing { let a = 1 }\nenum Other {}"),
            ("One/Thing+More.swift", "extension Thing {\n  var b: Int { 2 }\n}"),
            ("Two/Thing.swift", "extension Thing { func c() {} }\nextension Int { func d() {} }"),
            ("Two/Other.swift", "private enum Other { case e }"),
        ])
        let sizes = Self.sizes(files)
        #expect(sizes.keys.sorted() == ["One.Other", "One.Thing", "Two.Other"])
        #expect(sizes["One.Thing"]?.memberCount == 3)
        #expect(sizes["One.Thing"]?.lineCount == 5)
        #expect(sizes["Two.Other"]?.memberCount == 1)
        #expect(files.map { String($0.typeName) } == ["Thing", "Thing", "Thing", "Other"])
    }
}
