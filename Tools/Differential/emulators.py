"""Runs documented behaviours of DynamoDB against emulators, and prints where they differ.

Each behaviour has a source: a page of AWS's documentation, or an answer of AWS that is quoted in a public issue. An
endpoint shows it (`same`), shows another one (`differs`, with what it showed), or does not have what is needed
(`unsupported`).

  python emulators.py --moto --ministack --codexflow PATH
  python emulators.py --endpoint local=http://127.0.0.1:8000 --only transaction

moto, ministack and codexflow are started on free ports of this machine, and ended at the end. Others must be running.
--markdown writes the results into a document, between the marks that emulator_tables.py names, or into a new file.
With --codexflow, the exit code is 1 if it differs anywhere.
"""

import argparse
import importlib.metadata
import os
import socket
import subprocess
import sys
import tempfile
import time

from botocore.exceptions import BotoCoreError, ClientError

import emulator_tables
import item_behaviours  # noqa: F401
import read_behaviours  # noqa: F401
import table_behaviours  # noqa: F401
from behaviours import BEHAVIOURS, Unsupported, World, refusal
from differential import free_port
from emulator_tables import DIFFERS, SAME, UNSUPPORTED, Result, shown


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


def started(name, command, port, directory):
    """Starts a server; `start` is the time until it accepts connections."""
    begin = time.monotonic()
    process = subprocess.Popen(
        command, cwd=directory, env=dict(os.environ, LOG_LEVEL="ERROR"),
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


def observed(world, behaviour):
    """What an endpoint shows."""
    try:
        return Result(None, behaviour.probe(world))
    except Unsupported:
        return Result(UNSUPPORTED, None)
    except ClientError as error:
        try:
            return Result(None, refusal(error))
        except Unsupported:
            return Result(UNSUPPORTED, None)
    except (BotoCoreError, KeyError, IndexError, TypeError, ValueError, StopIteration, TimeoutError) as error:
        # An answer without what each answer has, or none.
        return Result(DIFFERS, f"no sound answer ({type(error).__name__})")


def compared(world, behaviour):
    """The verdict of a behaviour."""
    result = observed(world, behaviour)
    if result.verdict:
        return result
    if result.seen == behaviour.expected:
        return Result(SAME, None)
    return Result(DIFFERS, shown(result.seen))


def results_of(emulator, chosen):
    world = World(emulator.url)
    try:
        world.setup()
        return [compared(world, behaviour) for behaviour in chosen]
    finally:
        world.close()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codexflow", metavar="PATH", help="the program, which serves an ephemeral store")
    parser.add_argument("--moto", action="store_true", help="start moto's server")
    parser.add_argument("--ministack", action="store_true", help="start ministack")
    parser.add_argument("--endpoint", action="append", default=[], metavar="NAME=URL", help="a server that runs")
    parser.add_argument("--only", default="", metavar="WORD", help="behaviours with this word in their names")
    parser.add_argument("--markdown", metavar="FILE", help="write the tables for a document, between its marks")
    parser.add_argument("--sources", action="store_true", help="print the behaviours with their sources, and end")
    return parser.parse_args()


def servers(options, directory):
    """The emulators that the options name."""
    def versioned(package):
        return f"{package} {importlib.metadata.version(package)}"

    commands = []
    if options.codexflow:
        program = os.path.abspath(options.codexflow)
        commands.append(("codexflow", lambda port: [program, "serve", "--ephemeral", "--port", port]))
    if options.moto:
        commands.append((versioned("moto"), lambda port: [
            sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port]))
    if options.ministack:
        commands.append((versioned("ministack"), lambda port: [
            sys.executable, "-m", "hypercorn", "ministack.app:app", "--bind", f"127.0.0.1:{port}"]))
    for name, command in commands:
        port = free_port()
        yield started(name, command(str(port)), port, directory)
    for endpoint in options.endpoint:
        name, _, url = endpoint.partition("=")
        yield Emulator(name, url)


def main():
    options = arguments()
    chosen = [behaviour for behaviour in BEHAVIOURS if options.only in behaviour.name]
    if options.sources:
        print("\n".join(f"{behaviour.name}\n    {behaviour.source}" for behaviour in chosen))
        return
    if options.markdown:
        try:
            emulator_tables.document(options.markdown)
        except ValueError as error:
            sys.exit(str(error))
    emulators, columns = [], []
    with tempfile.TemporaryDirectory() as directory:
        try:
            for emulator in servers(options, directory):
                emulators.append(emulator)
                columns.append(results_of(emulator, chosen))
        finally:
            for emulator in emulators:
                emulator.end()
    if not emulators:
        sys.exit("name an emulator: --codexflow PATH, --moto, --ministack or --endpoint NAME=URL")
    print(emulator_tables.table(chosen, emulators, columns))
    print()
    print(emulator_tables.summary(emulators, columns))
    if options.markdown:
        emulator_tables.write(options.markdown, emulator_tables.markdown(chosen, emulators, columns))
    if options.codexflow and any(result.verdict != SAME for result in columns[0]):
        sys.exit(1)


if __name__ == "__main__":
    main()
