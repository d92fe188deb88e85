#!/usr/bin/env python3
"""Runs the tests with a count for each line, and fails if a module has too few lines covered.

    coverage.py [--only-report] [--minimum PERCENT] [--scratch DIRECTORY] COMMAND ...

The command is that of the tests, such as `swift test --traits Encryption`. The modules are Core, Index and Store.
The uncovered lines of commit, recovery and maintenance are printed. Scripts/uncovered.txt has the reasons of those
that no test can reach. The counts of a process that is killed are lost. See Docs/Reliability.md.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
from typing import NamedTuple

from parts import PARTS

ROOT = pathlib.Path(__file__).resolve().parent.parent
REASONS = ROOT / "Scripts/uncovered.txt"
MODULES = ["CodexCore", "CodexIndex", "CodexStore"]
AREAS = {
    "commit": ["Sources/CodexStore/Commit/"],
    "recovery": ["Sources/CodexStore/Opening/", "Sources/CodexStore/Log/", "Sources/CodexStore/Durability/"],
    "maintenance": ["Sources/CodexStore/Building/", "Sources/CodexStore/Compaction/", "Sources/CodexStore/Expiry/"],
}
# The program of all tests, and those that tests start.
PROGRAMS = ["CodexPackageTests.xctest", "codex-test-agent", "codex-simulated"]


class Reason(NamedTuple):
    """Why a line is not covered."""

    path: str
    text: str
    reason: str


class Gap(NamedTuple):
    """Lines of a file that follow each other, none of which was run."""

    path: str
    first: int
    last: int
    # The first line of the source.
    text: str

    @property
    def place(self):
        lines = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.path}:{lines}"


def parse(text, root=ROOT):
    """The counts of the lines of each file, from what llvm-cov exports as lcov."""
    files, lines = {}, {}
    for line in text.splitlines():
        if line.startswith("SF:"):
            path = pathlib.PurePath(line[3:])
            name = path.relative_to(root) if path.is_relative_to(root) else path
            lines = files.setdefault(name.as_posix(), {})
        elif line.startswith("DA:"):
            number, count = (int(word) for word in line[3:].split(",")[:2])
            lines[number] = max(count, lines.get(number, 0))
    return files


def covered(files, module):
    """How many lines of a module were run, and how many it has."""
    counts = [count for path, lines in files.items() if path.startswith(f"Sources/{module}/") for count in lines.values()]
    return sum(count > 0 for count in counts), len(counts)


def gaps(files, prefixes, root=ROOT):
    """The lines of some folders that were not run, in the order of their files."""
    found = []
    for path in sorted(path for path in files if any(path.startswith(prefix) for prefix in prefixes)):
        source = (root / path).read_text().splitlines()
        first = last = None
        for number, count in [*sorted(files[path].items()), (len(source) + 1, 1)]:
            if count == 0:
                first, last = number if first is None else first, number
            elif first is not None:
                found.append(Gap(path, first, last, source[first - 1].strip()))
                first = last = None
    return found


def read_reasons(text):
    """The reasons of a file: path, beginning of the first line, and reason, with bars between them."""
    reasons = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        words = [word.strip() for word in line.split(" | ")]
        if len(words) != 3 or not all(words):
            sys.exit(f"coverage.py: a line of uncovered.txt is not `PATH | TEXT | REASON`: {line}")
        reasons.append(Reason(*words))
    return reasons


def reason(gap, reasons):
    """The reason of a gap; None if it has none."""
    return next((known for known in reasons if known.path == gap.path and gap.text.startswith(known.text)), None)


def tool(name, command):
    """A tool of LLVM, beside the compiler, in the PATH, or as Xcode has it."""
    beside = pathlib.Path(shutil.which(command) or command).resolve().parent / name
    if beside.exists():
        return [str(beside)]
    return [name] if shutil.which(name) else ["xcrun", name]


def program(folder, name):
    """The file of a program; macOS has that of the tests in a bundle."""
    path = folder / name
    return path / "Contents/MacOS" / path.stem if path.is_dir() else path


def collect(command, scratch):
    """Runs the tests, and keeps the profiles of each part: the next part removes them."""
    profiles = scratch / "profiles"
    shutil.rmtree(profiles, ignore_errors=True)
    profiles.mkdir(parents=True)
    status = 0
    for number, part in enumerate(PARTS):
        words = [*command, "--enable-code-coverage", "--scratch-path", str(scratch), *part]
        print("coverage.py:", " ".join(words), flush=True)
        status = subprocess.run(words, cwd=ROOT).returncode or status
        for file in sorted((scratch / "debug/codecov").glob("*.profraw")):
            shutil.move(str(file), profiles / f"{number}-{file.name}")
    return status


def export(swift, scratch):
    """The counts of all profiles, as lcov."""
    profiles = sorted(str(file) for file in (scratch / "profiles").glob("*.profraw"))
    if not profiles:
        sys.exit(f"coverage.py: there are no profiles in {scratch}/profiles. Run it without --only-report.")
    merged = scratch / "coverage.profdata"
    # A profile may be damaged: a test killed the process that wrote it.
    subprocess.run([*tool("llvm-profdata", swift), "merge", "-sparse", "-failure-mode=all", *profiles, "-o", str(merged)],
                   check=True)
    programs = [program(scratch / "debug", name) for name in PROGRAMS]
    first, *others = [str(path) for path in programs if path.exists()]
    objects = [word for path in others for word in ("-object", path)]
    return subprocess.run([*tool("llvm-cov", swift), "export", "-format=lcov", f"-instr-profile={merged}", first, *objects],
                          check=True, capture_output=True, text=True).stdout


def report(files, reasons, minimum, root=ROOT):
    """Prints what is covered; gives the modules that have too few lines covered."""
    low = []
    print(f"{'module':12} {'covered':>9} {'lines':>9}")
    for module in MODULES:
        count, total = covered(files, module)
        percent = 100 * count / total if total else 0
        print(f"{module:12} {count:>9,} {total:>9,}  {percent:.1f} %")
        if percent < minimum:
            low.append(module)
    used = set()
    for area, prefixes in AREAS.items():
        found = gaps(files, prefixes, root)
        known = [(gap, reason(gap, reasons)) for gap in found]
        used.update(why for _, why in known if why)
        open_count = sum(why is None for _, why in known)
        print(f"\n{area}: {len(found)} gaps, {open_count} without a reason")
        for gap, why in known:
            print(f"  {gap.place}  {gap.text}" + (f"\n      {why.reason}" if why else ""))
    for known in reasons:
        if known not in used:
            print(f"\nScripts/uncovered.txt: no gap begins with this line any more: {known.path} | {known.text}")
    return low


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only-report", action="store_true", help="of the profiles of the last run")
    parser.add_argument("--minimum", type=float, default=90, help="the percentage of lines that each module needs")
    parser.add_argument("--scratch", type=pathlib.Path, default=ROOT / ".build-coverage")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("the command of the tests is missing")
    status = 0 if arguments.only_report else collect(arguments.command, arguments.scratch)
    files = parse(export(arguments.command[0], arguments.scratch))
    low = report(files, read_reasons(REASONS.read_text()), arguments.minimum)
    for module in low:
        print(f"coverage.py: {module} has less than {arguments.minimum:g} % of its lines covered")
    if status:
        print("coverage.py: tests failed")
    sys.exit(1 if low or status else 0)


if __name__ == "__main__":
    main()
