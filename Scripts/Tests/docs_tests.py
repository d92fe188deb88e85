"""The site of the documentation, with a toolchain that the test makes."""

import importlib.machinery
import importlib.util
import json
import os
import unittest

from support import ROOT, SCRIPTS, FolderTest


def script(name):
    """A script without an ending, as a module."""
    module = name.replace("-", "_") + "_script"
    loader = importlib.machinery.SourceFileLoader(module, str(SCRIPTS / name))
    loaded = importlib.util.module_from_spec(importlib.util.spec_from_loader(module, loader))
    loader.exec_module(loaded)
    return loaded


docs = script("docs")


def symbol(path, kind="swift.func", comment=None, precise=None, line=1):
    made = {
        "kind": {"identifier": kind}, "pathComponents": path.split("/"),
        "identifier": {"precise": precise or "s:" + path, "interfaceLanguage": "swift"},
        "location": {"uri": "file:///a.swift", "position": {"line": line, "character": 0}}}
    if comment:
        made["docComment"] = {"lines": [{"text": comment}]}
    return made


class DocsTest(FolderTest):
    """A test with symbol graphs and catalogues of its own."""

    def setUp(self):
        super().setUp()
        self.graphs = self.folder / "graphs"
        self.graphs.mkdir()

    def graph(self, name, *symbols):
        (self.graphs / f"{name}.symbols.json").write_text(json.dumps({"symbols": list(symbols)}))

    def module(self, name):
        return docs.Module(name, self.graphs)

    def links(self, module, link, *others, scope=()):
        return docs.links(self.module(module), [self.module(other) for other in others], link, scope)


class LinkTests(DocsTest):
    def test_a_link_to_a_symbol_of_the_module_stays(self):
        self.graph("Store", symbol("Store"), symbol("Store/get(_:)"))
        for link, scope in (("Store/get(_:)", ()), ("get(_:)", ("Store",)), ("Store", ("Store", "get(_:)"))):
            self.assertEqual(self.links("Store", link, scope=scope), [f"``{link}``"])

    def test_a_link_to_another_module_becomes_absolute(self):
        self.graph("Core", symbol("Error/Code/closed"))
        self.graph("Store", symbol("Store"))
        for link in ("Error/Code/closed", "Core/Error/Code/closed", "/Core/Error/Code/closed"):
            self.assertEqual(
                self.links("Store", link, "Core", scope=("Store",)), ["``/Core/Error/Code/closed``"])

    def test_a_link_to_a_module_that_is_extended_becomes_code(self):
        self.graph("Core", symbol("Error"), symbol("Flow"))
        self.graph("Joined")
        self.graph("Joined@Core", symbol("Flow", "swift.extension"), symbol("Flow/Task"))
        self.assertEqual(self.links("Joined", "Error", "Core"), ["`Error`"])
        self.assertEqual(self.links("Joined", "Core/Flow/Task", "Core"), ["``Core/Flow/Task``"])
        self.assertEqual(
            self.links("Joined", "Flow/Task", "Core", scope=("Core", "Flow")), ["``Flow/Task``"])

    def test_a_link_to_a_symbol_beside_the_one_that_is_extended_is_found(self):
        self.graph("Core", symbol("Flow"), symbol("Flow/Project"), symbol("Flow/Project/name"))
        self.graph("Work")
        self.graph("Work@Core", symbol("Flow", "swift.extension"), symbol("Flow/Desk"), symbol("Flow/Desk/get(_:)"))
        self.assertEqual(
            self.links("Work", "Project/name", "Core", scope=("Core", "Flow", "Desk")), ["`Project.name`"])
        self.graph("Joined")
        self.graph("Joined@Core", symbol("Flow", "swift.extension"), symbol("Flow/Desk/init(_:)"))
        for link in ("get(_:)", "Flow/Desk/get(_:)"):
            self.assertEqual(
                self.links("Joined", link, "Core", "Work", scope=("Core", "Flow", "Desk", "init(_:)")),
                ["``/Work/Core/Flow/Desk/get(_:)``"])

    def test_a_link_to_a_module_is_found(self):
        self.graph("Core", symbol("Error"))
        self.graph("Store", symbol("Store"))
        self.assertEqual(self.links("Store", "Core", "Core"), ["``/Core``"])

    def test_a_link_to_nothing_stays_and_docc_warns(self):
        self.graph("Core", symbol("Error"))
        self.assertEqual(self.links("Core", "Missing/code"), ["``Missing/code``"])

    def test_overloads_are_told_apart_by_their_hashes_in_the_order_of_the_sources(self):
        self.graph(
            "Store", symbol("Store"), symbol("Store/write(_:)", precise="s:b", line=9),
            symbol("Store/write(_:)", precise="s:a", line=2))
        expected = [f"``Store/write(_:)-{docs.symbol_hash(name)}``" for name in ("s:a", "s:b")]
        for link in ("Store/write(_:)", "Store/write(_:)-(_)"):
            self.assertEqual(self.links("Store", link), expected)
        self.assertEqual(
            self.links("Store", "Store/write(_:)-(Int)"), ["``Store/write(_:)-(Int)``"])

    def test_the_hash_is_doccs(self):
        # FNV-1 of "a" is 0x050C5D7E: 0x0C5D7E ^ 0x05 in base 36.
        self.assertEqual(int(docs.symbol_hash("a"), 36), 0x0C5D7E ^ 0x05)

    def test_comments_are_changed_and_code_is_not(self):
        self.graph("Core", symbol("Error"))
        self.graph("Store", symbol("Store", comment="Throws ``Error``, `Error`, ```Error```."))
        graphs = docs.with_links(self.module("Store"), [self.module("Core")])
        line = graphs["Store.symbols.json"]["symbols"][0]["docComment"]["lines"][0]["text"]
        self.assertEqual(line, "Throws ``/Core/Error``, `Error`, ```Error```.")

    def test_topics_list_all_overloads_and_the_title_stays(self):
        self.graph(
            "Store", symbol("Store", "swift.class"), symbol("Store/write(_:)", precise="s:b"),
            symbol("Store/write(_:)", precise="s:a"))
        page = "# ``Store/Store``\n\nSee ``write(_:)``.\n\n## Topics\n\n### Writing\n\n- ``write(_:)``\n"
        lines = docs.page_with_links(self.module("Store"), [], page).split("\n")
        self.assertEqual(lines[0], "# ``Store/Store``")
        self.assertEqual(lines[2].count("``"), 2)
        self.assertEqual(sum(line.startswith("- ``write(_:)-") for line in lines), 2)


class TopicsTests(DocsTest):
    def missing(self, *pages):
        catalogue = self.folder / "Store.docc"
        catalogue.mkdir(exist_ok=True)
        for name, text in pages:
            (catalogue / name).write_text(text)
        return docs.missing(self.module("Store"), catalogue)

    def page(self, title, *links):
        return f"# ``{title}``\n\n## Topics\n\n### All\n\n" + "".join(f"- ``{link}``\n" for link in links)

    def test_each_top_level_symbol_must_be_listed(self):
        self.graph("Store", symbol("Store"), symbol("Options"), symbol("Options/limit"), symbol("_Hidden"))
        self.assertEqual(
            self.missing(("Store.md", self.page("Store", "Store"))),
            ["Store.md: Topics do not list ``Options``"])
        self.assertEqual(self.missing(("Store.md", self.page("Store", "Store", "Options"))), [])

    def test_each_member_of_a_type_with_a_page_must_be_listed(self):
        self.graph("Store", symbol("Box"), symbol("Box/get(_:)"), symbol("Box/put(_:)"))
        self.assertEqual(
            self.missing(
                ("Store.md", self.page("Store", "Box")), ("Box.md", self.page("Store/Box", "get(_:)"))),
            ["Box.md: Topics do not list ``Box/put(_:)``"])

    def test_each_member_of_another_modules_type_must_be_listed(self):
        self.graph("Store")
        self.graph("Store@CodexCore", symbol("Flow", "swift.extension"), symbol("Flow/Task"))
        self.assertEqual(
            self.missing(("Store.md", self.page("Store"))),
            ["Store.md: Topics do not list ``CodexCore/Flow/Task``"])
        self.assertEqual(self.missing(("Store.md", self.page("Store", "CodexCore/Flow/Task"))), [])

    def test_the_catalogue_has_a_page_of_the_module(self):
        self.graph("Store")
        self.assertEqual(
            self.missing(("Other.md", "# Other\n")), ["Store.docc: no page is named ``Store``"])

    def test_each_product_has_a_catalogue(self):
        for product in docs.PRODUCTS:
            page = ROOT / "Sources" / product / f"{product}.docc" / f"{product}.md"
            self.assertEqual(docs.topics(page.read_text())[0], (product,))

    def test_no_page_lists_a_symbol_twice(self):
        for page in (ROOT / "Sources").glob("*/*.docc/*.md"):
            listed = docs.topics(page.read_text())[1]
            self.assertEqual(len(listed), len(set(listed)), page.name)


class SiteTests(DocsTest):
    """The whole script, with programs that write down how they were called."""

    def setUp(self):
        super().setUp()
        for product in docs.PRODUCTS:
            self.graph(product, symbol(product + "Type"))
            catalogue = self.folder / "Sources" / product / f"{product}.docc"
            catalogue.mkdir(parents=True)
            (catalogue / f"{product}.md").write_text(
                f"# ``{product}``\n\n## Topics\n\n### All\n\n- ``{product}Type``\n")
        self.calls = self.folder / "calls"
        self.docc(0)

    def docc(self, status):
        self.program("docc", f'echo "docc $@" >> {self.calls}\n[ "$1" = merge ] || exit {status}\n')
        self.swift()

    def swift(self, lost=None):
        """A compiler that makes the graphs of all modules but one."""
        self.program(
            "swift", f'echo "swift $@" >> {self.calls}\n'
            'case "$*" in\n'
            f'*--show-bin-path*) echo {self.folder} ;;\n'
            "*-print-target-info*) echo '{\"target\": {\"triple\": \"x86_64-unknown-linux-gnu\"}}' ;;\n"
            f'symbolgraph-extract*) [ "$3" = "{lost}" ] && exit 1\n'
            f'  cp {self.graphs}/$3.symbols.json {self.folder}/out/graphs/ ;;\n'
            "esac\n")

    def run_docs(self, *arguments):
        return self.run_script(
            "docs", "--sources", str(self.folder / "Sources"), "--output", str(self.folder / "out" / "site"),
            *arguments, DOCC=str(self.folder / "bin" / "docc"), SWIFT=str(self.folder / "bin" / "swift"))

    def test_it_makes_an_archive_of_each_product_and_one_site(self):
        result = self.run_docs()
        self.assertEqual(result.returncode, 0, result.stderr)
        calls = self.calls.read_text().splitlines()
        self.assertTrue(calls[0].startswith("swift build"))
        self.assertEqual(sum(call.startswith("swift symbolgraph-extract") for call in calls), len(docs.PRODUCTS))
        converted = [call for call in calls if call.startswith("docc convert")]
        self.assertEqual(len(converted), len(docs.PRODUCTS))
        for call in converted:
            self.assertIn("--warnings-as-errors", call)
        self.assertEqual(converted[-1].count("--dependency"), len(docs.PRODUCTS) - 1)
        self.assertTrue(calls[-1].startswith("docc merge"))

    def test_a_module_without_a_graph_fails(self):
        self.swift(lost="CodexStore")
        result = self.run_docs()
        self.assertEqual(result.returncode, 1)
        self.assertIn("CodexStore: the symbol graph was not made", result.stderr)

    def test_the_build_gets_the_flags(self):
        self.assertEqual(self.run_docs("--", "--traits", "Encryption").returncode, 0)
        self.assertTrue(self.calls.read_text().splitlines()[0].endswith("--traits Encryption"))

    def test_a_warning_fails_and_names_its_product(self):
        self.docc(1)
        result = self.run_docs("--graphs", str(self.graphs))
        self.assertEqual(result.returncode, 1)
        self.assertIn("CodexCore: DocC has warnings or errors", result.stderr)
        self.assertNotIn("merge", self.calls.read_text())

    def test_a_symbol_in_no_topics_fails(self):
        self.graph("CodexStore", symbol("CodexStoreType"), symbol("Lost"))
        result = self.run_docs("--graphs", str(self.graphs))
        self.assertEqual(result.returncode, 1)
        self.assertIn("CodexStore.md: Topics do not list ``Lost``", result.stderr)

    def test_a_missing_graph_fails(self):
        os.remove(self.graphs / "CodexIndex.symbols.json")
        result = self.run_docs("--graphs", str(self.graphs))
        self.assertEqual(result.returncode, 1)
        self.assertIn("CodexIndex: there is no symbol graph", result.stderr)


if __name__ == "__main__":
    unittest.main()
