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
import sys
import tempfile

from botocore.exceptions import BotoCoreError, ClientError

import emulator_tables
import item_behaviours  # noqa: F401
import peers
import read_behaviours  # noqa: F401
import table_behaviours  # noqa: F401
from behaviours import BEHAVIOURS, Unsupported, World, refusal
from emulator_tables import DIFFERS, SAME, UNSUPPORTED, Result, shown


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
    if options.codexflow:
        yield peers.codexflow(options.codexflow, directory)
    if options.moto:
        yield peers.peer("moto", directory)
    if options.ministack:
        yield peers.peer("ministack", directory)
    for endpoint in options.endpoint:
        name, _, url = endpoint.partition("=")
        yield peers.Emulator(name, url)


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
