"""Tools/Crash: records, the cuts of them, the images of cuts, and that they show what a disk would lose."""

import contextlib
import io
import itertools
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import unittest
import zlib
from types import SimpleNamespace
from unittest import mock

from support import ROOT, FolderTest

CRASH = ROOT / "Tools" / "Crash"
sys.path.insert(0, str(CRASH))

import crash
import disk
import record
import workload
from record import EVERYTHING, NOTHING, Cut, Record, Write

SIZE = 1 << 20
PLACE = 8192  # behind the superblock's block


class Recorder:
    """Writes a record as recorder.c does, and keeps the disk."""

    def __init__(self, path, size=SIZE):
        self.path, self.disk = path, bytearray(size)
        self.parts = [record.HEAD.pack(record.MAGIC, size)]

    def write(self, offset, data):
        self.disk[offset:offset + len(data)] = data
        self.add(record.WRITE, data, offset)

    def flush(self):
        self.add(record.FLUSH)

    def mark(self, line):
        self.add(record.MARK, (line + "\n").encode())

    def add(self, kind, data=b"", offset=0):
        self.parts.append(record.HEADER.pack(kind, len(data), offset) + data)

    def end(self):
        self.path.write_bytes(b"".join(self.parts))
        return Record.read(self.path)


class RecordTest(FolderTest):
    def setUp(self):
        super().setUp()
        self.recorder = Recorder(self.folder / "record")
        self.first = self.folder / "first"
        self.first.write_bytes(bytes(SIZE))

    def random_record(self, seed, count=60):
        chance = random.Random(seed)
        for _ in range(count):
            if chance.random() < 0.3:
                self.recorder.flush()
            else:
                offset = chance.randrange(SIZE - 9000)
                self.recorder.write(offset, chance.randbytes(chance.randrange(1, 9000)))
        return self.recorder.end()


class ReadingTests(RecordTest):
    def test_writes_and_marks_are_in_the_interval_of_their_flush(self):
        self.recorder.write(0, b"abc")
        self.recorder.mark("begun")
        self.recorder.flush()
        self.recorder.mark("3 1")
        self.recorder.write(SIZE - 2, b"de")
        found = self.recorder.end()
        writes = [[(write.offset, write.count) for write in part.writes] for part in found.intervals]
        self.assertEqual(writes, [[(0, 3)], [(SIZE - 2, 2)]])
        self.assertEqual([part.marks for part in found.intervals], [["begun\n"], ["3 1\n"]])
        bytes_of_record = self.recorder.path.read_bytes()
        for part, data in zip(found.intervals, [b"abc", b"de"]):
            place = part.writes[0].place
            self.assertEqual(bytes_of_record[place:place + len(data)], data)

    def test_a_record_that_ends_early_is_an_error_unless_it_ends_between_two(self):
        for number in range(3):
            self.recorder.write(number, b"abc")
        parts = self.recorder.parts
        whole = b"".join(parts)
        ends = set(itertools.accumulate(map(len, parts)))
        for count in range(len(whole)):
            self.recorder.path.write_bytes(whole[:count])
            if count in ends:
                Record.read(self.recorder.path)
                continue
            with self.assertRaises(record.RecordError, msg=count):
                Record.read(self.recorder.path)

    def test_what_the_recorder_never_writes_is_an_error(self):
        for kind, data, offset in [
                (0, b"", 0), (4, b"", 0), (record.FLUSH, b"a", 0), (record.WRITE, b"a", SIZE),
                (record.WRITE, b"ab", SIZE - 1), (record.MARK, b"1 2", 0), (record.MARK, b"1 2\n1 3\n", 0)]:
            recorder = Recorder(self.folder / "wrong")
            recorder.add(kind, data, offset)
            with self.assertRaises(record.RecordError, msg=(kind, data, offset)):
                recorder.end()

    def test_what_was_acknowledged_before_the_next_flush(self):
        self.recorder.flush()
        for lines in (["begun"], ["0 1", "1 1", "0 2"], ["begun", "1 2"]):
            for line in lines:
                self.recorder.mark(line)
            self.recorder.flush()
        found = self.recorder.end()
        self.assertEqual(
            [found.acknowledged(number) for number in range(5)],
            [None, {}, {0: 2, 1: 1}, {0: 2, 1: 2}, {0: 2, 1: 2}])


class CutTests(RecordTest):
    def test_each_flush_is_cut_and_each_interval_with_writes_in_parts(self):
        found = self.random_record(1)
        every = record.cuts(found, random_parts=3)
        self.assertEqual(every, sorted(set(every)))
        for number, part in enumerate(found.intervals):
            parts = [cut.part for cut in every if cut.interval == number]
            self.assertEqual(parts, [0, 1, 2, 3, 4] if part.writes else [0])

    def test_a_sample_is_in_order_and_the_same_for_a_seed(self):
        every = record.cuts(self.random_record(2))
        for count in (1, len(every) - 1):
            chosen = record.sample(every, count, 5)
            self.assertEqual(len(set(chosen)), count)
            self.assertEqual(chosen, sorted(chosen))
            self.assertLess(set(chosen), set(every))
            self.assertEqual(chosen, record.sample(every, count, 5))
        for count in (len(every), len(every) + 1, None):
            self.assertEqual(record.sample(every, count, 5), every)
        self.assertNotEqual(record.sample(every, 5, 5), record.sample(every, 5, 6))

    def test_a_torn_write_has_some_of_its_sectors(self):
        chance = random.Random(3)
        for _ in range(2000):
            write = Write(PLACE + chance.randrange(2000), chance.randrange(1, 5000), 100)
            pieces = record.torn(write, chance)
            sectors = {offset // 512 for offset in range(write.offset, write.offset + write.count)}
            of_pieces = [piece.offset // 512 for piece in pieces]
            self.assertLessEqual(set(of_pieces), sectors)
            self.assertTrue(len(of_pieces) < len(sectors) or len(sectors) == 1)
            self.assertGreater(len(of_pieces), 0)
            for piece in pieces:
                self.assertEqual(piece.place - piece.offset, write.place - write.offset)
                self.assertEqual(piece.offset, max(write.offset, piece.offset // 512 * 512))
                end = min(write.offset + write.count, (piece.offset // 512 + 1) * 512)
                self.assertEqual(piece.offset + piece.count, end)

    def test_the_superblock_is_not_torn(self):
        chance = random.Random(4)
        for offset, is_whole in [(0, True), (1024, True), (4095, True), (4096, False)]:
            write = Write(offset, 2048, 100)
            self.assertEqual(all(record.torn(write, chance) == [write] for _ in range(20)), is_whole, offset)

    def test_random_parts_keep_drop_and_tear_and_are_the_same_for_a_seed(self):
        for number in range(40):
            self.recorder.write(PLACE + 4096 * number, bytes(4096))
        interval = self.recorder.end().intervals[0]
        counts = set()
        for part in range(2, 40):
            pieces = record.kept(interval, Cut(0, part), 7)
            self.assertEqual(pieces, record.kept(interval, Cut(0, part), 7))
            counts.add(sum(piece.count for piece in pieces))
            kept = [piece for piece in pieces if piece.count == 4096]
            self.assertLess(len(kept), 40)
        self.assertGreater(len(counts), 20)
        self.assertTrue(any(count % 4096 for count in counts))


class ImageTests(RecordTest):
    def test_the_images_are_what_the_disk_was_at_the_flushes(self):
        chance = random.Random(5)
        states = [bytes(SIZE)]
        for _ in range(12):
            for _ in range(chance.randrange(6)):
                self.recorder.write(chance.randrange(SIZE - 9000), chance.randbytes(chance.randrange(1, 9000)))
            self.recorder.flush()
            states.append(bytes(self.recorder.disk))
        found = self.recorder.end()
        images = record.Images(found, self.first, self.folder, seed=1)
        for number in range(12):
            self.assertEqual(self.bytes(images, Cut(number, NOTHING)), states[number], number)
            self.assertEqual(self.bytes(images, Cut(number, EVERYTHING)), states[number + 1], number)
        self.assertEqual(self.first.read_bytes(), bytes(SIZE))

    def test_a_random_part_has_old_and_new_sectors_only(self):
        old, new = b"o" * 65536, b"n" * 65536
        self.recorder.write(PLACE, old)
        self.recorder.flush()
        for start in range(0, 65536, 4096):
            self.recorder.write(PLACE + start, new[:4096])
        images = record.Images(self.recorder.end(), self.first, self.folder, seed=1)
        seen = set()
        for part in range(2, 20):
            image = self.bytes(images, Cut(1, part))[PLACE:PLACE + 65536]
            sectors = {image[start:start + 512] for start in range(0, 65536, 512)}
            self.assertLessEqual(sectors, {old[:512], new[:512]})
            seen |= sectors
        self.assertEqual(len(seen), 2)

    def test_cuts_out_of_order_are_an_error(self):
        images = record.Images(self.random_record(6), self.first, self.folder, seed=1)
        images.make(Cut(3, EVERYTHING))
        images.make(Cut(3, NOTHING))
        with self.assertRaises(ValueError):
            images.make(Cut(2, EVERYTHING))

    def bytes(self, images, cut):
        with open(images.make(cut), "rb") as file:
            return file.read()


class Journal:
    """A small store without a file system: frames one after the other, each with its group and a checksum."""

    FRAME = struct.Struct("<III")

    def __init__(self, fault=None):
        self.fault = fault

    def write(self, recorder, groups):
        chance = random.Random(1)
        place = PLACE
        recorder.mark("begun")
        for group in range(1, groups + 1):
            body = bytes([group]) * chance.randrange(1, 3000)
            frame = self.FRAME.pack(group, len(body), zlib.crc32(body)) + body
            recorder.write(place, frame)
            place += len(frame)
            if self.fault == "early":
                recorder.mark(f"0 {group}")
            if self.fault != "noFlush":
                recorder.flush()
            if self.fault != "early":
                recorder.mark(f"0 {group}")

    def check(self, image, acknowledged):
        with open(image, "rb") as file:
            data = file.read()[PLACE:]
        last = 0
        while True:
            group, count, checksum = self.FRAME.unpack_from(data)
            body = data[self.FRAME.size:self.FRAME.size + count]
            if group != last + 1:
                break
            if zlib.crc32(body) != checksum:
                if self.fault != "noChecksum":
                    break
                return f"group {group} is not whole"
            last, data = group, data[self.FRAME.size + count:]
        needed = (acknowledged or {}).get(0, 0)
        return None if last >= needed else f"{needed} acknowledged, {last} there"


class JudgeTests(RecordTest):
    def findings(self, fault):
        journal = Journal(fault)
        journal.write(self.recorder, 15)
        found = self.recorder.end()
        judged = record.judge(
            found, self.first, self.folder, 1, record.cuts(found, random_parts=6), journal.check)
        return [(cut, wrong) for cut, wrong in judged if wrong]

    def test_a_sound_journal_has_no_finding(self):
        self.assertEqual(self.findings(None), [])

    def test_an_acknowledgement_before_the_flush_is_found(self):
        self.assertIn("acknowledged", self.findings("early")[0][1])

    def test_a_journal_that_is_not_flushed_is_found(self):
        self.assertIn("acknowledged", self.findings("noFlush")[0][1])

    def test_a_journal_that_takes_torn_frames_is_found(self):
        found = self.findings("noChecksum")
        self.assertIn("not whole", found[0][1])
        self.assertTrue(all(cut.part > EVERYTHING for cut, _ in found))


class DriverTests(FolderTest):
    """crash.py without a disk: its records are of the journal."""

    def setUp(self):
        super().setUp()
        self.options = crash.parsed(["--agent", "agent", "--recorder", "recorder", "--seed", "1", "--cuts", "all"])
        for name, value in [("WORK", self.folder / "work"), ("recorded", self.recorded), ("checker", self.checker)]:
            replaced = mock.patch.object(crash, name, value)
            replaced.start()
            self.addCleanup(replaced.stop)
        self.journal = Journal()

    def recorded(self, options, folder, seed, fault=None):
        path = self.folder / folder
        (path / "first").write_bytes(bytes(SIZE))
        recorder = Recorder(path / "record")
        (Journal(fault) if fault else self.journal).write(recorder, 10)
        return recorder.end()

    def checker(self, agent, folder):
        return self.journal.check

    def said(self, function):
        with contextlib.redirect_stdout(io.StringIO()) as output:
            result = function(self.options)
        return result, output.getvalue()

    def test_a_run_without_findings(self):
        result, said = self.said(crash.cut_all)
        self.assertEqual(result, 0)
        self.assertIn("0 findings", said)
        self.assertFalse((self.folder / "work").exists())

    def test_a_finding_is_kept_and_can_be_replayed(self):
        self.journal = Journal("early")
        self.options.records = 1
        result, said = self.said(crash.cut_all)
        self.assertEqual(result, 1)
        words = said.split("replay: python3 Tools/Crash/crash.py")[1].split("\n")[0].split()
        self.options = crash.parsed(words)
        result, said = self.said(crash.replay)
        self.assertEqual(result, 1)
        self.assertIn("acknowledged", said)

    def test_a_planted_fault_must_be_found(self):
        self.options.planted = "noFlush"
        self.assertEqual(self.said(crash.find_planted)[0], 0)
        self.options.planted = "noLog"  # the journal has no such fault
        result, said = self.said(crash.find_planted)
        self.assertEqual(result, 1)
        self.assertIn("noLog: NOT FOUND", said)

    def test_the_cuts_are_shared_among_the_records(self):
        for cuts, records in itertools.product(range(1, 12), range(1, 6)):
            shares = crash.shares(cuts, records)
            self.assertEqual((sum(shares), len(shares)), (cuts, min(cuts, records)))
            self.assertLessEqual(max(shares) - min(shares), 1)
        self.assertEqual(crash.shares(None, 3), [None] * 3)

    def test_wrong_options_are_errors(self):
        wrong = (["--cuts", "0"], ["--records", "0"], ["--rounds", "0"], ["--planted", "other"], ["--cut", "1.2"],
                 ["--replay", "folder"], ["--cut", "1", "--replay", "folder"])
        for words in wrong:
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
                crash.parsed(["--agent", "agent", "--recorder", "recorder", *words])

    def test_a_machine_that_cannot_run_it_is_an_error(self):
        for lacking in (
                mock.patch.object(os, "geteuid", return_value=1000),
                mock.patch.object(os.path, "exists", return_value=False),
                mock.patch.object(shutil, "which", return_value=None),
                mock.patch.object(sys, "platform", "darwin")):
            with lacking, mock.patch.object(crash, "parsed", return_value=self.options):
                with contextlib.redirect_stderr(io.StringIO()) as errors:
                    self.assertEqual(crash.main(), 2)
                self.assertIn("It needs", errors.getvalue())


class WorkloadTests(FolderTest):
    def test_the_first_round_is_alone_and_a_seed_repeats_the_rounds(self):
        for seed in range(50):
            rounds = workload.rounds(4, seed)
            self.assertEqual(rounds, workload.rounds(4, seed))
            self.assertEqual([len(rounds[0]), len(rounds)], [1, 4])
            for processes in rounds:
                firsts = [process.first for process in processes]
                self.assertEqual(firsts, [0, workload.WRITERS][:len(firsts)])
        every = [process for seed in range(50) for processes in workload.rounds(4, seed) for process in processes]
        steps = {process.step for process in every}
        self.assertEqual(steps, {"-", *workload.STEPS, *workload.COMPACTION_STEPS})
        self.assertTrue(all(process.compaction for process in every if process.step in workload.COMPACTION_STEPS))

    def test_the_steps_are_steps_of_the_store(self):
        source = (ROOT / "Sources/CodexStore/Durability/ProtocolStep.swift").read_text()
        for step in [*workload.STEPS, *workload.COMPACTION_STEPS]:
            self.assertRegex(source, rf"\b{step}\b")

    def test_the_faults_are_faults_of_the_tests(self):
        source = (ROOT / "Tests/PlantedFaults/PlantedFault.swift").read_text()
        for fault in crash.PLANTED:
            self.assertIn(f"case {fault}\n", source)

    def perform(self, script, step="-", fault=None):
        self.program("agent", script)
        workload.perform(
            [workload.Process(0, 7, step)], self.folder / "bin/agent", f"{self.folder}/store", self.folder / "marks",
            self.folder, fault)

    def test_what_a_process_says_are_marks(self):
        self.perform('echo "$*"', step="committed", fault="noFlush")
        said = (self.folder / "marks").read_text()
        steps = f"{self.folder}/store {self.folder}/steps-0"
        self.assertEqual(said, f"crash {steps} 0 4 7 {workload.GROUPS} committed 0 noFlush\n")

    def test_a_process_that_fails_is_an_error_and_one_that_kills_itself_where_it_was_told_is_not(self):
        killed = f"kill -{int(signal.SIGKILL)} $$"
        self.perform(killed, step="committed")
        for script, step in [(killed, "-"), ("kill -6 $$", "committed"), ("exit 3", "committed")]:
            with self.assertRaises(workload.WorkloadError):
                self.perform(script, step)
        with self.assertRaisesRegex(workload.WorkloadError, "why it failed"):
            self.perform("echo why it failed >&2; exit 1")


def has_recorder():
    """Whether recorder.c can be compiled and run: `make crash` installs what it needs."""
    return not disk.missing() and subprocess.run(["pkg-config", "--exists", "fuse3"]).returncode == 0


@unittest.skipUnless(has_recorder(), "needs root, FUSE, loop devices and libfuse3")
class RecorderTests(FolderTest):
    """recorder.c, with the file system of Linux above it."""

    def setUp(self):
        super().setUp()
        self.recorder = self.folder / "recorder"
        flags = subprocess.check_output(["pkg-config", "--cflags", "--libs", "fuse3"], text=True).split()
        subprocess.run(["cc", "-o", self.recorder, CRASH / "recorder.c", *flags], check=True)

    def test_what_was_flushed_before_a_mark_is_in_each_of_its_cuts(self):
        made = disk.RecordedDisk(self.recorder, self.folder, 16)
        with made.recorded():
            marks = os.open(made.marks, os.O_WRONLY)
            file = os.open(made.path / "file", os.O_RDWR | os.O_CREAT)
            for number in range(1, 6):
                os.pwrite(file, bytes([number]) * 5000, 5000 * number)
                os.fsync(file)
                os.write(marks, b"0 %d\n" % number)
            os.close(file)
            os.close(marks)
        found = Record.read(made.record)
        self.assertEqual(found.acknowledged(len(found.intervals)), {0: 5})
        images = record.Images(found, made.first, self.folder, seed=1)
        for cut in record.sample(record.cuts(found), 20, seed=1):
            with disk.mounted(images.make(cut), self.folder / "cut-mounted") as path:
                for number in range(1, 1 + (found.acknowledged(cut.interval) or {}).get(0, 0)):
                    data = (path / "file").read_bytes()[5000 * number:5000 * (number + 1)]
                    self.assertEqual(data, bytes([number]) * 5000, cut)
        # All of the record make the image as it was left.
        for part in found.intervals:
            record.apply(found, part.writes, made.first)
        self.assertEqual(made.first.read_bytes(), made.image.read_bytes())

    def test_a_recorder_without_an_image_is_an_error(self):
        made = disk.RecordedDisk(self.recorder, self.folder, 16)
        made.image.unlink()
        with self.assertRaises(disk.DiskError), made.recorded():
            pass


if __name__ == "__main__":
    unittest.main()
