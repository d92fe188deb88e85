"""Folders, repositories and programs for the tests of the scripts."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent
ROOT = SCRIPTS.parent
sys.path.insert(0, str(SCRIPTS))

IDENTITY = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_CONFIG_GLOBAL": "/dev/null"}


def git(directory, *arguments):
    return subprocess.run(
        ["git", "-C", str(directory), *arguments], check=True, capture_output=True, text=True,
        env={**os.environ, **IDENTITY}).stdout.strip()


class FolderTest(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name).resolve()

    def program(self, name, script):
        """Makes a program in the test's own PATH."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)

    def run_script(self, name, *arguments, **environment):
        return subprocess.run(
            [str(SCRIPTS / name), *arguments], capture_output=True, text=True,
            env={**os.environ, **environment})


class Source:
    """A package's repository, with a tag for each version."""

    def __init__(self, path):
        self.path = path
        path.mkdir(parents=True)
        git(path, "init", "-q")

    def release(self, version, text, *options):
        """Makes a version; gives its commit and its tree."""
        (self.path / "Code.swift").write_text(text)
        git(self.path, "add", ".")
        git(self.path, "commit", "-q", "-m", text)
        git(self.path, "tag", "-f", *options, version)
        return git(self.path, "rev-parse", "HEAD", "HEAD^{tree}").split()

    def check_out(self, revision, scratch):
        """Makes a checkout as SwiftPM does."""
        folder = scratch / "checkouts" / self.path.name
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            git(folder.parent, "clone", "-q", str(self.path), folder.name)
        git(folder, "fetch", "-q", "--tags", "--force")
        git(folder, "checkout", "-q", revision)
        return folder


def resolved(**pins):
    """A Package.resolved with a version and a commit for each package."""
    return json.dumps({"version": 3, "originHash": "", "pins": [{
        "identity": name, "kind": "remoteSourceControl", "location": f"https://example.com/{name}",
        "state": {"version": version, "revision": revision},
    } for name, (version, revision) in pins.items()]})
