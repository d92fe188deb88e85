// swift-tools-version: 6.3
import PackageDescription

let package = Package(
    name: "Examples",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "Codex", path: "..")],
    targets: [
        .executableTarget(
            name: "QuickStart",
            dependencies: [
                .product(name: "CodexCore", package: "Codex"),
                .product(name: "CodexStore", package: "Codex"),
            ]
        ),
        .executableTarget(
            name: "PlanningImport",
            dependencies: [
                .product(name: "CodexCore", package: "Codex"),
                .product(name: "CodexStore", package: "Codex"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
