"""What SwiftPM fetches for a program that uses the library, with and without the trait Macros.

SwiftPM compiles two manifests for each check, so `make nested` runs these and `make test-scripts` does not.
"""

import json
import os
import subprocess
import unittest

from support import ROOT, FolderTest, Source

SYNTAX = "https://github.com/swiftlang/swift-syntax"
PRODUCTS = [
    "SwiftCompilerPlugin", "SwiftDiagnostics", "SwiftSyntax", "SwiftSyntaxBuilder",
    "SwiftSyntaxMacroExpansion", "SwiftSyntaxMacros", "SwiftSyntaxMacrosGenericTestSupport"]

CLIENT = """// swift-tools-version: 6.3
import PackageDescription

let package = Package(
    name: "Client",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "Codex", path: "%s"%s)],
    targets: [
        .executableTarget(name: "Client", dependencies: [.product(name: "Codex", package: "Codex")])
    ])
"""

# A package with the products of swift-syntax, and nothing in them.
STAND_IN = """// swift-tools-version: 6.0
import PackageDescription

let names = %s
let package = Package(
    name: "swift-syntax", products: names.map { .library(name: $0, targets: ["Empty"]) },
    targets: [.target(name: "Empty", path: ".", sources: ["Code.swift"])])
"""


def identities(package):
    """The packages that a package needs, directly or not."""
    found = set()
    for dependency in package["dependencies"]:
        found |= {dependency["identity"]} | identities(dependency)
    return found


class ClientTests(FolderTest):
    """A program that depends on the library by its path."""

    def setUp(self):
        super().setUp()
        source = Source(self.folder / "sources" / "swift-syntax")
        (source.path / "Package.swift").write_text(STAND_IN % json.dumps(PRODUCTS))
        source.release("603.0.1", "// nothing")
        self.source = source

    def resolve(self, options):
        """The packages of the client, and the folders that SwiftPM fetched."""
        client = self.folder / "client"
        (client / "Sources/Client").mkdir(parents=True)
        (client / "Sources/Client/main.swift").write_text("")
        (client / "Package.swift").write_text(CLIENT % (ROOT, options))
        mirrors = client / ".swiftpm/configuration/mirrors.json"
        mirrors.parent.mkdir(parents=True)
        mirrors.write_text(json.dumps({"version": 1, "object": [
            {"original": SYNTAX, "mirror": str(self.source.path)}]}))
        scratch = self.folder / "scratch"
        places = [
            part for name in ("cache", "config", "security")
            for part in (f"--{name}-path", str(self.folder / name))]
        result = subprocess.run(
            [os.environ.get("SWIFT", "swift"), "package", "--package-path", str(client),
             "--scratch-path", str(scratch), *places, "show-dependencies", "--format", "json"],
            capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        fetched = {path.name for path in scratch.glob("checkouts/*")}
        # Progress may be printed before.
        package = json.loads(result.stdout[result.stdout.index("{"):])
        return identities(package), fetched

    def test_without_the_trait_nothing_is_fetched(self):
        packages, fetched = self.resolve("")
        self.assertEqual(len(packages), 1, packages)
        self.assertEqual(fetched, set())

    def test_with_the_trait_swift_syntax_is_fetched(self):
        packages, fetched = self.resolve(', traits: ["Macros"]')
        self.assertIn("swift-syntax", packages)
        self.assertEqual(fetched, {"swift-syntax"})


if __name__ == "__main__":
    unittest.main()
