"""Tools/Differential: what is compared, what a request deserves, and what an entry explains."""

import sys
import unittest

from support import ROOT

sys.path.insert(0, str(ROOT / "Tools" / "Differential"))

import actions
import comparison
import explained
import generator
import refusals
from comparison import ANSWER, OK, STATE, TEXT, TYPE, Case, Outcome

VALIDATION = "ValidationException"
CONDITION = "ConditionalCheckFailedException"
CANCELLED = "TransactionCanceledException"

INDEX_KEY = ("One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N "
             "IndexName: by-g")
FAILED = "The conditional request failed"
OPERAND = "An operand in the update expression has an incorrect data type"
UNUSED = "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}"
KEY = {"p": {"S": "a"}, "s": {"N": "1"}}


def ok(**answer):
    return Outcome(OK, "", (), None, answer)


def error(message, code=VALIDATION, reasons=()):
    return Outcome(code, message, tuple((code, text, None) for code, text in reasons), None, None)


def update(expression, **values):
    return {"TableName": "pairs", "Key": KEY, "UpdateExpression": expression,
            "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()}}


def case(operation, parameters, ours, theirs, aspect=TYPE, **more):
    fields = {"peer": "ministack", "items": [], "stored": [], "is_broken": False, "is_alone": False,
              "is_shared": True, **more}
    return Case(operation=operation, parameters=parameters, aspect=aspect, ours=ours, theirs=theirs, **fields)


def entry(*arguments, **more):
    return explained.entry(case(*arguments, **more), generator.TABLES)


class ComparisonTests(unittest.TestCase):
    def test_equal_values(self):
        self.assertEqual(comparison.normal({"N": "10.0"}), comparison.normal({"N": "1e1"}))
        self.assertEqual(comparison.normal({"NS": ["2", "1.0"]}), comparison.normal({"NS": ["1", "2"]}))
        self.assertEqual(comparison.normal({"B": b"a"}), comparison.normal({"B": "YQ=="}))
        self.assertNotEqual(comparison.normal({"L": [1, 2]}), comparison.normal({"L": [2, 1]}))

    def test_aspects(self):
        items = [{"p": {"S": "a"}}, {"p": {"S": "b"}}]
        self.assertIsNone(comparison.aspect("scan", ok(Items=items), ok(Items=items[::-1])))
        self.assertEqual(comparison.aspect("query", ok(Items=items), ok(Items=items[::-1])), ANSWER)
        self.assertEqual(comparison.aspect("query", ok(), error("a")), TYPE)
        self.assertEqual(comparison.aspect("query", error("a"), error("b")), TEXT)
        reasons = error("", CANCELLED, [("None", None)]), error("", CANCELLED, [("ValidationError", "a")])
        self.assertEqual(comparison.aspect("transact_write_items", *reasons), TYPE)

    def test_all_peers_against_one(self):
        self.assertTrue(comparison.is_alone("query", ok(), [error("a"), error("b")]))
        self.assertFalse(comparison.is_alone("query", ok(), [error("a"), ok()]))
        self.assertFalse(comparison.is_alone("query", error("a"), [error("b"), error("c")]))
        self.assertTrue(comparison.is_alone("query", error("a"), [error("b"), error("b")]))

    def test_errors_without_a_type(self):
        self.assertEqual(comparison.parsed(500, {}).code, "HTTP 500")
        self.assertEqual(comparison.parsed(400, {"__type": "a#B", "Message": "c"}), error("c", "B"))


class ActionTests(unittest.TestCase):
    def test_clauses(self):
        body = update("SET a.b[1] = list_append(if_not_exists(c, :v), :w), #d = #d - :v REMOVE e ADD g :v",
                      v={"N": "1"}, w={"L": []})
        body["ExpressionAttributeNames"] = {"#d": "data"}
        found = [(clause.section, clause.path[0], actions.outcome_type(clause.value, body))
                 for clause in actions.clauses(body)]
        self.assertEqual(found, [("SET", "a", "L"), ("SET", "data", "N"), ("REMOVE", "e", None), ("ADD", "g", "N")])
        self.assertEqual(actions.written_types(body), [("data", "N"), ("g", "N")])
        self.assertEqual(actions.paths(body), [["a", "b", 1], ["c"], ["data"], ["data"], ["e"], ["g"]])

    def test_projections(self):
        item = {"a": {"M": {"b": {"S": "x"}, "c": {"S": "y"}}}, "l": {"L": [{"S": "1"}, {"S": "2"}]}}
        self.assertEqual(actions.projected(item, [["a", "b"], ["l", 1], ["n"], ["l", "b"]]),
                         {"a": {"M": {"b": {"S": "x"}}}, "l": {"L": [{"S": "2"}]}})
        self.assertEqual(actions.projected(item, [["a", "n"], ["l", 2]]), {})


class RefusalTests(unittest.TestCase):
    def refusal(self, text, operation, parameters, stored=()):
        found = refusals.classified(text, actions.actions(operation, parameters, generator.TABLES, stored))
        return found and found.name

    def test_a_text_counts_only_if_the_request_deserves_it(self):
        for expression, name in [("ADD g :v", "index_key_type"), ("SET g = if_not_exists(g, :v)", "index_key_type"),
                                 ("SET t = :v", None), ("SET g = a", None)]:
            self.assertEqual(self.refusal(INDEX_KEY, "update_item", update(expression, v={"N": "1"})), name)
        unused = update("SET a = :v", v={"N": "1"}, w={"N": "1"})
        self.assertEqual(self.refusal(UNUSED, "update_item", unused), "unused_placeholders")
        self.assertIsNone(self.refusal(UNUSED, "update_item", update("SET a = :w", w={"N": "1"})))
        self.assertEqual(
            self.refusal("1 validation error detected: " + UNUSED, "update_item", unused), "unused_placeholders")

    def test_texts_of_the_stored_item(self):
        sum_of = update("SET a = if_not_exists(a, :v) + :v", v={"N": "1"})
        for item, name in [({"a": {"S": "x"}}, "stored_operand"), ({"a": {"N": "2"}}, None), ({}, None)]:
            self.assertEqual(self.refusal(OPERAND, "update_item", sum_of, [(("pairs", KEY), item)]), name)

    def test_syntax_names_tokens_of_the_text(self):
        for near, name in [("SET #n0 =", "syntax"), ("SET#n0 =", "syntax"), ("T #n0", None), ("#n0 SET", None)]:
            text = f'Invalid UpdateExpression: Syntax error; token: "#n0", near: "{near}"'
            self.assertEqual(self.refusal(text, "update_item", {"UpdateExpression": "SET #n0 = :v"}), name)


class EntryTests(unittest.TestCase):
    wrong = update("ADD g :v", v={"N": "1"})

    def test_an_error_of_aws_is_explained(self):
        found = entry("update_item", self.wrong, error(INDEX_KEY), ok())
        self.assertEqual(found.source, refusals.DYNALITE + "updateItem.js")
        # Keys are checked before conditions.
        conditional = {**self.wrong, "ConditionExpression": "attribute_exists(a)"}
        self.assertIsNotNone(entry("update_item", conditional, error(INDEX_KEY), error(FAILED, CONDITION)))

    def test_another_text_and_another_order_are_not(self):
        self.assertIsNone(entry("update_item", self.wrong, error("Something is wrong"), ok()))
        self.assertIsNone(entry("update_item", self.wrong, ok(), error(INDEX_KEY)))
        more = {**self.wrong, "ExpressionAttributeValues": {":v": {"N": "1"}, ":w": {"N": "1"}}}
        self.assertIsNone(entry("update_item", more, error(INDEX_KEY), error(UNUSED), aspect=TEXT))
        self.assertIsNotNone(entry("update_item", more, error(UNUSED), error(INDEX_KEY), aspect=TEXT))
        # A condition comes before the item.
        stored = [(("pairs", KEY), {"a": {"S": "x"}})]
        sum_of = {**update("SET a = a + :v", v={"N": "1"}), "ConditionExpression": "attribute_exists(z)"}
        self.assertIsNone(entry("update_item", sum_of, error(OPERAND), error(FAILED, CONDITION), stored=stored,
                                is_shared=False))

    def test_a_condition_needs_another_peer(self):
        put = {"TableName": "single", "Item": {"p": {"S": "a"}}, "ConditionExpression": "attribute_exists(a)"}
        for is_shared in (True, False):
            found = entry("put_item", put, error(FAILED, CONDITION), ok(), is_shared=is_shared)
            self.assertEqual(found is not None, is_shared)

    def test_reasons_of_cancellations(self):
        action = {"Update": self.wrong}
        check = {"ConditionCheck": {"TableName": "single", "Key": {"p": {"S": "a"}}, "ConditionExpression": "a = b"}}
        request = {"TransactItems": [check, action]}
        theirs = error("", CANCELLED, [("ConditionalCheckFailed", FAILED), ("None", None)])
        named = error("", CANCELLED, [("None", None), ("ValidationError", INDEX_KEY)])
        self.assertIn("floci", entry("transact_write_items", request, named, theirs).source)
        # With the failed condition, the order is another one than AWS's.
        both = error("", CANCELLED, [("ConditionalCheckFailed", FAILED), ("ValidationError", INDEX_KEY)])
        self.assertIsNone(entry("transact_write_items", request, both, theirs))

    def test_two_faults_without_a_record_are_undecidable(self):
        request = update("SET g = :v, a = d.x", v={"N": "1"})
        request["ConditionExpression"] = "t.x = :v"
        path = ("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
                "IndexKey: t")
        self.assertIsNotNone(entry("update_item", request, error(INDEX_KEY), error(path), aspect=TEXT).source)
        self.assertIsNone(entry("update_item", request, error(path), error(INDEX_KEY), aspect=TEXT).source)

    def test_the_elements_of_a_batch_are_checked_in_order(self):
        writes = [{"PutRequest": {"Item": item}} for item in (KEY, KEY, {"p": {"N": "1"}, "s": {"N": "1"}})]
        batch = {"RequestItems": {"pairs": writes}}
        repeated = error("Provided list of item keys contains duplicates")
        mismatch = error("One or more parameter values were invalid: Type mismatch for key p expected: S actual: N")
        self.assertIsNone(entry("batch_write_item", batch, repeated, mismatch).source)
        batch["RequestItems"]["pairs"] = writes[1:]
        self.assertIsNone(entry("batch_write_item", batch, repeated, mismatch))

    def test_changes(self):
        remove = {"TableName": "pairs", "Key": KEY, "UpdateExpression": "REMOVE a"}
        for mine, theirs, is_known in [
                ({}, KEY, True), (None, KEY, True), (KEY, {}, False), ({}, {**KEY, "a": 1}, False)]:
            found = entry("update_item", remove, ok(), ok(), aspect=STATE, items=[(KEY, mine, theirs)])
            self.assertEqual(found is not None, is_known)

    def test_entries_have_a_source_or_say_why_not(self):
        for _, known in explained.RULES:
            self.assertTrue(known.source is None or known.source.startswith("https://"), known.why)
            self.assertGreater(len(known.why.split()), 4)
        for known in refusals.REFUSALS:
            self.assertTrue(known.source is None or known.source.startswith("https://"), known.name)


if __name__ == "__main__":
    unittest.main()
