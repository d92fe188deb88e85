// swift-tools-version: 6.3
import PackageDescription

let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v15)],
    traits: [
        .trait(
            name: "Remote",
            description: "codex-bench-remote: remote tables, with async-http-client.")
    ],
    dependencies: [
        .package(
            name: "Codex", path: "..",
            traits: [.trait(name: "Remote", condition: .when(traits: ["Remote"]))]),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        // Not fetched without the trait.
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.0.0"),
        // Without its traits: they replace malloc and the runtime's counting of references.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.0", traits: []),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // LMDB through its C API, as one would use it without Codex.
        .target(
            name: "CBareLMDB",
            linkerSettings: [.linkedLibrary("lmdb")]
        ),
        // The peers of durable commits: LMDB with its own sync, SQLite and RocksDB, all in C.
        .target(
            name: "CDurablePeers",
            linkerSettings: [
                .linkedLibrary("lmdb"), .linkedLibrary("sqlite3"), .linkedLibrary("rocksdb"),
            ]
        ),
        // Redis, by its C client.
        .target(name: "CCachePeer", linkerSettings: [.linkedLibrary("hiredis")]),
        .executableTarget(
            name: "codex-bench",
            dependencies: [
                "CBareLMDB",
                "CCachePeer",
                "CDurablePeers",
                .product(name: "Codex", package: "Codex"),
                .product(name: "CodexCore", package: "Codex"),
                .product(name: "CodexStore", package: "Codex"),
                .product(name: "_MeasuredPaths", package: "Codex"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ]
        ),
        // Remote tables: the client beside a bare one, agents, a consumer. `make bench-remote`.
        .executableTarget(
            name: "codex-bench-remote",
            dependencies: [
                .remote("CodexCore", of: "Codex"),
                .remote("CodexRemote", of: "Codex"),
                .remote("CodexWorkspace", of: "Codex"),
                .remote("_CodexSignatures", of: "Codex"),
                .remote("AsyncHTTPClient", of: "async-http-client"),
                .remote("Crypto", of: "swift-crypto"),
                .remote("NIOCore", of: "swift-nio"),
                .remote("NIOHTTP1", of: "swift-nio"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]
        ),
        // Each path by itself: `swift package benchmark`.
        .executableTarget(
            name: "CodexSuites",
            dependencies: [
                .product(name: "_MeasuredPaths", package: "Codex"),
                .product(name: "Benchmark", package: "benchmark"),
            ],
            path: "Benchmarks/CodexSuites",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
        ),
    ],
    swiftLanguageModes: [.v6]
)

extension Target.Dependency {
    /// A product that only builds with the trait Remote need.
    static func remote(_ product: String, of package: String) -> Self {
        .product(name: product, package: package, condition: .when(traits: ["Remote"]))
    }
}
