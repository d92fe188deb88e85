"""What writes to a store while its disk is recorded: processes of codex-test-agent, some of which are killed."""

import ctypes
import os
import random
import subprocess
import time
from typing import NamedTuple

WRITERS = 4  # of a process
GROUPS = 150  # of a writer
SECONDS = 300  # of a round, at most
# Steps of the protocol at which a process is killed, with how often it may pass them before.
STEPS = {
    "recordAppended": 60, "recordFlushed": 60, "committed": 60, "segmentPrepared": 1, "segmentNamed": 1,
    "dataFlushed": 4, "checkpointWritten": 4, "checkpointNamed": 4, "segmentsPruned": 4, "redone": 0}
COMPACTION_STEPS = {
    "compactionCopied": 1, "compactionIntended": 1, "compactionRenamed": 1, "compactionPublished": 1}
SYNC_FILE_RANGE_WRITE = 2


class WorkloadError(Exception):
    """A process did not do what it was started for."""


class Process(NamedTuple):
    """What a process is told to do."""

    first: int
    seed: int
    # Where it is killed, and how often it passes the step before.
    step: str = "-"
    passes: int = 0
    # After how many groups it compacts the store.
    compaction: int = 0

    def words(self, store, steps, fault=None):
        """The arguments of the agent: see CrashWriter.swift."""
        words = ["crash", store, steps, self.first, WRITERS, self.seed, GROUPS, self.step, self.passes]
        return [str(word) for word in words + ([fault] if fault else [])]


def rounds(count, seed):
    """The processes of each round: one or two that write at once. The later rounds recover the store of the earlier."""
    chance = random.Random(f"{seed} rounds")
    found = []
    for number in range(count):
        processes = []
        # The first round is alone, and so makes the store.
        is_alone = number == 0 or chance.random() < 0.5
        compacts = is_alone and chance.random() < 0.5
        for place in range(1 if is_alone else 2):
            steps = STEPS | COMPACTION_STEPS if compacts else STEPS
            step = chance.choice(sorted(steps)) if chance.random() < 0.6 else "-"
            processes.append(Process(
                place * WRITERS, chance.randrange(1, 1 << 30), step, chance.randint(0, steps.get(step, 0)),
                20 if compacts else 0))
        found.append(processes)
    return found


def write_out(path):
    """Lets the system write a file to its disk, without a flush and without waiting for it."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        start = count = ctypes.c_int64(0)
        ctypes.CDLL(None).sync_file_range(file, start, count, SYNC_FILE_RANGE_WRITE)
    finally:
        os.close(file)


def perform(processes, agent, store, marks, folder, fault=None, seed=0):
    """Runs the processes of a round until all have ended, and writes the data file out now and then."""
    chance = random.Random(f"{seed} times")
    running = []
    try:
        for process in processes:
            environment = dict(os.environ, SWIFT_BACKTRACE="enable=no")
            if process.compaction:
                environment["CODEX_COMPACTING"] = str(process.compaction)
            with open(marks, "wb", buffering=0) as output, open(f"{folder}/errors", "ab") as errors:
                running.append(subprocess.Popen(
                    [agent, *process.words(store, f"{folder}/steps-{process.first}", fault)], stdin=subprocess.DEVNULL,
                    stdout=output, stderr=errors, env=environment))
        deadline = time.monotonic() + SECONDS
        while any(process.poll() is None for process in running):
            if time.monotonic() > deadline:
                raise WorkloadError(f"a process did not end in {SECONDS} s")
            time.sleep(chance.uniform(0.002, 0.03))
            write_out(f"{store}/data.mdb")
    finally:
        for process in running:
            process.kill()
            process.wait()
    for told, process in zip(processes, running):
        # It ended by itself, or killed itself (SIGKILL is 9) where it was told to.
        if process.returncode != 0 and (process.returncode != -9 or told.step == "-"):
            with open(f"{folder}/errors", errors="replace") as errors:
                raise WorkloadError(f"a process ended with {process.returncode}: {errors.read()[-1000:].strip()}")
