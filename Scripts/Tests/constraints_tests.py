"""Tools/Differential/constraints.py: how it reads the table of requests, and what it finds."""

import re
import sys
import unittest

from support import ROOT

sys.path.insert(0, str(ROOT / "Tools" / "Differential"))

import constraints

TABLE = """operation Get
    Limit Limit
    TableName TableArn required
integer Limit min=1
name TableArn TableName min=1 max=1024
string TableName min=3 max=255 pattern=[a-z]+
"""

MODEL = {
    "operations": {"Get": {"input": {"shape": "GetInput"}}},
    "shapes": {
        "GetInput": {
            "type": "structure", "required": ["TableName"],
            "members": {"TableName": {"shape": "TableArn"}, "Limit": {"shape": "Limit"}}},
        "TableArn": {"type": "string", "min": 1, "max": 1024},
        "TableName": {"type": "string", "min": 3, "max": 255, "pattern": "[a-z]+"},
        "Limit": {"type": "integer", "min": 1}}}

NAMES = "TableArn: also takes names"


def differences(table):
    return constraints.Comparison(table, {"dynamodb": MODEL}).run()


class ReadingTests(unittest.TestCase):
    def test_the_table_is_the_text_of_the_literal(self):
        source = 'enum Table {\n    static let text = """\n        string Word enum=A,\\\n        B\n        """\n}\n'
        self.assertEqual(constraints.table_text(source), "string Word enum=A,B\n")

    def test_shapes_have_arguments_constraints_and_flags(self):
        _, shapes = constraints.read_table("map Map Key Value max=3 plain\nstring Word enum=A,B\n")
        self.assertEqual(shapes["Map"].arguments, ["Key", "Value"])
        self.assertEqual(shapes["Map"].constraints, {"max": 3})
        self.assertEqual(shapes["Map"].flags, {"plain"})
        self.assertEqual(shapes["Word"].constraints, {"enum": ["A", "B"]})

    def test_a_shape_stands_there_once(self):
        with self.assertRaises(ValueError):
            constraints.read_table("string A\nstring A\n")


class ComparisonTests(unittest.TestCase):
    def test_a_table_like_the_model_differs_by_names_only(self):
        self.assertEqual(differences(TABLE), [NAMES])

    def test_each_difference_is_found(self):
        cases = [
            ("min=1\nname", "min=2\nname", "Limit: min 2 instead of 1"),
            ("Limit min=1", "Limit min=1 max=9", "Limit: max 9 instead of None"),
            ("integer Limit", "string Limit", "Limit: string instead of integer"),
            ("max=1024", "max=1023", "TableArn: max 1023 instead of 1024"),
            ("[a-z]", "[a-y]", "TableName: pattern [a-y]+ instead of [a-z]+"),
            ("TableArn required", "TableArn", "Get.TableName: optional instead of required"),
            ("TableArn required", "TableArn present", "Get.TableName: present instead of required"),
            ("    Limit Limit\n", "", "Get.Limit: not in the table"),
            ("    Limit Limit\n", "    Limit Limit\n    Other Limit\n", "Get.Other: not in the model"),
            ("min=1\nname", "min=1 plain\nname", "Limit: plain"),
            ("integer Limit min=1", "unchecked Limit", "Limit: not checked")]
        for old, new, difference in cases:
            with self.subTest(difference):
                self.assertIn(old, TABLE)
                self.assertIn(difference, differences(TABLE.replace(old, new)))

    def test_the_order_of_members_is_that_of_messages(self):
        lines = TABLE.split("\n")
        lines[1], lines[2] = lines[2], lines[1]
        found = differences("\n".join(lines))
        self.assertIn("Get: the order is ['TableName', 'Limit'] instead of ['Limit', 'TableName']", found)

    def test_each_difference_has_a_reason_and_each_reason_a_difference(self):
        self.assertEqual(constraints.problems(["a"], {"a": "why"}), [])
        self.assertEqual(constraints.problems(["a"], {}), ["a: no reason is given"])
        self.assertEqual(constraints.problems([], {"a": "why"}), ["a: the reason explains nothing"])


class OrderTests(unittest.TestCase):
    """Orders of messages that the tests of architect/dynalite expect of AWS, test/scan.js and test/putItem.js."""

    def test_scan(self):
        names = [
            "TableName", "IndexName", "AttributesToGet", "Limit", "Select", "ScanFilter", "ConditionalOperator",
            "ExclusiveStartKey", "ReturnConsumedCapacity", "TotalSegments", "Segment", "ProjectionExpression",
            "FilterExpression", "ExpressionAttributeNames", "ExpressionAttributeValues", "ConsistentRead"]
        found = constraints.message_order(names)
        checked = [
            name for name in found
            if name in ("Select", "IndexName", "TotalSegments", "TableName", "Segment", "Limit", "AttributesToGet")]
        self.assertEqual(checked, [
            "Select", "IndexName", "TotalSegments", "TableName", "Segment", "Limit", "AttributesToGet"])

    def test_put_item(self):
        names = [
            "TableName", "Item", "Expected", "ReturnValues", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics",
            "ConditionalOperator", "ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues",
            "ReturnValuesOnConditionCheckFailure"]
        found = constraints.message_order(names)
        self.assertLess(found.index("Item"), found.index("TableName"))
        self.assertLess(found.index("ReturnConsumedCapacity"), found.index("ReturnItemCollectionMetrics"))


class TableTests(unittest.TestCase):
    """The table of the repository."""

    def test_all_shapes_are_used_and_there(self):
        text = constraints.table_text(constraints.TABLE.read_text())
        inputs, shapes = constraints.read_table(text)
        needed = {
            member for shape in [*inputs.values(), *shapes.values()]
            for member in [*shape.arguments, *(name for name, _ in shape.members.values())]}
        self.assertEqual(needed, set(shapes))

    def test_all_operations_are_there(self):
        source = (ROOT / "Sources/CodexDynamoDB/Operation.swift").read_text()
        operations = set(re.findall(r'case \w+ = "(\w+)"', source))
        inputs, _ = constraints.read_table(constraints.table_text(constraints.TABLE.read_text()))
        self.assertEqual(operations - set(inputs), set())

    def test_the_table_is_that_of_the_pinned_model(self):
        try:
            import botocore
        except ImportError:
            self.skipTest("botocore is not installed; `make dynamodb` makes the comparison")
        pinned = (ROOT / "Scripts" / "requirements.txt").read_text()
        if f"botocore=={botocore.__version__} " not in pinned:
            self.skipTest("botocore has another version than Scripts/requirements.txt")
        found = constraints.Comparison(
            constraints.table_text(constraints.TABLE.read_text()), constraints.models()).run()
        self.assertEqual(constraints.problems(found, constraints.EXPLAINED), [])


if __name__ == "__main__":
    unittest.main()
