#!/usr/bin/env python3
"""Runs libFuzzer over the targets of codex-fuzz, and prints what each did.

    fuzz.py [--seconds SECONDS] [--jobs JOBS] [--seed SEED] [--fresh] [--without TARGET] PROGRAM all|TARGET ...

The seconds are of all targets together, and each gets the same share. What covers new code is kept in
.build-fuzz/corpus/TARGET, and the next run starts with it; with --fresh, neither. A finding is kept in
.build-fuzz/findings, and makes the result 1. So does a target that executed nothing. See Docs/Fuzzing.md.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Optional

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPUS = ROOT / "Tests/Fuzz/Corpus"
DICTIONARIES = ROOT / "Tests/Fuzz/Dictionaries"
WORK = ROOT / ".build-fuzz"
# An input may take so long, and a process so much memory.
INPUT_SECONDS, MEMORY_MEBIBYTES = 25, 4096


class Result(NamedTuple):
    """What libFuzzer says of a run."""

    executions: int
    coverage: int
    # Of all places that coverage counts.
    places: int
    # The file of an input that violates a property, or ends the process.
    finding: Optional[str]


def parse(output):
    """Reads what libFuzzer prints."""
    executions = re.findall(r"stat::number_of_executed_units:\s*(\d+)", output) or re.findall(r"^#(\d+)\s", output, re.M)
    coverage = re.findall(r"\bcov: (\d+)", output)
    places = re.findall(r"Loaded \d+ modules\s+\((\d+) inline 8-bit counters\)", output)
    finding = re.search(r"Test unit written to (\S+)", output)
    return Result(int(executions[-1]) if executions else 0, int(coverage[-1]) if coverage else 0,
                  int(places[-1]) if places else 0, finding.group(1) if finding else None)


def reason(output):
    """The lines that say why a process ended."""
    words = ("Violated:", "Fatal error:", "ERROR:", "SUMMARY:", "FUZZ_TARGET must")
    return [line for line in output.splitlines() if any(word in line for word in words)][:6]


def chosen(known, wanted, without=()):
    """The targets to run, in order; an unknown name is an error."""
    targets = known if wanted == ["all"] else wanted
    unknown = [name for name in [*targets, *without] if name not in known]
    targets = [name for name in targets if name not in without]
    if unknown or not targets:
        sys.exit(f"fuzz.py: no such target: {', '.join(unknown) or '(none)'}; there are {', '.join(known) or 'none: make fuzz-corpus'}")
    return targets


def share(seconds, jobs, count):
    """The seconds of each target, of which some run at a time."""
    return max(1, seconds * jobs // count)


def command(program, target, seconds, work, seed=None):
    """What runs a target for some seconds. New inputs go into the folder `work`."""
    words = [program, f"-max_total_time={seconds}", "-print_final_stats=1", f"-timeout={INPUT_SECONDS}",
             f"-rss_limit_mb={MEMORY_MEBIBYTES}", "-detect_leaks=0", f"-artifact_prefix={WORK}/findings/{target}-"]
    if seed is not None:
        words.append(f"-seed={seed}")
    dictionary = DICTIONARIES / f"{target}.dict"
    if dictionary.exists():
        words.append(f"-dict={dictionary}")
    return words + [str(work), str(CORPUS / target)]


def has_failed(code, result):
    """Whether a process found something, or did nothing."""
    return code != 0 or result.executions == 0


def run(program, target, seconds, temporary, seed=None, fresh=False):
    """Runs one target, and gives its output with the result of the process."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=temporary))
    # The inputs of a run do not belong in the directory that the program uses.
    work = pathlib.Path(tempfile.mkdtemp(dir=temporary)) if fresh else WORK / "corpus" / target
    for needed in (work, WORK / "findings"):
        needed.mkdir(parents=True, exist_ok=True)
    # Swift's own report of a crash would wait for libFuzzer's, and this one for it.
    environment = dict(os.environ, FUZZ_TARGET=target, TMPDIR=str(folder), SWIFT_BACKTRACE="enable=no",
                       ASAN_OPTIONS="detect_leaks=0")
    process = subprocess.run(command(program, target, seconds, work, seed), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True, errors="replace")
    shutil.rmtree(folder, ignore_errors=True)
    return process.returncode, process.stdout


def row(target, result, seconds):
    rate = result.executions / seconds if seconds else 0
    share = f"{100 * result.coverage / result.places:.1f} %" if result.places else "?"
    return f"{target:16} {result.executions:>12,} {rate:>11,.0f}/s {result.coverage:>8,} of {result.places:,} ({share})"


def report(program, target, result, output, code):
    """Says what was found, and how to see it again."""
    done = "" if result.executions else ", and executed nothing"
    lines = [f"\n{target}: the process ended with {code}{done}"] + ["    " + line for line in reason(output)]
    if result.finding:
        lines += [f"    input    {result.finding}",
                  f"    replay   FUZZ_TARGET={target} SWIFT_BACKTRACE=enable=no {program} {result.finding}",
                  f"    debug    swift run --traits Encryption codex-fuzz {target} {result.finding}",
                  f"    smaller  FUZZ_TARGET={target} SWIFT_BACKTRACE=enable=no {program} -minimize_crash=1 -max_total_time=60 "
                  f"{result.finding}",
                  f"    keep     Tests/Fuzz/Corpus/{target}/, under a name that says what it is"]
    else:
        lines += ["    " + line for line in output.splitlines()[-12:]]
    print("\n".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="of all targets together")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time")
    parser.add_argument("--seed", type=int, help="the seed of all choices; without it, each run has another")
    parser.add_argument("--fresh", action="store_true", help="start with the repository's corpora alone, and keep no inputs")
    parser.add_argument("--without", action="append", default=[], metavar="TARGET", help="a target that the program lacks")
    parser.add_argument("program")
    parser.add_argument("targets", nargs="+", metavar="all|TARGET")
    arguments = parser.parse_args()
    known = sorted(path.name for path in CORPUS.iterdir() if path.is_dir()) if CORPUS.is_dir() else []
    targets = chosen(known, arguments.targets, arguments.without)
    each = share(arguments.seconds, arguments.jobs, len(targets))
    print(f"{len(targets)} targets, {each} seconds each, {arguments.jobs} at a time\n{'target':16} {'executions':>12} {'rate':>13} {'coverage':>8}", flush=True)
    failed = False
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as temporary, ThreadPoolExecutor(arguments.jobs) as pool:
        def timed(target):
            start = time.monotonic()
            code, output = run(arguments.program, target, each, temporary, arguments.seed, arguments.fresh)
            return target, code, output, time.monotonic() - start

        for target, code, output, seconds in pool.map(timed, targets):
            result = parse(output)
            print(row(target, result, seconds), flush=True)
            if has_failed(code, result):
                failed = True
                report(arguments.program, target, result, output, code)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
