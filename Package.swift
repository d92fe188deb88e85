// swift-tools-version: 6.3
import CompilerPluginSupport
import PackageDescription

let package = Package(
    name: "Codex",
    platforms: [.macOS(.v15)],
    products: [
        // All that a program embeds: the engine, and the workspace on it.
        .library(name: "Codex", targets: ["Codex"]),
        .library(name: "CodexCore", targets: ["CodexCore"]),
        .library(name: "CodexIndex", targets: ["CodexIndex"]),
        .library(name: "CodexStore", targets: ["CodexStore"]),
        // The workspace on any table, without the engine and without liblmdb.
        .library(name: "CodexWorkspace", targets: ["CodexWorkspace"]),
        .library(name: "CodexDynamoDB", targets: ["CodexDynamoDB"]),
        .library(name: "CodexDynamoDBFaults", targets: ["CodexDynamoDBFaults"]),
        .library(name: "CodexTesting", targets: ["CodexTesting"]),
        // A client of tables in DynamoDB, without the engine and without liblmdb.
        .library(name: "CodexRemote", targets: ["CodexRemote"]),
        // For the server in Tools/ alone.
        .library(name: "_CodexSignatures", targets: ["CodexSignatures"]),
        // For the packages in Benchmarks/ alone.
        .library(name: "_MeasuredPaths", targets: ["MeasuredPaths"]),
    ],
    traits: [
        .trait(
            name: "Encryption",
            description:
                "Encrypted fields (FileKeyProvider, StoreOptions.encryptionKeys), with swift-crypto."
        ),
        .trait(
            name: "Macros",
            description:
                "The macro @Entity, which writes definitions and conversions, with swift-syntax."
        ),
        .trait(
            name: "Remote",
            description:
                "Tables in DynamoDB (CodexRemote), with async-http-client and swift-crypto."
        ),
    ],
    dependencies: [
        // Not fetched without their traits.
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swiftlang/swift-syntax", from: "603.0.1"),
    ],
    targets: [
        .systemLibrary(
            name: "CodexCLMDB",
            pkgConfig: "lmdb",
            providers: [.apt(["liblmdb-dev"]), .brew(["lmdb"])]
        ),
        .systemLibrary(
            name: "CodexCZlib",
            pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]
        ),
        // What the compiler runs for `@Entity`; it does nothing without the trait.
        .macro(
            name: "CodexMacros",
            dependencies: [
                .swiftSyntax("SwiftCompilerPlugin"),
                .swiftSyntax("SwiftDiagnostics"),
                .swiftSyntax("SwiftSyntax"),
                .swiftSyntax("SwiftSyntaxBuilder"),
                .swiftSyntax("SwiftSyntaxMacros"),
            ]),
        .target(
            name: "CodexCore",
            dependencies: [
                "CodexCZlib",
                .target(name: "CodexMacros", condition: .when(traits: ["Macros"])),
            ]),
        .target(name: "CodexIndex", dependencies: ["CodexCore"]),
        .target(
            name: "CodexStore",
            dependencies: [
                "CodexCore", "CodexIndex", "CodexCLMDB",
                .product(
                    name: "Crypto", package: "swift-crypto",
                    condition: .when(traits: ["Encryption"])),
            ]),
        // Commands, events, analytics and risk: decisions over a table that anything may keep.
        .target(name: "CodexWorkspace", dependencies: ["CodexCore"]),
        // The workspace on a store of this process; imports of it bring the other three.
        .target(name: "Codex", dependencies: ["CodexCore", "CodexStore", "CodexWorkspace"]),
        // DynamoDB's API over a store, request by request; a server is in Tools.
        .target(name: "CodexDynamoDB", dependencies: ["CodexCore", "CodexStore"]),
        // The same API with faults, for tests of programs.
        .target(
            name: "CodexDynamoDBFaults",
            dependencies: ["CodexCore", "CodexDynamoDB", "CodexStore"]),
        .target(name: "CodexTesting", dependencies: ["CodexCore", "CodexStore"]),
        // What Signature Version 4 signs: for the server, which checks it, and for the client.
        .target(name: "CodexSignatures"),
        // A client of DynamoDB's API; without the trait, it only designs tables.
        .target(
            name: "CodexRemote",
            dependencies: [
                "CodexCore", "CodexSignatures",
                .remote("AsyncHTTPClient", of: "async-http-client"),
                .remote("Crypto", of: "swift-crypto"),
                .remote("NIOCore", of: "swift-nio"),
                .remote("NIOHTTP1", of: "swift-nio"),
                .remote("NIOPosix", of: "swift-nio"),
            ]),
        // What the tests run, and kill, as other processes.
        .executableTarget(
            name: "codex-test-agent",
            dependencies: [
                "Codex", "CodexCore", "CodexStore", "CrashSupport", "Histories", "HostCalls",
                "PlantedFaults", "TestSupport",
            ],
            path: "Tests/TestAgent"),
        // Forks, and limits of a process.
        .target(name: "HostCalls", path: "Tests/HostCalls"),
        // What those that write and those that check agree on.
        .target(
            name: "CrashSupport",
            dependencies: ["CodexCore", "CodexStore", "PlantedFaults", "TestSupport"],
            path: "Tests/CrashSupport"),
        // Collaborators of a store with faults that tests must find.
        .target(
            name: "PlantedFaults", dependencies: ["CodexCore", "CodexStore"],
            path: "Tests/PlantedFaults"),
        // Records of what processes did to lists, and their check, which knows no engine.
        .target(name: "Histories", path: "Tests/Histories"),
        // Other processes, small disks, chance from a seed, sample tables, a search for secrets.
        .target(
            name: "TestSupport", dependencies: ["CodexCore", "CodexCZlib"],
            path: "Tests/TestSupport"),
        // What benchmarks and counts of instructions measure.
        .target(
            name: "MeasuredPaths",
            dependencies: [
                "CodexCore", "CodexDynamoDB", "CodexIndex", "CodexStore", "CodexTesting",
            ],
            path: "Tests/MeasuredPaths"),
        // Makes fixtures of the stored format.
        .executableTarget(
            name: "codex-fixtures", dependencies: ["CodexCore", "CodexStore"],
            path: "Tests/FixtureMaker", exclude: ["README.md", "Format2"]),
        .target(name: "CountedCalls", path: "Tests/CountedCalls"),
        .executableTarget(
            name: "codex-counts", dependencies: ["CountedCalls", "MeasuredPaths"],
            path: "Tests/PathCounter"),
        // Decoders, parsers and the service, each with what must hold for any bytes.
        .target(
            name: "FuzzTargets",
            dependencies: [
                "CodexCore", "CodexDynamoDB", "CodexIndex", "CodexStore", "CodexTesting",
                "CodexWorkspace",
            ],
            path: "Tests/FuzzTargets"),
        // Replays inputs; `make fuzz` builds it with libFuzzer's `main`.
        .executableTarget(
            name: "codex-fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz",
            exclude: ["Corpus", "Dictionaries"]),
        // System calls that fail on demand.
        .target(name: "FaultyCalls", path: "Tests/FaultyCalls"),
        // System calls of processes that take turns, and a journal of their changes of files.
        .target(name: "SimulatedCalls", path: "Tests/SimulatedCalls"),
        // What the simulator starts: commands on a store, with simulated calls.
        .executableTarget(
            name: "codex-simulated",
            dependencies: [
                "CodexCore", "CodexStore", "CodexTesting", "PlantedFaults", "SimulatedCalls",
            ],
            path: "Tests/SimulatedProcess"),
        // Histories of several processes from a seed, their disk, and what must be true of them.
        .target(
            name: "Simulation", dependencies: ["SimulatedCalls"], path: "Tests/Simulation"),
        .executableTarget(
            name: "codex-simulate", dependencies: ["Simulation"], path: "Tests/Simulate"),
        .testTarget(name: "CodexCoreTests", dependencies: ["CodexCore", "TestSupport"]),
        .testTarget(
            name: "CodexIndexTests", dependencies: ["CodexCore", "CodexIndex", "TestSupport"]),
        .testTarget(
            name: "CodexStoreTests",
            dependencies: [
                "Codex", "CodexCore", "CodexIndex", "CodexStore", "CodexTesting", "TestSupport",
                "codex-test-agent",
            ],
            exclude: ["Fixtures"]
        ),
        .testTarget(
            name: "DurabilityTests",
            dependencies: [
                "Codex", "CodexCore", "CodexStore", "CodexTesting", "CrashSupport", "FaultyCalls",
                "PlantedFaults", "TestSupport", "codex-test-agent",
            ]
        ),
        .testTarget(
            name: "HistoryTests",
            dependencies: [
                "CodexCore", "CodexStore", "CodexTesting", "CrashSupport", "Histories",
                "TestSupport", "codex-test-agent",
            ]),
        // Hours of a mixed load, in seconds.
        .testTarget(
            name: "SoakTests",
            dependencies: [
                "CodexCore", "CodexStore", "CodexTesting", "CrashSupport", "TestSupport",
                "codex-test-agent",
            ]),
        .testTarget(
            name: "BackupTests",
            dependencies: [
                "CodexCore", "CodexStore", "CodexTesting", "PlantedFaults", "TestSupport",
                "codex-test-agent",
            ]),
        .testTarget(
            name: "CodexDynamoDBTests",
            dependencies: [
                "CodexCore", "CodexDynamoDB", "CodexDynamoDBFaults", "CodexStore", "CodexTesting",
                "TestSupport", "codex-test-agent",
            ]),
        .testTarget(
            name: "DomainTests",
            dependencies: [
                "Codex", "CodexCore", "CodexDynamoDB", "CodexDynamoDBFaults", "CodexRemote",
                "CodexStore", "CodexTesting", "CodexWorkspace", "TestSupport", "codex-test-agent",
            ],
            exclude: ["Fixtures"]),
        .testTarget(
            name: "CacheTests",
            dependencies: [
                "Codex", "CodexCore", "CodexStore", "CodexTesting", "TestSupport",
                "codex-test-agent",
            ]),
        .testTarget(
            name: "EncryptionTests",
            dependencies: [
                "Codex", "CodexCore", "CodexDynamoDB", "CodexIndex", "CodexStore", "CodexTesting",
                "TestSupport", "codex-test-agent",
            ]),
        .testTarget(
            name: "ModelTests",
            dependencies: [
                "CodexCore", "CodexStore", "CodexTesting", "PlantedFaults", "TestSupport",
            ]),
        .testTarget(name: "FuzzCorpusTests", dependencies: ["FuzzTargets"]),
        // Types that the macro made entities, beside the same by hand.
        .testTarget(
            name: "MacroTests",
            dependencies: ["CodexCore", "CodexStore", "CodexTesting", "TestSupport"]),
        // What the macro writes, and the mistakes that it reports.
        .testTarget(
            name: "MacroExpansionTests",
            dependencies: [
                .target(name: "CodexMacros", condition: .when(traits: ["Macros"])),
                .swiftSyntax("SwiftDiagnostics"),
                .swiftSyntax("SwiftSyntax"),
                .swiftSyntax("SwiftSyntaxBuilder"),
                .swiftSyntax("SwiftSyntaxMacroExpansion"),
                .swiftSyntax("SwiftSyntaxMacrosGenericTestSupport"),
            ]),
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "SimulatedCalls", "Simulation", "TestSupport", "codex-simulate", "codex-simulated",
            ],
            exclude: ["Kept"]),
        .testTarget(
            name: "CodexRemoteTests",
            dependencies: [
                "CodexCore", "CodexDynamoDB", "CodexDynamoDBFaults", "CodexRemote",
                "CodexSignatures", "CodexStore", "CodexTesting", "CodexWorkspace", "TestSupport",
                .remote("NIOCore", of: "swift-nio"),
                .remote("NIOPosix", of: "swift-nio"),
            ]),
        .testTarget(name: "TidyTests"),
        .testTarget(
            name: "ClientTests",
            dependencies: [
                "Codex", "CodexCore", "CodexDynamoDB", "CodexDynamoDBFaults", "CodexIndex",
                "CodexStore", "CodexTesting",
            ]),
    ],
    swiftLanguageModes: [.v6]
)

let upcomingFeatures: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461
    .enableUpcomingFeature("InferIsolatedConformances"),  // SE-0470
    .enableUpcomingFeature("ImmutableWeakCaptures"),  // SE-0481
]

for target in package.targets {
    switch target.type {
    case .regular: target.swiftSettings = upcomingFeatures + [.strictMemorySafety()]  // SE-0458
    case .macro: target.swiftSettings = upcomingFeatures
    // The client tests compile as a user's package would: without any flag.
    case .test where target.name != "ClientTests": target.swiftSettings = upcomingFeatures
    default: break
    }
}

extension Target.Dependency {
    /// A product of swift-syntax, which only builds with the trait Macros fetch.
    static func swiftSyntax(_ product: String) -> Self {
        .product(name: product, package: "swift-syntax", condition: .when(traits: ["Macros"]))
    }

    /// A product for CodexRemote, which needs it only with the trait Remote.
    static func remote(_ product: String, of package: String) -> Self {
        .product(name: product, package: package, condition: .when(traits: ["Remote"]))
    }
}
