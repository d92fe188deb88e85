"""The bill of materials, against the lock of dependencies."""

import json
import os
import re
import unittest
import uuid
from unittest import mock

from support import ROOT, FolderTest
import dependencies
import sbom

PARTS = [
    sbom.component("library", "liblmdb0", "0.9.24-1", "pkg:deb/debian/liblmdb0@0.9.24-1?arch=amd64"),
    sbom.component("platform", "swift", "6.3.1", "pkg:generic/swift@6.3.1")]


class DocumentTests(unittest.TestCase):
    def setUp(self):
        self.lock = dependencies.read_lock()
        clean = {key: value for key, value in os.environ.items() if key != "SOURCE_DATE_EPOCH"}
        patch = mock.patch.dict(os.environ, clean, clear=True)
        patch.start()
        self.addCleanup(patch.stop)

    def document(self, build="server", lock=None):
        return sbom.document(build, lock or self.lock, ROOT, PARTS)

    def test_it_lists_each_locked_package_of_the_build_and_no_other(self):
        for build in ("server", "program"):
            found = {
                (component["purl"], component["properties"][0]["value"])
                for component in self.document(build)["components"]
                if component["purl"].startswith("pkg:swift/")}
            self.assertEqual(found, {
                (package.source.replace("https://", "pkg:swift/") + "@" + package.version, package.tree)
                for package in dependencies.packages_of(build, self.lock).values()})

    def test_it_lists_the_other_parts_and_the_program_with_its_version(self):
        document = self.document()
        self.assertLessEqual(
            {part["purl"] for part in PARTS}, {part["purl"] for part in document["components"]})
        program = document["metadata"]["component"]
        self.assertEqual(program["name"], "codexflow")
        self.assertIn(f'version: "{program["version"]}"', (ROOT / sbom.PROGRAM_SOURCE).read_text())

    def test_it_has_the_form_of_cyclonedx(self):
        document = self.document()
        self.assertEqual((document["bomFormat"], document["specVersion"]), ("CycloneDX", "1.5"))
        self.assertRegex(document["serialNumber"], r"^urn:uuid:[0-9a-f-]{36}$")
        components = document["components"] + [document["metadata"]["component"]]
        references = [component["bom-ref"] for component in components]
        self.assertEqual(len(references), len(set(references)))
        for component in components:
            self.assertIn(component["type"], ("application", "library", "platform"))
            self.assertTrue(component["name"] and component["version"])
        for dependency in document["dependencies"]:
            self.assertLessEqual({dependency["ref"], *dependency["dependsOn"]}, set(references))

    def test_it_is_the_same_each_time_and_without_a_time(self):
        first = sbom.text(self.document())
        self.assertEqual(first, sbom.text(self.document()))
        self.assertNotIn("timestamp", first)
        self.assertNotIn(str(ROOT), first)

    def test_source_date_epoch_is_its_time(self):
        with mock.patch.dict(os.environ, SOURCE_DATE_EPOCH="1700000000"):
            self.assertEqual(self.document()["metadata"]["timestamp"], "2023-11-14T22:13:20Z")

    def test_other_contents_have_another_serial_number(self):
        package = self.lock["swift-nio"]
        changed = {**self.lock, "swift-nio": package._replace(tree="0" * 40)}
        numbers = {document["serialNumber"] for document in (
            self.document(), self.document(lock=changed), self.document("program"))}
        self.assertEqual(len(numbers), 3)
        for number in numbers:
            self.assertEqual(uuid.UUID(number.split(":")[-1]).version, 5)


class MachineTests(FolderTest):
    """What is asked of the machine."""

    def library(self):
        with mock.patch.dict(os.environ, PATH=str(self.folder / "bin")):
            return sbom.library("lmdb", "liblmdb0", {"ID": "debian", "VERSION_ID": "12"})

    def test_a_library_that_dpkg_knows_has_debians_version(self):
        self.program("dpkg-query", 'printf "1:0.9.24+b1 amd64"')
        self.assertEqual(
            self.library()["purl"], "pkg:deb/debian/liblmdb0@1:0.9.24%2Bb1?arch=amd64&distro=debian-12")

    def test_another_has_that_of_pkg_config(self):
        self.program("pkg-config", "echo 0.9.31")
        self.assertEqual(self.library()["purl"], "pkg:generic/lmdb@0.9.31")

    def test_a_library_that_is_not_there_is_an_error(self):
        self.program("pkg-config", "exit 1")
        with self.assertRaisesRegex(dependencies.Failure, "Scripts/bootstrap"):
            self.library()

    def test_the_script_writes_a_file(self):
        self.program("swift", 'echo "Swift version 6.3.1 (swift-6.3.1-RELEASE)"')
        output = self.folder / "made" / "sbom.json"
        run = self.run_script(
            "sbom.py", "--build", "program", "--output", str(output), SWIFT=str(self.folder / "bin/swift"))
        self.assertEqual(run.returncode, 0, run.stderr)
        names = {component["name"] for component in json.loads(output.read_text())["components"]}
        self.assertLessEqual({"swift", "swift-argument-parser", "TextTable"}, names)
        self.assertNotIn("swift-crypto", names)
        self.assertTrue(any(re.search("lmdb", name) for name in names))

    def test_a_compiler_that_does_not_answer_is_an_error(self):
        self.program("swift", "exit 1")
        run = self.run_script("sbom.py", SWIFT=str(self.folder / "bin/swift"))
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertIn("swift --version", run.stderr)


if __name__ == "__main__":
    unittest.main()
