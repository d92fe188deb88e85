// swift-tools-version: 6.3
import PackageDescription

let package = Package(
    name: "Tools",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "codexflow", targets: ["codexflow"])],
    traits: [
        .trait(
            name: "Server", description: "codexflow serve: DynamoDB's HTTP API, with Hummingbird."),
        .trait(
            name: "Encryption",
            description: "Encrypted fields, and exports in S3's layout, with swift-crypto."),
        .default(enabledTraits: ["Server", "Encryption"]),
    ],
    dependencies: [
        // Named, or the package would be known by the folder that it was cloned into.
        .package(
            name: "Codex", path: "..",
            traits: [.trait(name: "Encryption", condition: .when(traits: ["Encryption"]))]),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/ordo-one/TextTable", from: "0.0.2"),
        // Not fetched without the traits. For that, each product of them needs a condition, in
        // targets of tests too.
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CodexflowCZlib",
            pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]
        ),
        .executableTarget(
            name: "codexflow",
            dependencies: [
                "CodexflowCZlib",
                .target(name: "CodexflowServer", condition: .when(traits: ["Server"])),
                .product(name: "Codex", package: "Codex"),
                .product(name: "CodexCore", package: "Codex"),
                .product(
                    name: "CodexDynamoDB", package: "Codex", condition: .when(traits: ["Server"])),
                .product(
                    name: "CodexDynamoDBFaults", package: "Codex",
                    condition: .when(traits: ["Server"])),
                .product(
                    name: "_CodexSignatures", package: "Codex",
                    condition: .when(traits: ["Server"])),
                // Designs of tables, which need no trait.
                .product(name: "CodexRemote", package: "Codex"),
                .product(name: "CodexStore", package: "Codex"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(
                    name: "Crypto", package: "swift-crypto",
                    condition: .when(traits: ["Encryption"])),
                .product(name: "TextTable", package: "TextTable"),
            ]
        ),
        // The server of DynamoDB's protocol; empty without the trait.
        .target(
            name: "CodexflowServer",
            dependencies: [
                "CodexflowCZlib",
                .product(name: "CodexCore", package: "Codex"),
                .product(
                    name: "CodexDynamoDB", package: "Codex", condition: .when(traits: ["Server"])),
                .product(
                    name: "_CodexSignatures", package: "Codex",
                    condition: .when(traits: ["Server"])),
                .product(
                    name: "Crypto", package: "swift-crypto", condition: .when(traits: ["Server"])),
                .product(
                    name: "Hummingbird", package: "hummingbird",
                    condition: .when(traits: ["Server"])),
                .product(
                    name: "HummingbirdCore", package: "hummingbird",
                    condition: .when(traits: ["Server"])),
                .product(
                    name: "Logging", package: "swift-log", condition: .when(traits: ["Server"])),
                .product(
                    name: "NIOCore", package: "swift-nio", condition: .when(traits: ["Server"])),
                .product(
                    name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["Server"])),
                .product(
                    name: "NIOPosix", package: "swift-nio", condition: .when(traits: ["Server"])),
            ]
        ),
        .testTarget(
            name: "codexflowTests",
            dependencies: [
                "codexflow",
                .product(name: "Codex", package: "Codex"),
                .product(name: "CodexCore", package: "Codex"),
                .product(name: "CodexStore", package: "Codex"),
            ]
        ),
        .testTarget(
            name: "CodexflowServerTests",
            dependencies: [
                "CodexflowServer",
                .product(name: "CodexCore", package: "Codex"),
                .product(name: "CodexDynamoDB", package: "Codex"),
                .product(name: "CodexDynamoDBFaults", package: "Codex"),
                .product(name: "CodexStore", package: "Codex"),
                .product(name: "CodexTesting", package: "Codex"),
                .product(
                    name: "_CodexSignatures", package: "Codex",
                    condition: .when(traits: ["Server"])),
                .product(
                    name: "Crypto", package: "swift-crypto", condition: .when(traits: ["Server"])),
                .product(
                    name: "NIOCore", package: "swift-nio", condition: .when(traits: ["Server"])),
                .product(
                    name: "NIOEmbedded", package: "swift-nio",
                    condition: .when(traits: ["Server"])),
                .product(
                    name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["Server"])),
                .product(
                    name: "NIOPosix", package: "swift-nio", condition: .when(traits: ["Server"])),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
