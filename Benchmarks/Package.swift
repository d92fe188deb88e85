// swift-tools-version: 6.3
import PackageDescription

let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "Codex", path: "..")],
    targets: [
        // The peer: LMDB through its C API, as one would use it without Codex.
        .target(
            name: "CBareLMDB",
            linkerSettings: [.linkedLibrary("lmdb")]
        ),
        // The peers of durable commits: LMDB with its own sync, and SQLite.
        .target(
            name: "CDurablePeers",
            linkerSettings: [.linkedLibrary("lmdb"), .linkedLibrary("sqlite3")]
        ),
        .executableTarget(
            name: "codex-ratios",
            dependencies: [
                "CBareLMDB",
                .product(name: "CodexCore", package: "Codex"),
                .product(name: "CodexStore", package: "Codex"),
            ]
        ),
        .executableTarget(
            name: "codex-bulk",
            dependencies: [
                "CBareLMDB",
                .product(name: "CodexCore", package: "Codex"),
                .product(name: "CodexStore", package: "Codex"),
            ]
        ),
        .executableTarget(
            name: "codex-durable",
            dependencies: [
                "CDurablePeers",
                .product(name: "CodexCore", package: "Codex"),
                .product(name: "CodexStore", package: "Codex"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
