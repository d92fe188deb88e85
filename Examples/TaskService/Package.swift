// swift-tools-version: 6.3
import PackageDescription

let package = Package(
    name: "TaskService",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "Codex", path: "../..", traits: ["Encryption", "Remote"]),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The service, for programs and tests.
        .target(
            name: "TaskService",
            dependencies: [
                .product(name: "Codex", package: "Codex"),
                .product(name: "CodexRemote", package: "Codex"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        // The program.
        .executableTarget(
            name: "task-service",
            dependencies: [
                "TaskService",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Codex", package: "Codex"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        // The baseline for comparisons of speed.
        .executableTarget(
            name: "bare-handler",
            dependencies: [
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(
            name: "TaskServiceTests",
            dependencies: [
                "TaskService", "task-service",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Codex", package: "Codex"),
                .product(name: "CodexDynamoDB", package: "Codex"),
                .product(name: "CodexRemote", package: "Codex"),
                .product(name: "CodexTesting", package: "Codex"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
