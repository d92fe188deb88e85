"""What is installed: the system's packages by bootstrap, Python's by python-clients."""

import re
import shutil
import subprocess
import unittest

from support import SCRIPTS, FolderTest


class BootstrapTests(FolderTest):
    """On a made-up machine whose PATH has what the test put there."""

    def setUp(self):
        super().setUp()
        self.log = self.folder / "log"
        (self.folder / "bin").mkdir()
        for name in ("bash", "env", "python3"):
            (self.folder / "bin" / name).symlink_to(shutil.which(name))
        self.user(0)
        # Finds a library once something was installed.
        self.program("pkg-config", f'[ -e "{self.log}" ]')

    def user(self, number):
        self.program("id", f"echo {number}")

    def records(self, name, script=""):
        """A program that notes how it was called, and that it is done after what it said."""
        self.program(name, f'echo "{name} $*" >> "{self.log}"\n{script}')

    def bootstrap(self, *arguments):
        return subprocess.run(
            [str(SCRIPTS / "bootstrap"), *arguments], capture_output=True, text=True,
            env={"PATH": str(self.folder / "bin")})

    def calls(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def test_nothing_is_said_or_asked_where_nothing_is_missing(self):
        self.log.touch()
        self.records("apt-get")
        run = self.bootstrap()
        self.assertEqual((run.returncode, run.stdout + run.stderr, self.calls()), (0, "", []))

    def test_root_is_told_what_is_installed_and_nothing_else_is_run(self):
        self.records("apt-get")
        run = self.bootstrap()
        self.assertEqual(run.returncode, 0, run.stderr)
        command = "apt-get install -y --no-install-recommends liblmdb-dev zlib1g-dev"
        self.assertIn("missing: liblmdb-dev zlib1g-dev", run.stderr)
        self.assertIn(command, run.stderr)
        self.assertEqual(self.calls(), [command + " -qq"])

    def test_it_says_so_before_it_installs(self):
        self.records("apt-get", f'[ -s "{self.folder}/said" ] || exit 3')
        with open(self.folder / "said", "w") as said:
            run = subprocess.run(
                [str(SCRIPTS / "bootstrap")], stderr=said, env={"PATH": str(self.folder / "bin")})
        self.assertEqual(run.returncode, 0)

    def test_another_user_installs_by_sudo_and_by_it_alone(self):
        self.user(1000)
        self.records("sudo", '"$@"')
        self.records("apt-get")
        run = self.bootstrap()
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("as root, by sudo: apt-get install", run.stderr)
        self.assertTrue(all(call.split()[0:2] in (["sudo", "apt-get"], ["apt-get", "install"])
                            for call in self.calls()), self.calls())

    def test_without_root_and_sudo_it_says_what_root_is_to_run(self):
        self.user(1000)
        self.records("apt-get")
        run = self.bootstrap()
        self.assertEqual((run.returncode, self.calls()), (1, []))
        self.assertIn("As root, run: apt-get install -y --no-install-recommends liblmdb-dev", run.stderr)

    def test_print_runs_nothing(self):
        self.records("apt-get")
        run = self.bootstrap("--print", "counts")
        self.assertEqual((run.returncode, self.calls()), (1, []))
        self.assertIn("as root: apt-get install", run.stderr)
        self.assertIn("valgrind", run.stderr)

    def test_each_purpose_has_its_packages(self):
        for purpose, packages in [("crash", "libfuse3-dev gcc e2fsprogs"), ("counts", "valgrind"), ("service", "curl")]:
            run = self.bootstrap("--print", purpose)
            self.assertIn(f"liblmdb-dev zlib1g-dev {packages} ", run.stderr)

    def test_an_old_list_of_packages_is_fetched_and_a_failure_is_an_error(self):
        self.records("apt-get", '[ "$1" = update ]')
        run = self.bootstrap()
        self.assertEqual(run.returncode, 1)
        self.assertEqual([call.split()[1] for call in self.calls()], ["install", "update", "install"])
        self.assertIn("that failed. As root, run: apt-get update && apt-get install", run.stderr)

    def test_without_a_package_manager_it_says_what_is_missing(self):
        run = self.bootstrap()
        self.assertEqual(run.returncode, 1)
        self.assertIn("liblmdb-dev zlib1g-dev", run.stderr)

    def test_scripts_fetch_no_program_but_by_a_package_manager(self):
        for path in SCRIPTS.iterdir():
            if path.is_file():
                self.assertNotRegex(path.read_text(), r"(curl|wget)\b[^\n|]*\|\s*(sudo\s+)?(ba)?sh\b", path.name)


class RequirementsTests(unittest.TestCase):
    def setUp(self):
        text = (SCRIPTS / "requirements.txt").read_text().replace("\\\n", " ")
        self.lines = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]

    def test_each_has_one_version_and_digests(self):
        self.assertGreater(len(self.lines), 10)
        for line in self.lines:
            self.assertRegex(line, r"^[a-z0-9.-]+==[^\s;]+( ;[^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*$")

    def test_what_is_asked_for_is_there(self):
        names = {line.split("==")[0] for line in self.lines}
        for line in (SCRIPTS / "requirements.in").read_text().splitlines():
            if line and not line.startswith("#"):
                self.assertIn(re.match(r"[\w-]+", line).group(), names)

    def test_only_wheels_with_these_digests_are_installed(self):
        text = (SCRIPTS / "python-clients").read_text()
        self.assertEqual(text.count("pip install"), 1)
        self.assertIn("--require-hashes --only-binary :all:", text)


if __name__ == "__main__":
    unittest.main()
