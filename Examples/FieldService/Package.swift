// swift-tools-version: 6.3
import PackageDescription

let package = Package(
    name: "FieldService",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "Codex", path: "../..")],
    targets: [
        // The model, the commands, the second release, and the work of its processes.
        .target(
            name: "FieldService",
            dependencies: [.product(name: "Codex", package: "Codex")]
        ),
        // The program.
        .executableTarget(name: "field-service", dependencies: ["FieldService"]),
        .testTarget(
            name: "FieldServiceTests",
            dependencies: [
                "FieldService", "field-service",
                .product(name: "Codex", package: "Codex"),
                .product(name: "CodexTesting", package: "Codex"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
