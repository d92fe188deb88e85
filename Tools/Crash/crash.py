"""Cuts the power below the file system, and looks whether a store is then as its documents promise.

The store is in an ext4 file system whose image is recorded: each write and each flush, in order. While processes write
to the store, what they acknowledge is recorded among them. Then images are made of the record as a power cut may leave
them: all that was flushed, and some of the later writes, also in part. Each is mounted and recovered. Everything
acknowledged must be there, everything else as a whole or not at all, and verify() must find no difference.

Ends with 1 after a finding, or if a planted fault is not found, and with 2 on a machine where it cannot run. It needs
root. See Docs/Durability.md."""

import argparse
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

import disk
import record
import workload

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WORK = ROOT / ".build-crash"
# The faults of Tests/PlantedFaults that a power cut shows.
PLANTED = ["noLog", "noFlush", "noDataFlush"]
CHECK_SECONDS = 300
# Images and records are in memory if it has so much room.
MEMORY_BYTES = 2 << 30
# The files of a record that a cut is made of.
KEPT = ["first", "record"]


def count_or_all(text):
    """A number of cuts, or None for all."""
    return None if text == "all" else int(text)


def shares(cuts, records):
    """The number of cuts of each record."""
    if cuts is None:
        return [None] * records
    counts = [cuts // records + (number < cuts % records) for number in range(records)]
    return [count for count in counts if count]


def a_cut(text):
    interval, part = text.split(".")
    return record.Cut(int(interval), int(part))


def parsed(words=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agent", required=True, help="the program codex-test-agent")
    parser.add_argument("--recorder", help="the program that recorder.c makes")
    parser.add_argument("--cuts", type=count_or_all, default=500, help="of all records together, or all")
    parser.add_argument("--records", type=int, default=5, help="how often the processes write")
    parser.add_argument("--rounds", type=int, default=3, help="how often processes are started for a record")
    parser.add_argument("--mebibytes", type=int, default=64, help="the size of the image")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--planted", choices=[*PLANTED, "all"], help="a fault that must be found")
    parser.add_argument("--replay", help="the folder of a finding")
    parser.add_argument("--cut", type=a_cut, help="with --replay: the cut, as the finding names it")
    options = parser.parse_args(words)
    if (options.replay is None) != (options.cut is None):
        parser.error("--replay and --cut belong together")
    if options.replay is None and options.recorder is None:
        parser.error("--recorder is missing")
    if options.records < 1 or options.rounds < 1 or (options.cuts is not None and options.cuts < 1):
        parser.error("there must be at least one record, one round and one cut")
    options.agent = os.path.abspath(options.agent)
    return options


def temporary_folder():
    """A folder for images and records: in memory, if there is room."""
    memory = "/dev/shm"
    is_large = os.path.isdir(memory) and shutil.disk_usage(memory).free >= MEMORY_BYTES
    return tempfile.TemporaryDirectory(prefix="codex-crash-", dir=memory if is_large else None)


def checker(agent, folder):
    """The check of an image: mounts it, and lets a process open the store, which recovers it."""
    def check(image, acknowledged):
        try:
            with disk.mounted(image, os.path.join(folder, "cut-mounted")) as path:
                store = os.path.join(path, "store")
                if acknowledged is None and not os.path.exists(store):
                    return None
                pairs = [f"{writer}={group}" for writer, group in sorted((acknowledged or {}).items())]
                run = subprocess.run(
                    [agent, "check", store, *pairs], stdin=subprocess.DEVNULL,
                    capture_output=True, text=True, errors="replace", timeout=CHECK_SECONDS,
                    env=dict(os.environ, SWIFT_BACKTRACE="enable=no"))
        except subprocess.TimeoutExpired:
            return f"the check did not end in {CHECK_SECONDS} s"
        except disk.DiskError as error:
            return str(error)
        return None if run.returncode == 0 else f"the check ended with {run.returncode}: {run.stderr.strip()[:1000]}"
    return check


def recorded(options, folder, seed, fault=None):
    """Lets processes write to a store on a disk of its own, and gives the record."""
    made = disk.RecordedDisk(os.path.abspath(options.recorder), folder, options.mebibytes)
    with made.recorded():
        for number, processes in enumerate(workload.rounds(options.rounds, seed)):
            workload.perform(
                processes, options.agent, str(made.path / "store"), made.marks, folder, fault, f"{seed} {number}")
    found = record.Record.read(made.record)
    if not found.acknowledged(len(found.intervals)):  # None, or an empty dictionary
        raise workload.WorkloadError("the processes acknowledged nothing")
    return found


def keep(folder, seed):
    """Keeps the files of a finding; returns their folder."""
    kept = WORK / f"finding-{seed}"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for name in KEPT:
        subprocess.run(["cp", "--sparse=always", os.path.join(folder, name), kept / name], check=True)
    return kept


def cut_record(options, seed, count, fault=None):
    """Makes a record and so many cuts of it; returns how many were made, and the findings.

    With a fault, one finding is enough."""
    begin = time.monotonic()
    with temporary_folder() as folder:
        found = recorded(options, folder, seed, fault)
        middle = time.monotonic()
        every = record.cuts(found)
        findings, made = [], 0
        judged = record.judge(
            found, os.path.join(folder, "first"), folder, seed, record.sample(every, count, seed),
            checker(options.agent, folder))
        for cut, wrong in judged:
            made += 1
            if wrong is None:
                continue
            findings.append((cut, wrong))
            if fault:
                break
        kept = keep(folder, seed) if findings and not fault else None
    acknowledged = sum(found.acknowledged(len(found.intervals)).values())
    print(
        f"seed {seed}: {len(found.intervals) - 1} flushes, {sum(len(part.writes) for part in found.intervals)} writes,"
        f" {acknowledged} acknowledged groups in {middle - begin:.1f} s; {made} of {len(every)} cuts in"
        f" {time.monotonic() - middle:.1f} s: {len(findings)} findings", flush=True)
    if kept:
        for cut, wrong in findings[:5]:
            print(
                f"FINDING at cut {cut}: {wrong}\n    replay: python3 Tools/Crash/crash.py --agent {options.agent}"
                f" --seed {seed} --replay {kept} --cut {cut}")
    return made, findings


def replay(options):
    found = record.Record.read(os.path.join(options.replay, "record"))
    with temporary_folder() as folder:
        judged = record.judge(
            found, os.path.join(options.replay, "first"), folder, options.seed, [options.cut],
            checker(options.agent, folder))
        wrong = [wrong for _, wrong in judged][0]
    print(f"cut {options.cut}: {wrong or 'all is as it must be'}")
    return 1 if wrong else 0


def cut_all(options):
    total, findings = 0, []
    for number, count in enumerate(shares(options.cuts, options.records)):
        made, found = cut_record(options, options.seed + number, count)
        total += made
        findings += found
    print(f"{total} power cuts: {len(findings)} findings")
    return 1 if findings else 0


def find_planted(options):
    status = 0
    for fault in PLANTED if options.planted == "all" else [options.planted]:
        for number, count in enumerate(shares(options.cuts, options.records)):
            _, found = cut_record(options, options.seed + number, count, fault)
            if found:
                print(f"{fault}: found at cut {found[0][0]} of record {number + 1}: {found[0][1]}")
                break
        else:
            print(f"{fault}: NOT FOUND")
            status = 1
    return status


def main():
    options = parsed()
    try:
        disk.require()
        print(f"seed {options.seed}")
        if options.replay:
            return replay(options)
        return find_planted(options) if options.planted else cut_all(options)
    except disk.DiskError as error:
        print(f"crash.py: {error}", file=sys.stderr)
        return 2
    except (record.RecordError, workload.WorkloadError) as error:
        print(f"crash.py: no cuts could be made: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
