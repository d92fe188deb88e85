#!/usr/bin/env python3
"""Runs the tests of the root package under a sanitizer, and fails if a process reported anything.

    sanitize.py address|thread|undefined COMMAND ...
    sanitize.py --list

The command is that of the tests, such as `swift test --traits Encryption`. Each sanitizer has a build of its own,
.build-SANITIZER. The reports of all processes are in .build-SANITIZER/reports, also those of processes that a test
kills. With --list, the excluded tests are printed with their reasons. See Docs/Reliability.md.
"""

import os
import pathlib
import shutil
import subprocess
import sys
from typing import NamedTuple

from parts import PARTS

ROOT = pathlib.Path(__file__).resolve().parent.parent
SUPPRESSIONS = ROOT / "Scripts/Sanitizers"
SHOWN_REPORTS, SHOWN_LINES = 5, 60


class Exclusion(NamedTuple):
    """Tests that a sanitizer cannot run."""

    sanitizers: tuple
    # MODULE.SUITE, or MODULE.SUITE/FUNCTION.
    test: str
    reason: str

    @property
    def pattern(self):
        """What `swift test --skip` matches with the name of a test."""
        return self.test.replace(".", r"\.") + (r"\(" if "/" in self.test else "/")


EXCLUDED = [
    Exclusion(("address", "thread"), "SimulationTests.SimulationTests",
              "The simulator defines system calls (Tests/SimulatedCalls). The sanitizer defines the same ones, and "
              "only one definition can be first."),
    Exclusion(("address", "thread"), "SoakTests.SoakTests",
              "A soak measures memory. The sanitizer keeps freed memory and records of accesses, which grow."),
    Exclusion(("address", "thread"), "CodexStoreTests.StoredNumberTests/emptySegments",
              "The test runs on a stack of 512 KiB, and the sanitizer makes frames larger."),
    Exclusion(("thread",), "DurabilityTests.ReaderLockTests/child",
              "The test forks a process with several threads and does not call exec, which the sanitizer does not "
              "support."),
    Exclusion(("thread",), "DurabilityTests.ReaderLockTests/useInChild",
              "As before: the child of a fork uses the store."),
    Exclusion(("thread",), "DurabilityTests.ManyStoresTests/open",
              "Each of 1,000 stores reserves 64 GiB of addresses. The sanitizer leaves a process a few TiB."),
]

# Of the C targets, DurabilityTests use FaultyCalls and HostCalls, and SimulationTests use SimulatedCalls.
UNDEFINED_PARTS = [PARTS[0], ["--filter", "SimulationTests"]]


def options(sanitizer):
    """The options of `swift test` for a build with a sanitizer."""
    if sanitizer == "undefined":
        # The toolchain's driver links no runtime of this sanitizer on Linux. So a check that fails ends the process.
        return ["-Xcc", "-fsanitize=undefined", "-Xcc", "-fsanitize-trap=undefined"]
    # Without --no-parallel, the thread sanitizer has too few addresses for the maps of all stores that are open.
    return ["--sanitize", sanitizer] + (["--no-parallel"] if sanitizer == "thread" else [])


def test_parts(sanitizer):
    """The options of each run of the tests."""
    if sanitizer == "undefined":
        return UNDEFINED_PARTS
    skipped = [word for exclusion in EXCLUDED if sanitizer in exclusion.sanitizers
               for word in ("--skip", exclusion.pattern)]
    # One test at a time needs no part that runs alone.
    return [skipped] if sanitizer == "thread" else [part + skipped for part in PARTS]


def suppressions(sanitizer):
    """The file of suppressions, if the sanitizer has one."""
    file = SUPPRESSIONS / f"{sanitizer}.txt"
    return file if file.exists() else None


def environment(sanitizer, reports):
    """The variables that the test process and all processes that it starts get."""
    # Histories must have some operations, and operations take longer.
    variables = {"CODEX_HISTORY_SECONDS": "60"}
    settings = [f"log_path={reports}/report"]
    file = suppressions(sanitizer)
    if file:
        settings.append(f"suppressions={file}")
    if sanitizer == "address":
        # Swift's runtime keeps metadata for as long as the process lives, which counts as leaked.
        variables["ASAN_OPTIONS"] = ":".join(settings + ["detect_leaks=0"])
        variables["SWIFT_BACKTRACE"] = "enable=no"
    elif sanitizer == "thread":
        # A race does not end the process, so that one run reports all of them.
        variables["TSAN_OPTIONS"] = ":".join(settings + ["halt_on_error=0"])
    return variables


def found_reports(reports):
    """The reports of all processes, as text."""
    return [file.read_text(errors="replace") for file in sorted(reports.glob("report*")) if file.stat().st_size]


def show(texts):
    for text in texts[:SHOWN_REPORTS]:
        lines = text.splitlines()
        print("\n".join(lines[:SHOWN_LINES]))
        if len(lines) > SHOWN_LINES:
            print(f"… {len(lines) - SHOWN_LINES} more lines")
    print(f"sanitize.py: {len(texts)} processes reported something", flush=True)


def run(sanitizer, command, root=ROOT):
    """Runs all parts; gives 0 if all tests passed and no process reported anything."""
    scratch = root / f".build-{sanitizer}"
    reports = scratch / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    variables = {**environment(sanitizer, reports), **os.environ}
    # Options that are set already keep the process from writing its reports here.
    for name in ("ASAN_OPTIONS", "TSAN_OPTIONS"):
        if name in environment(sanitizer, reports):
            variables[name] = environment(sanitizer, reports)[name]
    status = 0
    for part in test_parts(sanitizer):
        words = [*command, *options(sanitizer), "--scratch-path", str(scratch), *part]
        print("sanitize.py:", " ".join(words), flush=True)
        status = subprocess.run(words, cwd=root, env=variables).returncode or status
    texts = found_reports(reports)
    if texts:
        show(texts)
    return 1 if texts or status else 0


def main(arguments):
    if arguments == ["--list"]:
        for exclusion in EXCLUDED:
            print(f"{', '.join(exclusion.sanitizers)}: {exclusion.test}\n    {exclusion.reason}")
        return 0
    if len(arguments) < 2 or arguments[0] not in ("address", "thread", "undefined"):
        sys.exit(__doc__)
    return run(arguments[0], arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
