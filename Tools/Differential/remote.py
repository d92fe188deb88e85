"""Runs a command, such as tests of the remote client, beside DynamoDBs that this program starts and ends.

They are `codexflow serve`, the same with faults, moto and ministack. The command finds their addresses in the
variable CODEX_REMOTE_ENDPOINTS, as `moto=http://127.0.0.1:5000`, separated by commas.

  python remote.py --codexflow PATH -- swift test --traits Remote --filter ConformanceTests
  python remote.py --codexflow PATH --short -- swift test --traits Remote --filter ConformanceTests

--short starts the two servers of codexflow alone. The exit code is that of the command.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import peers

# What a client must hide. An update without an answer is no fault that it can hide.
FAULTS = {
    "seed": 28,
    "rules": [
        {"fault": "throttle", "every": 11},
        {"fault": "internalError", "every": 7,
         "operations": ["BatchGetItem", "GetItem", "Query", "TransactWriteItems"]},
        {"fault": "transactionConflict", "every": 13, "operations": ["TransactWriteItems", "UpdateItem"]},
        {"fault": "unprocessed", "every": 5},
        {"fault": "staleIndex", "milliseconds": 500},
    ],
}


def faulty(program, directory):
    """`codexflow serve` with faults."""
    plan = os.path.join(directory, "faults.json")
    with open(plan, "w", encoding="utf-8") as file:
        json.dump(FAULTS, file)
    program = os.path.abspath(program)
    return peers.started(
        "codexflow with faults",
        lambda port: [program, "serve", "--ephemeral", "--faults", plan, "--port", port], directory)


def servers(options, directory):
    """The servers, each when it accepts connections."""
    yield peers.codexflow(options.codexflow, directory)
    yield faulty(options.codexflow, directory)
    if not options.short:
        for package in peers.PEERS:
            yield peers.peer(package, directory)


def endpoints(emulators):
    """The text of the variable."""
    return ",".join(f"{emulator.name}={emulator.url}" for emulator in emulators)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codexflow", metavar="PATH", required=True, help="the program")
    parser.add_argument("--short", action="store_true", help="without moto and ministack")
    parser.add_argument("command", nargs="+", help="the command, after --")
    return parser.parse_args()


def main():
    options = arguments()
    emulators = []
    with tempfile.TemporaryDirectory() as directory:
        try:
            for emulator in servers(options, directory):
                emulators.append(emulator)
            variables = dict(os.environ, CODEX_REMOTE_ENDPOINTS=endpoints(emulators))
            return subprocess.run(options.command, env=variables, check=False).returncode
        finally:
            for emulator in emulators:
                emulator.end()


if __name__ == "__main__":
    sys.exit(main())
