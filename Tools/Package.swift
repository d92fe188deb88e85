// swift-tools-version: 6.3
import PackageDescription

let package = Package(
    name: "Tools",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "codexflow", targets: ["codexflow"])],
    dependencies: [
        // Named, or the package would be known by the folder that it was cloned into.
        .package(name: "Codex", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "3.0.0"),
        .package(url: "https://github.com/ordo-one/TextTable", from: "0.0.2"),
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
                .product(name: "CodexCore", package: "Codex"),
                .product(name: "CodexStore", package: "Codex"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "TextTable", package: "TextTable"),
            ]
        ),
        .testTarget(name: "codexflowTests", dependencies: ["codexflow"]),
    ],
    swiftLanguageModes: [.v6]
)
