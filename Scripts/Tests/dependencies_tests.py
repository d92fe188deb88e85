"""The lock of dependencies: what it has, how builds are brought to it and compared with it."""

import contextlib
import hashlib
import io
import json
import re
import socket
import unittest
from unittest import mock

import support
from support import ROOT, FolderTest, Source, resolved
import dependencies
from dependencies import Failure, Package

MANIFESTS = {"Package.swift": ["tests"], "Tools/Package.swift": ["server"],
             "Examples/TaskService/Package.swift": ["service"]}


def numbers(version):
    return tuple(int(number) for number in version.split("."))


class LockTests(unittest.TestCase):
    """The lock of this repository."""

    def setUp(self):
        self.lock = dependencies.read_lock()

    def test_each_package_has_a_version_a_tree_a_public_source_and_builds(self):
        self.assertEqual(list(self.lock), sorted(self.lock))
        for name, package in self.lock.items():
            self.assertRegex(package.version, r"^\d+\.\d+\.\d+$", name)
            self.assertRegex(package.tree, r"^[0-9a-f]{40}$", name)
            self.assertRegex(package.source, r"^https://github\.com/[\w.-]+/[\w.-]+$", name)
            self.assertEqual(package.source.rsplit("/", 1)[1].lower(), name)
            self.assertLessEqual(set(package.builds), set(dependencies.BUILDS), name)
            self.assertTrue(package.builds, name)

    def test_it_is_written_as_it_is_read(self):
        written = {}
        with mock.patch.object(dependencies, "replace", lambda path, text: written.update({path: text})):
            dependencies.write_lock(self.lock)
        self.assertEqual(list(written.values()), [(ROOT / dependencies.LOCK).read_text()])

    def test_what_the_manifests_ask_for_is_locked(self):
        for manifest, builds in MANIFESTS.items():
            text = (ROOT / manifest).read_text()
            asked = re.findall(r'\.package\(\s*url: "([^"]+)", from: "([^"]+)"', text)
            self.assertTrue(asked, manifest)
            self.assertEqual(text.count("url:"), len(asked), f"{manifest}: another requirement than from:")
            for source, least in asked:
                package = self.lock.get(source.rsplit("/", 1)[1].lower())
                self.assertIsNotNone(package, f"{manifest}: {source} is not locked: make lock")
                self.assertEqual(package.source, source)
                self.assertLessEqual(set(builds), set(package.builds), f"{manifest}: {source}")
                self.assertGreaterEqual(numbers(package.version), numbers(least), source)
                self.assertEqual(numbers(package.version)[0], numbers(least)[0], source)

    def test_the_program_without_the_server_needs_no_more_than_that_with_it(self):
        program, server = (dependencies.packages_of(build, self.lock) for build in ("program", "server"))
        self.assertLess(program.keys(), server.keys())

    def test_the_program_has_no_package_whose_products_all_depend_on_traits(self):
        """One product without a condition is enough for SwiftPM to fetch the package, also in a target of tests."""
        text = (ROOT / "Tools/Package.swift").read_text()
        products = re.findall(r'\.product\(\s*name: "[^"]+", package: "([^"]+)"(,\s*condition:)?', text)
        unconditional = {package.lower() for package, condition in products if not condition}
        self.assertIn("swift-crypto", {package for package, _ in products})
        asked = {url.rsplit("/", 1)[1].lower() for url in re.findall(r'url: "([^"]+)"', text)}
        self.assertEqual(
            asked & unconditional, asked & dependencies.packages_of("program", self.lock).keys())


class BuildTests(FolderTest):
    """Builds of a made-up package with two dependencies."""

    def setUp(self):
        super().setUp()
        manifest = self.folder / "Tools/Package.swift"
        manifest.parent.mkdir()
        manifest.write_text("// a manifest")
        self.path = manifest.with_name("Package.resolved")
        self.scratch = self.folder / ".build-serve"
        self.sources = {name: Source(self.folder / "sources" / name) for name in ("Alpha", "beta")}
        self.releases = {
            name.lower(): source.release("1.0.0", name) for name, source in self.sources.items()}
        self.lock = {
            name.lower(): Package(
                name.lower(), "1.0.0", self.releases[name.lower()][1], str(source.path), ["server"])
            for name, source in self.sources.items()}

    def build(self, **changes):
        """What SwiftPM leaves: the pins, and the checkouts of the packages of the lock."""
        pins = {name: ("1.0.0", commit) for name, (commit, _) in self.releases.items()}
        pins = {name: pin for name, pin in {**pins, **changes}.items() if pin}
        self.path.write_text(resolved(**pins))
        for name, source in self.sources.items():
            if name.lower() in pins:
                source.check_out(pins[name.lower()][1], self.scratch)

    def differences(self):
        return dependencies.differences("server", self.lock, root=self.folder)

    def pin(self):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            dependencies.pin("server", self.lock, self.folder)
        return said.getvalue()

    def expect(self, *expected):
        found = self.differences()
        self.assertEqual(len(found), len(expected), found)
        for line, text in zip(found, expected):
            self.assertIn(text, line)

    # MARK: check

    def test_a_build_as_it_was_locked_has_no_differences(self):
        self.build()
        self.expect()

    def test_another_version_is_a_difference(self):
        self.build(beta=("1.0.1", self.sources["beta"].release("1.0.1", "new")[0]))
        self.expect("beta: 1.0.1 is resolved, 1.0.0 is locked")

    def test_a_branch_is_a_difference(self):
        self.build(beta=(None, self.releases["beta"][0]))
        self.expect(f"beta: {self.releases['beta'][0]} is resolved, 1.0.0 is locked")

    def test_a_package_more_or_less_is_a_difference(self):
        self.build(beta=None, gamma=("2.0.0", "0" * 40))
        self.expect("beta: 1.0.0 is locked, and was not resolved",
                    "gamma: 2.0.0 is resolved, and is not locked")

    def test_a_build_that_was_not_made_or_not_resolved_is_a_difference(self):
        self.expect("it was not built in .build-serve")
        (self.scratch / "checkouts").mkdir(parents=True)
        self.expect("alpha: 1.0.0 is locked, and was not", "beta: 1.0.0 is locked, and was not")

    def test_a_tag_that_was_moved_to_other_files_is_a_difference(self):
        commit, tree = self.sources["beta"].release("1.0.0", "moved")
        self.build(beta=("1.0.0", commit))
        self.expect(f"beta 1.0.0: its files are others than those that were locked (tree {tree}")

    def test_the_same_files_in_another_commit_are_none(self):
        mirror = Source(self.folder / "mirror" / "beta")
        mirror.release("1.0.0", "beta")
        support.git(mirror.path, "commit", "-q", "--amend", "-m", "made by a mirror")
        commit, tree = support.git(mirror.path, "rev-parse", "HEAD", "HEAD^{tree}").split()
        self.assertNotEqual(commit, self.releases["beta"][0])
        self.assertEqual(tree, self.releases["beta"][1])
        self.sources["beta"] = mirror
        self.build(beta=("1.0.0", commit))
        self.expect()

    def test_a_changed_or_added_file_in_a_checkout_is_a_difference(self):
        for name in ("Code.swift", "More.swift"):
            self.build()
            path = self.scratch / "checkouts" / "Alpha" / name
            before = path.read_text() if path.exists() else None
            path.write_text("changed")
            self.expect("alpha 1.0.0: its files in .build-serve/checkouts/Alpha were changed")
            path.write_text(before) if before else path.unlink()
            self.expect()

    def test_a_checkout_that_is_missing_or_of_another_commit_is_a_difference(self):
        self.build()
        self.sources["beta"].check_out(self.sources["beta"].release("2.0.0", "two")[0], self.scratch)
        self.expect("beta 1.0.0: its checkout is at another commit")
        (self.scratch / "checkouts/Alpha").rename(self.folder / "moved")
        self.expect("alpha 1.0.0: it has no checkout", "beta 1.0.0: its checkout is at another commit")

    def test_a_build_elsewhere_is_compared_there(self):
        self.build()
        self.scratch.rename(self.folder / "moved")
        self.expect("it was not built in .build-serve")
        self.assertEqual(dependencies.differences("server", self.lock, "moved", self.folder), [])

    def test_differences_are_an_error_or_a_warning_and_say_what_to_do(self):
        self.build(beta=None)
        for warns, code in ((False, 1), (True, 0)):
            said = io.StringIO()
            with contextlib.redirect_stderr(said):
                self.assertEqual(dependencies.check(
                    ["server"], self.lock, warns=warns, root=self.folder), code)
            self.assertEqual("WARNING" in said.getvalue(), warns)
            for text in ("`server`", "beta: 1.0.0 is locked", "make lock", "LOCK=off"):
                self.assertIn(text, said.getvalue())

    # MARK: pin

    def test_a_first_build_is_pinned_to_the_lock_though_there_is_a_newer_version(self):
        self.sources["beta"].release("1.1.0", "newer")
        self.assertEqual(self.pin(), "")
        pins = dependencies.read_resolved(self.path)
        self.assertEqual({name: entry.revision for name, entry in pins.items()},
                         {name: commit for name, (commit, _) in self.releases.items()})
        written = json.loads(self.path.read_text())
        self.assertEqual(written["originHash"], hashlib.sha256(b"// a manifest").hexdigest())
        self.build()
        self.expect()

    def test_pins_of_other_versions_and_packages_are_replaced(self):
        newer = self.sources["beta"].release("1.1.0", "newer")[0]
        self.build(beta=("1.1.0", newer), gamma=("2.0.0", "0" * 40))
        self.pin()
        self.assertEqual({name: entry.version for name, entry in
                          dependencies.read_resolved(self.path).items()}, {"alpha": "1.0.0", "beta": "1.0.0"})

    def test_pins_that_are_as_locked_stay_as_swiftpm_wrote_them(self):
        self.build()
        before = self.path.read_text()
        with mock.patch.object(dependencies, "remote_revision", side_effect=AssertionError):
            self.pin()
        self.assertEqual(self.path.read_text(), before)

    def test_a_clone_of_an_earlier_build_is_asked_before_the_source(self):
        for name, source in self.sources.items():
            clones = self.folder / ".build-tools/repositories"
            clones.mkdir(parents=True, exist_ok=True)
            support.git(clones, "clone", "-q", "--bare", str(source.path), f"{name}-0a1b2c3d")
        with mock.patch.object(dependencies, "remote_revision", side_effect=AssertionError):
            self.pin()
        self.assertEqual(dependencies.read_resolved(self.path)["beta"].revision, self.releases["beta"][0])

    def test_a_tag_with_a_message_or_a_v_gives_its_commit(self):
        for version, options in (("3.0.0", ("-a", "-m", "text")), ("v4.0.0", ())):
            commit, tree = self.sources["beta"].release(version, version, *options)
            package = self.lock["beta"]._replace(version=version.lstrip("v"), tree=tree)
            self.assertEqual(dependencies.remote_revision(package, package.source), commit)

    def test_a_version_that_the_source_lacks_is_said_and_left_to_swiftpm(self):
        self.lock["beta"] = self.lock["beta"]._replace(version="1.0.5")
        said = self.pin()
        for text in ("WARNING", "beta 1.0.5", "SwiftPM chooses", "LOCK=off"):
            self.assertIn(text, said)
        self.assertFalse(self.path.exists())

    def test_a_source_that_does_not_answer_is_said_once_and_the_others_are_not_asked(self):
        names = [f"silent{number}" for number in range(40)]
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"git://127.0.0.1:{silent.getsockname()[1]}"
            self.lock = {name: Package(name, "1.0.0", "0" * 40, f"{address}/{name}", ["server"])
                         for name in names}
            asked = []
            real = dependencies.remote_revision
            with mock.patch.object(dependencies, "SOURCE_SECONDS", 0.2), mock.patch.object(
                    dependencies, "remote_revision",
                    lambda *arguments: asked.append(1) or real(*arguments)):
                said = self.pin()
        self.assertEqual(said.count("no answer in 0.2 s"), 1, said)
        self.assertLess(len(asked), len(names))
        self.assertFalse(self.path.exists())

    def test_a_package_whose_name_another_begins_with_is_not_taken_for_it(self):
        clones = self.folder / ".build-tools/repositories"
        clones.mkdir(parents=True)
        for name in ("beta-ssl-0a1b2c3d", "beta-0a1b2c3", "beta-0a1b2c3d-extra", "xbeta-0a1b2c3d"):
            support.git(clones, "clone", "-q", "--bare", str(self.sources["beta"].path), name)
        self.assertEqual(dependencies.clones("https://example.com/beta.git", self.folder), [])

    def test_swiftpms_mirrors_are_asked_the_manifests_before_the_users(self):
        home = self.folder / "home"
        package = self.lock["beta"]._replace(source="https://example.invalid/beta")
        for folder, mirror, expected in (
                (home, "user", "user"), (self.path.parent, "manifest", "manifest")):
            path = folder / dependencies.MIRRORS
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps({"version": 1, "object": [
                {"original": package.source + ".git", "mirror": mirror}]}))
            with mock.patch.object(dependencies.pathlib.Path, "home", lambda: home):
                found = dependencies.mirrors("server", self.folder)
            self.assertEqual(dependencies.mirrored(package, found), expected)
            self.assertEqual(dependencies.mirrored(self.lock["alpha"], found), self.lock["alpha"].source)

    def test_a_build_is_pinned_from_a_mirror(self):
        self.lock["beta"] = self.lock["beta"]._replace(source="https://example.invalid/beta")
        mirrors = {"https://example.invalid/beta": str(self.sources["beta"].path)}
        with mock.patch.object(dependencies, "mirrors", lambda *_: mirrors):
            self.assertEqual(self.pin(), "")
        self.assertEqual(dependencies.read_resolved(self.path)["beta"].revision, self.releases["beta"][0])

    def test_mirrors_that_cannot_be_read_are_named(self):
        path = self.path.parent / dependencies.MIRRORS
        path.parent.mkdir(parents=True)
        for text in ("", "[]", "{}", '{"object": [{}]}', '{"object": [{"original": 1, "mirror": 2}]}'):
            path.write_text(text)
            with self.assertRaisesRegex(Failure, "mirrors.json", msg=text):
                dependencies.mirrors("server", self.folder)

    # MARK: make

    def test_a_difference_is_a_warning_in_make_run_and_serve_and_an_error_where_it_is_asked_for(self):
        makefile = (ROOT / "Makefile").read_text()
        rules = {rule.split(":", 1)[0]: rule for rule in re.split(r"\n(?=[\w-]+:)", makefile)}
        for name, build in (("run", "program"), ("serve", "server")):
            self.assertIn(f"$(CHECK) --warn {build}\n", rules[name])
        for name in ("check-dependencies", "sbom"):
            self.assertRegex(rules[name], r"dependencies\.py check")
            self.assertNotRegex(rules[name].replace("$(if $(filter off,$(LOCK)),--warn)", ""), "--warn")

    def test_a_damaged_package_resolved_is_replaced_when_pinned_and_refused_when_checked(self):
        for text in ("", "{}", '{"version": 9, "pins": []}', "[]"):
            self.path.write_text(text)
            with self.assertRaises(Failure, msg=text):
                self.differences()
            self.pin()
            self.assertEqual(len(dependencies.read_resolved(self.path)), 2)

    # MARK: lock

    def resolving(self, *builds):
        """Lets SwiftPM resolve to what `build` makes, for these builds."""
        chosen = {name: build._replace(scratch=".build-serve", manifest="Tools")
                  for name, build in dependencies.BUILDS.items() if name in builds}
        return (mock.patch.dict(dependencies.BUILDS, chosen, clear=True),
                mock.patch.object(dependencies, "resolve", lambda *_: self.build()))

    def lock_all(self, *builds):
        builds, resolve = self.resolving(*builds)
        said = io.StringIO()
        (self.folder / "Scripts").mkdir(exist_ok=True)
        with builds, resolve, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            dependencies.lock_all(root=self.folder)
        return said.getvalue()

    def test_a_lock_is_of_what_was_resolved_with_the_builds_that_need_it(self):
        said = self.lock_all("server", "program")
        lock = dependencies.read_lock(self.folder)
        self.assertEqual(lock["beta"].builds, ["program", "server"])
        self.assertEqual(lock["beta"].tree, self.releases["beta"][1])
        self.assertIn("beta: none to 1.0.0", said)
        self.assertNotIn("beta: ", self.lock_all("server", "program"))

    def test_a_package_without_a_version_is_not_locked(self):
        commit = self.releases["beta"][0]
        builds, _ = self.resolving("server")
        resolve = mock.patch.object(dependencies, "resolve", lambda *_: self.build(beta=(None, commit)))
        with builds, resolve, self.assertRaises(Failure):
            dependencies.lock_all(root=self.folder)

    def test_builds_that_need_two_versions_of_a_package_are_refused(self):
        known = {"beta": Package("beta", "0.9.0", "0" * 40, "", ["tests"])}
        self.build()
        with self.assertRaisesRegex(Failure, "1.0.0 in the build `server` and 0.9.0"):
            dependencies.locked("server", known, self.folder)

    def test_a_lock_that_is_none_is_refused(self):
        path = self.folder / dependencies.LOCK
        path.parent.mkdir()
        for text in ("", "[]", "{}", '{"format": 1, "packages": [{}]}', '{"format": 2, "packages": []}'):
            path.write_text(text)
            with self.assertRaises(Failure, msg=text):
                dependencies.read_lock(self.folder)


if __name__ == "__main__":
    unittest.main()
