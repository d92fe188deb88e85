"""The servers that programs here start: `codexflow serve`, ministack and moto, on free ports of this machine."""

import importlib.metadata
import os
import socket
import subprocess
import sys
import time

PEERS = ("ministack", "moto")


class Emulator:
    """A server that this program starts, or that runs already."""

    def __init__(self, name, url, process=None, start=None):
        self.name, self.url, self.process, self.start = name, url, process, start

    def end(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def codexflow(program, directory):
    """`codexflow serve`, with a store that ends with it."""
    program = os.path.abspath(program)
    return started("codexflow", lambda port: [program, "serve", "--ephemeral", "--port", port], directory)


def peer(package, directory):
    """A DynamoDB in Python, by the name of its package."""
    commands = {
        "moto": lambda port: [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port],
        "ministack": lambda port: [
            sys.executable, "-m", "hypercorn", "ministack.app:app", "--bind", f"127.0.0.1:{port}"]}
    return started(f"{package} {importlib.metadata.version(package)}", commands[package], directory)


def started(name, command, directory):
    """Starts a server; `start` is the time until it accepts connections."""
    port = free_port()
    begin = time.monotonic()
    process = subprocess.Popen(
        command(str(port)), cwd=directory, env=dict(os.environ, LOG_LEVEL="ERROR"),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    emulator = Emulator(name, f"http://127.0.0.1:{port}", process)
    while time.monotonic() - begin < 60:
        if process.poll() is not None:
            raise SystemExit(f"{name} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            emulator.start = time.monotonic() - begin
            return emulator
        except OSError:
            time.sleep(0.002)
    emulator.end()
    raise SystemExit(f"{name} does not accept connections")
