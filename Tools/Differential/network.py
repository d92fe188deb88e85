"""Network namespaces of a server and of other places, each with a link to the server that can be cut. Needs root."""

import ctypes
import os
import shutil
import subprocess
import sys

CLONE_NEWNET = 0x40000000
# The kernel's interface for the namespace of a thread.
LIBC = ctypes.CDLL(None, use_errno=True)
# Where `ip netns` keeps the namespaces.
FOLDER = "/var/run/netns"


class Unavailable(Exception):
    """This machine makes no such network."""


def missing():
    """What this machine lacks, as sentences."""
    if not sys.platform.startswith("linux"):
        return ["It needs Linux, with network namespaces."]
    found = []
    if os.geteuid() != 0:
        found.append("It needs root, to make network namespaces. Run it as root.")
    for program in ("ip", "ss"):
        if not shutil.which(program):
            found.append(f"It needs {program}. Install the package iproute2.")
    return found


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class Network:
    """A namespace of the server, and one of each place with a link to it; they end with the `with` statement."""

    def __init__(self, places):
        self.places = places
        self.server = self.name("server")

    @staticmethod
    def name(place):
        """The name of a place's namespace, which no other run has."""
        return f"codex-{os.getpid()}-{place}"

    def address(self, place):
        """The address of the server for a place."""
        return f"10.28.{self.places.index(place) + 1}.1"

    def __enter__(self):
        lacking = missing()
        if lacking:
            raise Unavailable(" ".join(lacking))
        try:
            self.add(self.server)
            for place in self.places:
                self.connect(place)
        except (OSError, subprocess.CalledProcessError) as error:
            self.__exit__()
            reason = (getattr(error, "stderr", None) or str(error)).strip()
            raise Unavailable(f"This machine makes no network namespaces or links: {reason}") from error
        return self

    def __exit__(self, *_):
        for place in ("server", *self.places):
            subprocess.run(["ip", "netns", "delete", self.name(place)], check=False, capture_output=True)

    def add(self, name):
        ip("netns", "add", name)
        ip("netns", "exec", name, "true")
        ip("-n", name, "link", "set", "dev", "lo", "up")

    def connect(self, place):
        """Makes the namespace of a place, and its link."""
        name, far = self.name(place), f"to-{place}"
        self.add(name)
        ip("-n", self.server, "link", "add", far, "type", "veth", "peer", "name", "uplink", "netns", name)
        ends = [(self.server, far, self.address(place)), (name, "uplink", self.address(place)[:-1] + "2")]
        for namespace, device, address in ends:
            ip("-n", namespace, "address", "add", f"{address}/24", "dev", device)
            ip("-n", namespace, "link", "set", "dev", device, "up")

    def command(self, place, words):
        """A command in the namespace of a place, or of the server."""
        return ["ip", "netns", "exec", self.name(place), *words]

    def set_link(self, place, state, is_far):
        """Sets the end of a link at the server, or else the one at the place, up or down."""
        namespace, device = (self.server, f"to-{place}") if is_far else (self.name(place), "uplink")
        ip("-n", namespace, "link", "set", "dev", device, state)

    def unsent_count(self, place, port):
        """How many connections of a place to a port of the server have bytes that did not arrive."""
        process = subprocess.run(
            self.command(place, ["ss", "-Htan"]), check=True, capture_output=True, text=True)
        return unsent_count(process.stdout, f"{self.address(place)}:{port}")


def unsent_count(text, peer):
    """How many connections to an address have bytes that were not acknowledged, in what `ss -Htan` prints."""
    rows = [line.split() for line in text.splitlines()]
    return sum(1 for row in rows if len(row) >= 5 and row[4] == peer and int(row[2]) > 0)


def enter(name):
    """Moves this thread into a namespace: the sockets that it makes are there."""
    descriptor = os.open(os.path.join(FOLDER, name), os.O_RDONLY)
    try:
        if LIBC.setns(descriptor, CLONE_NEWNET) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), name)
    finally:
        os.close(descriptor)
