// swift-tools-version: 6.3
import PackageDescription

let package = Package(
    name: "Examples",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "Codex", path: "..")],
    targets: [
        .executableTarget(
            name: "QuickStart",
            dependencies: [.product(name: "Codex", package: "Codex")]
        ),
        .executableTarget(
            name: "PlanningImport",
            dependencies: [.product(name: "Codex", package: "Codex")]
        ),
    ],
    swiftLanguageModes: [.v6]
)
