"""A real client of the Model Context Protocol (PyPI's `mcp`) against `codexflow mcp`: the present revision with and
without discovery, and the handshake of the one before. Ends with 1 if anything is not as the protocol has it."""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError

PROGRAM = None
MODES = ("2026-07-28", "auto", "legacy")


class Agents(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)
        self.store = self.directory + "/store"
        self.run_program("task", "init", "--as", "ada", "--agent", "bot")

    def run_program(self, *arguments):
        run = subprocess.run(
            [PROGRAM, *arguments, "--store", self.store, "--project", "engine"], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def server(self, *options, project=True):
        scope = ["--project", "engine"] if project else []
        return StdioServerParameters(
            command=PROGRAM, args=["mcp", "--store", self.store, *scope, *options], env=dict(os.environ))

    def each_mode(self, body, *options, project=True):
        """Runs an async test with a client of each mode; each begins with a fresh server."""
        for mode in MODES:
            async def run():
                async with Client(self.server(*options, project=project), mode=mode) as client:
                    await body(client, mode)
            with self.subTest(mode=mode):
                asyncio.run(run())

    async def call(self, client, tool, **arguments):
        """The structured answer of a tool, which is its text, too."""
        result = await client.call_tool(tool, arguments)
        self.assertEqual(json.loads(result.content[0].text), result.structured_content)
        return result.structured_content, result.is_error

    def test_tools(self):
        async def body(client, mode):
            tools = (await client.list_tools()).tools
            self.assertEqual(len(tools), 8)
            for tool in tools:
                self.assertEqual(tool.input_schema["type"], "object")
                self.assertNotIn("project", tool.input_schema["properties"])
            texts = json.dumps([tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools])
            self.assertLessEqual(len(texts), 6000)
        self.each_mode(body, "--as", "bot")

    def test_a_server_that_only_reads(self):
        async def body(client, mode):
            names = [tool.name for tool in (await client.list_tools()).tools]
            self.assertEqual(names, ["task_ready", "task_show"])
            with self.assertRaises(MCPError):
                await client.call_tool("task_claim", {})
        self.each_mode(body, "--as", "bot", "--read-only")

    def test_each_call_names_its_project_if_the_server_has_none(self):
        async def body(client, mode):
            answer, is_error = await self.call(client, "task_ready", project="engine")
            self.assertEqual((answer["tasks"], is_error), ([], False))
            answer, is_error = await self.call(client, "task_ready", project="other")
            self.assertEqual((answer["error"]["code"], is_error), ("notFound", True))
        self.each_mode(body, "--as", "bot", project=False)

    def test_a_task_from_its_addition_to_its_end(self):
        async def body(client, mode):
            key = {"idempotencyKey": str(uuid.uuid4())}
            added, _ = await self.call(client, "task_add", title="Parse", criteria=["fast"], **key)
            again, _ = await self.call(client, "task_add", title="Parse", criteria=["fast"], **key)
            self.assertEqual(added, again)
            task = added["task"]["id"]
            claimed, _ = await self.call(client, "task_claim", leaseSeconds=60)
            self.assertEqual((claimed["task"]["id"], claimed["task"]["status"]), (task, "inProgress"))
            holding = {"task": task, "token": claimed["token"]}
            renewed, _ = await self.call(client, "task_renew", **holding)
            self.assertGreater(renewed["until"], claimed["until"])
            refused, is_error = await self.call(client, "task_finish", **holding, outcome="done")
            self.assertEqual((refused["error"]["rule"], is_error), ("taskUnmet", True))
            done, is_error = await self.call(
                client, "task_finish", **holding, outcome="done", met=["1"], data={"lines": [1, None]})
            self.assertEqual((done["task"]["status"], is_error), ("done", False))
            lost, is_error = await self.call(client, "task_comment", **holding, text="Too late.")
            self.assertEqual((lost["error"]["rule"], is_error), ("taskNotHeld", True))
            shown, _ = await self.call(client, "task_show", task=task)
            self.assertEqual(shown["task"]["result"], {"data": {"lines": [1, None]}})
        self.each_mode(body, "--as", "bot")

    def test_a_stale_token_writes_nothing(self):
        async def body(client, mode):
            self.run_program("task", "add", "Race", "--as", "ada")
            lost, _ = await self.call(client, "task_claim", leaseSeconds=1)
            async with Client(self.server("--as", "bot"), mode=mode) as other:
                taken, deadline = {"task": None}, time.monotonic() + 60
                while taken["task"] is None:  # until the lease ends
                    self.assertLess(time.monotonic(), deadline)
                    await asyncio.sleep(0.05)
                    taken, _ = await self.call(other, "task_claim", leaseSeconds=600)
            task = lost["task"]["id"]
            self.assertEqual(taken["task"]["id"], task)
            self.assertGreater(taken["token"], lost["token"])
            for tool, more in [
                    ("task_renew", {}), ("task_comment", {"text": "Too late."}),
                    ("task_finish", {"outcome": "done"}), ("task_finish", {"outcome": "failed"})]:
                refused, is_error = await self.call(client, tool, task=task, token=lost["token"], **more)
                self.assertTrue(is_error, refused)
                self.assertIn(refused["error"]["rule"], {"taskNotHeld", "taskClaimEnded"})
            # The server of the other client has ended, and any other one goes on with its token.
            done, _ = await self.call(client, "task_finish", task=task, token=taken["token"], outcome="done")
            self.assertEqual(done["task"]["status"], "done")
        self.each_mode(body, "--as", "bot")

    def test_two_clients_never_get_one_task(self):
        for number in range(20):
            self.run_program("task", "add", "Task %d" % number, "--as", "ada")

        async def worker(found):
            async with Client(self.server("--as", "bot"), mode="auto") as client:
                while True:
                    claimed, _ = await self.call(client, "task_claim")
                    if claimed["task"] is None:
                        return
                    found.append(claimed["task"]["id"])

        async def run():
            found = []
            await asyncio.gather(*(worker(found) for _ in range(4)))
            return found

        found = asyncio.run(run())
        self.assertEqual((len(found), len(set(found))), (20, 20))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codexflow", required=True, help="the program")
    options, rest = parser.parse_known_args()
    PROGRAM = os.path.abspath(options.codexflow)
    unittest.main(argv=[sys.argv[0], *rest])
