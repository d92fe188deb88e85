"""What recorder.c recorded, and the images that a power cut may leave of it.

A record is read as intervals. Interval 0 has the writes before the first flush, and interval n those between flush n
and the next one. A cut of interval n has all writes of the intervals before it, and a part of its own."""

import os
import random
import struct
import subprocess
from typing import NamedTuple

MAGIC = b"CODEXBR1"
HEAD = struct.Struct("<8sQ")
HEADER = struct.Struct("<IIQ")
WRITE, FLUSH, MARK = 1, 2, 3
# A process says so once it has opened the store. It says a writer and a group for each group that is acknowledged.
BEGUN = "begun\n"
SECTOR = 512
# Such a part of the writes that are kept is torn.
TORN = 0.3
# ext4 compares the checksum of its superblock before it replays its journal. So it needs the superblock whole.
SUPERBLOCK = range(0, 4096)


class RecordError(Exception):
    """A record is not as the recorder writes it."""


class Write(NamedTuple):
    """Bytes of the image, and where the record has them."""

    offset: int
    count: int
    place: int


class Interval(NamedTuple):
    """What came after a flush, until the next one."""

    writes: list
    marks: list


class Cut(NamedTuple):
    """A state that a power cut may leave."""

    interval: int
    # NOTHING or EVERYTHING of the interval's writes, or a random part, whose number is higher.
    part: int

    def __str__(self):
        return f"{self.interval}.{self.part}"


NOTHING, EVERYTHING = 0, 1


class Record(NamedTuple):
    """The file of a record, the size of its image, and its intervals."""

    path: str
    size: int
    intervals: list

    @classmethod
    def read(cls, path):
        with open(path, "rb") as file:
            end = os.fstat(file.fileno()).st_size
            head = file.read(HEAD.size)
            if len(head) < HEAD.size or HEAD.unpack(head)[0] != MAGIC:
                raise RecordError(f"{path} is no record")
            record = cls(str(path), HEAD.unpack(head)[1], [Interval([], [])])
            while (place := file.tell()) < end:
                header = file.read(HEADER.size)
                if len(header) < HEADER.size:
                    raise RecordError(f"{path} ends within the header at {place}")
                record.add(file, *HEADER.unpack(header))
            return record

    def add(self, file, kind, count, offset):
        """Adds the record whose bytes come next in the file."""
        place = file.tell()
        if place + count > os.fstat(file.fileno()).st_size:
            raise RecordError(f"{self.path} ends within the bytes at {place}")
        if kind == WRITE:
            if offset + count > self.size:
                raise RecordError(f"the write at {place} goes past the end of the image")
            self.intervals[-1].writes.append(Write(offset, count, place))
            file.seek(count, os.SEEK_CUR)
        elif kind == FLUSH and count == 0:
            self.intervals.append(Interval([], []))
        elif kind == MARK:
            line = file.read(count).decode()
            if not line.endswith("\n") or line.count("\n") > 1:
                raise RecordError(f"the mark at {place} is not one line")
            self.intervals[-1].marks.append(line)
        else:
            raise RecordError(f"{self.path} has an unknown record at {place}")

    def acknowledged(self, interval):
        """The last group of each writer that was acknowledged before the end of an interval.

        None if no process had begun to write: then there need not be a store."""
        lines = [line for known in self.intervals[:interval + 1] for line in known.marks]
        last = {}
        for writer, group in (map(int, line.split()) for line in lines if line != BEGUN):
            last[writer] = max(last.get(writer, 0), group)
        return last if lines else None


# Cuts

def cuts(record, random_parts=2):
    """All cuts of a record: at each flush what was flushed alone, then with what came before the next flush."""
    found = []
    for number, interval in enumerate(record.intervals):
        found.append(Cut(number, NOTHING))
        if interval.writes:
            found += [Cut(number, part) for part in range(EVERYTHING, EVERYTHING + 1 + random_parts)]
    return found


def sample(all_cuts, count, seed):
    """So many of the cuts, by chance and in order; all without a count."""
    if count is None or count >= len(all_cuts):
        return list(all_cuts)
    return sorted(random.Random(f"{seed} sample").sample(all_cuts, count))


def kept(interval, cut, seed):
    """The pieces of an interval's writes that a cut keeps, in order."""
    if cut.part == NOTHING:
        return []
    if cut.part == EVERYTHING:
        return list(interval.writes)
    chance = random.Random(f"{seed} {cut}")
    share = chance.choice([0.1, 0.3, 0.5, 0.7, 0.9])
    pieces = []
    for write in interval.writes:
        if chance.random() >= share:
            continue
        pieces += torn(write, chance) if chance.random() < TORN else [write]
    return pieces


def torn(write, chance):
    """Some of the sectors of a write: at least one, and not all if there are several."""
    if write.offset in SUPERBLOCK:
        return [write]
    end = write.offset + write.count
    starts = [write.offset, *range((write.offset // SECTOR + 1) * SECTOR, end, SECTOR)]
    if len(starts) == 1:
        return [write]
    chosen = sorted(chance.sample(starts, chance.randrange(1, len(starts))))
    return [
        Write(start, min((start // SECTOR + 1) * SECTOR, end) - start, write.place + start - write.offset)
        for start in chosen]


# Images

class Images:
    """Makes the images of cuts, in their order, from the image as it was before the record."""

    def __init__(self, record, first, folder, seed):
        self.record, self.seed = record, seed
        self.flushed = os.path.join(folder, "flushed")
        self.image = os.path.join(folder, "cut")
        copy(first, self.flushed)
        self.next = 0

    def make(self, cut):
        """The path of a cut's image, which is replaced by the next one."""
        if cut.interval < self.next:
            raise ValueError(f"cut {cut} comes after a later one")
        intervals = self.record.intervals
        for interval in intervals[self.next:cut.interval]:
            apply(self.record, interval.writes, self.flushed)
        self.next = cut.interval
        copy(self.flushed, self.image)
        apply(self.record, kept(intervals[cut.interval], cut, self.seed), self.image)
        return self.image


def apply(record, writes, path):
    """Makes writes of a record in an image."""
    if not writes:
        return
    with open(record.path, "rb") as source, open(path, "r+b") as image:
        for write in writes:
            source.seek(write.place)
            image.seek(write.offset)
            image.write(source.read(write.count))


def copy(source, target):
    """Copies an image; what is empty in it takes no room."""
    subprocess.run(["cp", "--reflink=auto", "--sparse=always", str(source), str(target)], check=True)


def judge(record, first, folder, seed, chosen, check):
    """Gives each cut with what the check finds wrong in its image, or None.

    The check gets the image, and what was acknowledged before the next flush."""
    images = Images(record, first, folder, seed)
    for cut in chosen:
        yield cut, check(images.make(cut), record.acknowledged(cut.interval))
