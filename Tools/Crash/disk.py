"""File systems in images: one whose writes and flushes are recorded, and those that a power cut leaves. Needs root."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import time

SECONDS = 60  # in which the recorder mounts its files and ends, and a folder can be unmounted


class DiskError(Exception):
    """A command on an image failed, or this machine has no such commands."""


def missing():
    """What this machine lacks, as sentences."""
    if not sys.platform.startswith("linux"):
        return ["It needs Linux, with ext4, FUSE and loop devices."]
    found = []
    if os.geteuid() != 0:
        found.append("It needs root, to mount images. Run it as root.")
    if not os.path.exists("/dev/fuse"):
        found.append("It needs FUSE, and /dev/fuse does not exist. Load the kernel's module fuse.")
    if not os.path.exists("/dev/loop-control"):
        found.append("It needs loop devices, and /dev/loop-control does not exist. Load the kernel's module loop.")
    for program, package in [("mkfs.ext4", "e2fsprogs"), ("mount", "mount")]:
        if not shutil.which(program):
            found.append(f"It needs {program}. Install the package {package}.")
    return found


def run(*words):
    """Runs a command that must succeed."""
    process = subprocess.run(words, capture_output=True, text=True)
    if process.returncode != 0:
        raise DiskError(f"{' '.join(map(str, words))} ended with {process.returncode}: {process.stderr.strip()}")


def wait_until(is_so, what):
    """Waits for what no event tells."""
    deadline = time.monotonic() + SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise DiskError(f"after {SECONDS} s, {what}")
        time.sleep(0.01)


def unmount(folder):
    """Unmounts a folder, once no process uses it."""
    wait_until(
        lambda: subprocess.run(["umount", folder], capture_output=True).returncode == 0, f"{folder} is still in use")


@contextlib.contextmanager
def mounted(image, folder):
    """Mounts the file system of an image, which replays its journal."""
    os.makedirs(folder, exist_ok=True)
    run("mount", "-t", "ext4", "-o", "loop", image, folder)
    try:
        yield folder
    finally:
        unmount(folder)


class RecordedDisk:
    """An ext4 file system whose writes and flushes are recorded below it.

    `first` is its image before the record, `record` the record, and `path` where it is mounted. What is written to
    `marks` is a part of the record."""

    def __init__(self, recorder, folder, mebibytes):
        folder = pathlib.Path(folder)
        self.recorder = recorder
        self.first, self.record, self.path = folder / "first", folder / "record", folder / "mounted"
        self.image, self.files = folder / "image", folder / "files"
        self.marks = self.files / "marks"
        with open(self.first, "xb") as file:
            file.truncate(mebibytes << 20)
        # The file system is made as a whole now: later, the kernel would write the rest in the background.
        run("mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", self.first)
        run("cp", "--sparse=always", self.first, self.image)

    @contextlib.contextmanager
    def recorded(self):
        """Mounts it, and records until the end of the block."""
        self.files.mkdir()
        process = subprocess.Popen([self.recorder, self.image, self.record, self.files])
        try:
            wait_until(
                lambda: os.path.ismount(self.files) or process.poll() is not None, "the recorder has mounted no files")
            if process.poll() is None:
                with mounted(self.files / "image", self.path):
                    yield self
                unmount(self.files)
            if process.wait(SECONDS) != 0:
                raise DiskError(f"the recorder ended with {process.returncode}")
        finally:
            if process.poll() is None:
                subprocess.run(["umount", "-l", self.files], capture_output=True)
                process.kill()
                process.wait()


def require():
    """Throws DiskError if this machine lacks what is needed."""
    lacks = missing()
    if lacks:
        raise DiskError(" ".join(lacks))


if __name__ == "__main__":
    try:
        require()
    except DiskError as error:
        print(f"make crash: {error}", file=sys.stderr)
        sys.exit(2)
