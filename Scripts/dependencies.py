#!/usr/bin/env python3
"""Keeps the Swift packages of the program's builds as Scripts/dependencies.lock has them.

    dependencies.py pin BUILD ...      before a build: writes its Package.resolved from the lock
    dependencies.py check BUILD ...    after a build: compares what was resolved with the lock
    dependencies.py check              resolves all builds and compares them
    dependencies.py lock [--update]    resolves all builds (to the newest versions) and writes the lock

A difference is an error, or with --warn a warning; `pin` only warns. Docs/Decisions/0025-dependencies.md has the reasons.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Optional

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOCK = "Scripts/dependencies.lock"
FORMAT = 1
# How long git may take for a folder, and to ask a package's source for its tags.
LOCAL_SECONDS, SOURCE_SECONDS = 60, 10
# Where SwiftPM keeps mirrors, in a package and in the home directory.
MIRRORS = ".swiftpm/configuration/mirrors.json"


class Build(NamedTuple):
    """One way in which a manifest is built: its traits decide which packages it needs."""

    manifest: str
    scratch: str
    options: list


BUILDS = {
    "program": Build("Tools", ".build-tools", ["--disable-default-traits"]),
    "server": Build("Tools", ".build-serve", []),
    "service": Build("Examples/TaskService", ".build-service", []),
    "tests": Build(".", ".build", ["--traits", "Encryption,Macros,Remote"]),
    # Those for sanitizers and for speed: `make fuzz`, `make simulate`, `make test-thread`.
    "lean": Build(".", ".build-fuzz", ["--traits", "Encryption"]),
}


class Package(NamedTuple):
    """A package of the lock."""

    identity: str
    version: str
    # Git's identifier of the files. That of the commit differs between a repository and a mirror that
    # makes its commits itself; the tree's is a digest of all names, modes and contents.
    tree: str
    source: str
    builds: list


class Pin(NamedTuple):
    """A package of a Package.resolved."""

    version: Optional[str]
    revision: Optional[str]
    location: str


class Failure(Exception):
    """What a person must be told, in a sentence."""


class Silence(Failure):
    """Git did not answer in time."""


def git(*arguments, directory=None, seconds=None):
    """What git prints, or None if it fails; Silence if it takes too long."""
    command = ["git"] + (["-C", str(directory)] if directory else []) + list(arguments)
    environment = dict(os.environ, GIT_TERMINAL_PROMPT="0", GIT_OPTIONAL_LOCKS="0")
    try:
        # A session of its own: git's helpers end with it, and would keep the pipe open.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env=environment, start_new_session=True)
    except OSError:
        return None
    seconds = seconds or LOCAL_SECONDS
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise Silence(f"no answer in {seconds} s: {' '.join(command[:4])}") from None
    return output if process.returncode == 0 else None


def without_suffix(location):
    return location[:-len(".git")] if location.endswith(".git") else location


# MARK: The lock

def read_lock(root=ROOT):
    """The packages of the lock by their identity."""
    try:
        lock = json.loads((root / LOCK).read_text())
        if lock["format"] != FORMAT:
            raise Failure(f"{LOCK} has format {lock['format']}, and this script reads {FORMAT}")
        packages = [Package(**package) for package in lock["packages"]]
    except OSError as error:
        raise Failure(f"{LOCK} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(f"{LOCK} is no lock; restore it, or write it with `make lock`") from error
    return {package.identity: package for package in packages}


def write_lock(packages, root=ROOT):
    """Writes the lock, one line a package, so that a change is read in a diff."""
    lines = [json.dumps(packages[name]._asdict()) for name in sorted(packages)]
    text = '{"format": %d, "packages": [\n%s\n]}\n' % (FORMAT, ",\n".join(lines))
    replace(root / LOCK, text)


def replace(path, text):
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    os.replace(new, path)


def packages_of(build, lock):
    return {name: package for name, package in lock.items() if build in package.builds}


# MARK: Package.resolved

def resolved_path(build, root=ROOT):
    return root / BUILDS[build].manifest / "Package.resolved"


def read_resolved(path):
    """The pins of a Package.resolved by their identity; none if there is no such file."""
    try:
        resolved = json.loads(path.read_text())
        if resolved["version"] not in (2, 3):
            raise Failure(f"{path} has a version that is not known: {resolved['version']}")
        return {
            entry["identity"]: Pin(
                entry["state"].get("version"), entry["state"].get("revision"), entry["location"])
            for entry in resolved["pins"]}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failure(f"{path} cannot be read; remove it") from error


def resolved_text(packages, revisions, manifest):
    """A Package.resolved as SwiftPM writes it: with the manifest's digest, it is taken as it is."""
    pins = [{
        "identity": name, "kind": "remoteSourceControl", "location": packages[name].source,
        "state": {"revision": revisions[name], "version": packages[name].version},
    } for name in sorted(packages)]
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
    text = json.dumps({"originHash": digest, "pins": pins, "version": 3}, indent=2)
    return text + "\n"


def mirrors(build, root=ROOT):
    """SwiftPM's mirrors by the source that each stands for: the manifest's, else the user's."""
    for folder in (root / BUILDS[build].manifest, pathlib.Path.home()):
        try:
            entries = json.loads((folder / MIRRORS).read_text())["object"]
            found = {without_suffix(entry["original"]): entry["mirror"] for entry in entries}
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Failure(f"{folder / MIRRORS} cannot be read; correct or remove it") from error
        if found:
            return found
    return {}


def mirrored(package, mirrors):
    """Where a package comes from; git's own `insteadOf` is git's to apply."""
    return mirrors.get(without_suffix(package.source), package.source)


def clones(source, root):
    """The clones of a source that earlier builds made: its name, a dash and a hash."""
    name = without_suffix(source).rsplit("/", 1)[-1]
    pattern = re.compile(re.escape(name) + "-[0-9a-f]{8}")
    found = root.glob(".build*/repositories/*")
    return sorted(clone for clone in found if pattern.fullmatch(clone.name))


def local_revision(package, source, root):
    """The commit of a version in a clone that an earlier build made."""
    for clone in clones(source, root):
        for tag in (package.version, "v" + package.version):
            found = git("rev-parse", "--verify", "--quiet", f"refs/tags/{tag}^{{commit}}",
                        directory=clone)
            if found:
                return found.strip()
    return None


def remote_revision(package, source):
    """The commit of a version at a source."""
    tags = [f"refs/tags/{prefix}{package.version}" for prefix in ("", "v")]
    found = git("ls-remote", source, *tags, *(tag + "^{}" for tag in tags),
                seconds=SOURCE_SECONDS) or ""
    commits = dict(reversed(line.split("\t", 1)) for line in found.splitlines() if "\t" in line)
    for tag in tags:
        # A tag with a message has an object of its own; SwiftPM records the commit.
        commit = commits.get(tag + "^{}") or commits.get(tag)
        if commit:
            return commit
    return None


def revisions_of(packages, mirrors, root):
    """The commits of the locked versions, None where there is none; the first Silence ends it."""
    def revision(package):
        source = mirrored(package, mirrors)
        return local_revision(package, source, root) or remote_revision(package, source)

    pool = ThreadPoolExecutor(8)
    try:
        return dict(zip(packages, pool.map(revision, packages.values())))
    finally:
        # Those that wait are not asked any more.
        pool.shutdown(cancel_futures=True)


def pin(build, lock, root=ROOT):
    """Lets SwiftPM resolve a build to the locked versions.

    SwiftPM takes the newest versions that the manifests allow where no Package.resolved names others,
    and git ignores that file here. A version that the source does not have is said, and left to SwiftPM.
    """
    packages, path = packages_of(build, lock), resolved_path(build, root)
    try:
        versions = {name: entry.version for name, entry in read_resolved(path).items()}
    except Failure:
        versions = None
    if versions == {name: package.version for name, package in packages.items()}:
        return
    try:
        revisions = revisions_of(packages, mirrors(build, root), root)
    except Silence as silence:
        return unpinned(build, str(silence))
    missing = [f"{name} {packages[name].version}" for name in packages if not revisions[name]]
    if missing:
        return unpinned(build, f"the source of the packages lacks {', '.join(missing)}")
    replace(path, resolved_text(packages, revisions, path.with_name("Package.swift")))


def unpinned(build, reason):
    """Warns before a build that its packages will not be those of the lock."""
    say(f"WARNING: {reason}.\n"
        f"SwiftPM chooses the versions of the build `{build}`: they are not those that were locked.\n"
        "LOCK=off does not ask. `make check-dependencies` fails here.")


# MARK: Checking

def differences(build, lock, scratch=None, root=ROOT):
    """How a build differs from the lock, one line each."""
    packages, pins = packages_of(build, lock), read_resolved(resolved_path(build, root))
    scratch = root / (scratch or BUILDS[build].scratch)
    if not (scratch / "checkouts").is_dir():
        return [f"it was not built in {scratch.name}, so there are no files to compare"]
    found = []
    for name in sorted(packages.keys() | pins.keys()):
        package, entry = packages.get(name), pins.get(name)
        if entry is None:
            found.append(f"{name}: {package.version} is locked, and was not resolved")
            continue
        version = entry.version or entry.revision
        if package is None:
            found.append(f"{name}: {version} is resolved, and is not locked")
        elif version != package.version:
            found.append(f"{name}: {version} is resolved, {package.version} is locked")
        else:
            found += checkout_differences(package, entry, scratch)
    return found


def checkout(name, scratch):
    """The folder with a package's files, which has the name that its address ends in."""
    folders = (scratch / "checkouts").glob("*")
    return next((folder for folder in folders if folder.name.lower() == name), None)


def tree_of(folder):
    """The commit and the tree of a checkout, or None."""
    found = git("rev-parse", "HEAD", "HEAD^{tree}", directory=folder)
    return found.split() if found else None


def checkout_differences(package, entry, scratch):
    name = f"{package.identity} {package.version}"
    folder = checkout(package.identity, scratch)
    if folder is None:
        return [f"{name}: it has no checkout in {scratch.name}; build it there first"]
    found = tree_of(folder)
    if found is None:
        return [f"{name}: git cannot read {scratch.name}/checkouts/{folder.name}; remove it"]
    commit, tree = found
    if commit != entry.revision:
        return [f"{name}: its checkout is at another commit than Package.resolved says; "
                f"remove {scratch.name} and build again"]
    if tree != package.tree:
        return [f"{name}: its files are others than those that were locked "
                f"(tree {tree}, locked {package.tree})"]
    if git("status", "--porcelain", "--untracked-files=all", directory=folder) != "":
        return [f"{name}: its files in {scratch.name}/checkouts/{folder.name} were changed; "
                "remove the folder"]
    return []


def check(builds, lock, scratch=None, warns=False, root=ROOT):
    """Reports differences; gives the exit code."""
    found = {build: differences(build, lock, scratch, root) for build in builds}
    found = {build: lines for build, lines in found.items() if lines}
    for build, lines in found.items():
        say(f"{'WARNING: ' if warns else ''}the build `{build}` is not what {LOCK} says:")
        for line in lines:
            print("  " + line, file=sys.stderr)
    if found:
        print("A manifest asks for other packages, their source lacks a locked version, or it gives "
              "other files.\nTo take what was resolved: look at it, `make lock`, and commit the "
              "lock. To build for once: LOCK=off.", file=sys.stderr)
    return 1 if found and not warns else 0


# MARK: Locking

def resolve(build, update=False, root=ROOT):
    """Resolves a build by SwiftPM."""
    manifest, scratch, options = BUILDS[build]
    command = [os.environ.get("SWIFT", "swift"), "package", "--package-path", manifest,
               "--scratch-path", scratch, *options, "update" if update else "resolve"]
    # Its progress must not be taken for this script's output.
    if subprocess.run(command, cwd=root, stdout=sys.stderr).returncode:
        raise Failure(f"the build `{build}` cannot be resolved: {' '.join(command)}")


def locked(build, known, root=ROOT):
    """Adds what a build resolved to the packages that are known."""
    for name, entry in read_resolved(resolved_path(build, root)).items():
        folder = checkout(name, root / BUILDS[build].scratch)
        found = tree_of(folder) if folder else None
        if not (entry.version and found and found[0] == entry.revision):
            raise Failure(f"{name} of the build `{build}` has no version, or no checkout of it")
        package = Package(name, entry.version, found[1], without_suffix(entry.location), [])
        before = known.setdefault(name, package)
        if (before.version, before.tree) != (package.version, package.tree):
            raise Failure(f"{name} is {package.version} in the build `{build}` and "
                          f"{before.version} in {before.builds}: let the manifests agree")
        before.builds.append(build)


def lock_all(update=False, root=ROOT):
    """Writes the lock from what SwiftPM resolves, and says what is new."""
    try:
        old = read_lock(root)
    except Failure:
        old = {}
    new = {}
    for build in BUILDS:
        if old and not update:
            pin(build, old, root)
        resolve(build, update, root)
        locked(build, new, root)
    write_lock(new, root)
    for name in sorted(old.keys() | new.keys()):
        versions = [lock[name].version if name in lock else "none" for lock in (old, new)]
        if old.get(name) != new.get(name):
            print(f"{name}: {' to '.join(versions)}" if versions[0] != versions[1]
                  else f"{name} {versions[0]}: other files, source or builds")
    print(f"{LOCK}: {len(new)} packages")


def say(text):
    print("dependencies: " + text, file=sys.stderr)


def parsed(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    pinning = commands.add_parser("pin", help="write a build's Package.resolved from the lock")
    pinning.add_argument("builds", nargs="+", choices=BUILDS)
    checking = commands.add_parser("check", help="compare what was resolved with the lock")
    checking.add_argument(
        "builds", nargs="*", metavar="BUILD", help=", ".join(BUILDS) + "; all are resolved first")
    checking.add_argument("--scratch", help="where the build was made, if not where make does")
    checking.add_argument("--resolve", action="store_true", help="pin and resolve first")
    checking.add_argument("--warn", action="store_true", help="a difference is no error")
    locking = commands.add_parser("lock", help="write the lock from what SwiftPM resolves")
    locking.add_argument("--update", action="store_true", help="to the newest versions")
    options = parser.parse_args(arguments)
    unknown = set(getattr(options, "builds", [])) - set(BUILDS)
    if unknown:
        parser.error(f"there is no build {', '.join(sorted(unknown))}")
    return options


def run(options):
    if options.command == "lock":
        lock_all(options.update)
        return 0
    lock = read_lock()
    if options.command == "pin":
        for build in options.builds:
            pin(build, lock)
        return 0
    if options.builds and not options.resolve:
        return check(options.builds, lock, options.scratch, options.warn)
    code = 0
    # Two builds share a Package.resolved: each is compared before the next is resolved.
    for build in options.builds or BUILDS:
        pin(build, lock)
        resolve(build)
        code |= check([build], lock, options.scratch, options.warn)
    return code


def main():
    options = parsed(sys.argv[1:])
    try:
        return run(options)
    except (Failure, OSError) as failure:
        say(str(failure))
        return 0 if getattr(options, "warn", False) else 1


if __name__ == "__main__":
    sys.exit(main())
