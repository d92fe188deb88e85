// swift-tools-version: 6.3
import PackageDescription

let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "Codex", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
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
