"""Random operations on a few tables: items of all types, expressions from the grammar, and now and then what is
wrong."""

import decimal
import random


class Table:
    def __init__(self, name, partition, sort=None, indexes=()):
        self.name, self.partition, self.sort, self.indexes = name, partition, sort, indexes

    @property
    def keys(self):
        return [self.partition] + ([self.sort] if self.sort else [])

    def definition(self):
        attributes = {name: kind for name, kind in self.keys}
        local, world = [], []
        for name, kind, keys, projection in self.indexes:
            attributes.update(dict(keys))
            index = {
                "IndexName": name,
                "KeySchema": [
                    {"AttributeName": key[0], "KeyType": ["HASH", "RANGE"][place]}
                    for place, key in enumerate(keys)],
                "Projection": projection}
            (local if kind == "local" else world).append(index)
        parameters = {
            "TableName": self.name, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [
                {"AttributeName": key[0], "KeyType": ["HASH", "RANGE"][place]}
                for place, key in enumerate(self.keys)],
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": kind} for name, kind in attributes.items()]}
        if local:
            parameters["LocalSecondaryIndexes"] = local
        if world:
            parameters["GlobalSecondaryIndexes"] = world
        return parameters


ALL = {"ProjectionType": "ALL"}
KEYS = {"ProjectionType": "KEYS_ONLY"}
SOME = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a", "b"]}

TABLES = [
    Table("single", ("p", "S")),
    Table("pairs", ("p", "S"), ("s", "N"), [
        ("by-g", "global", [("g", "S"), ("s", "N")], ALL),
        ("by-n", "global", [("n", "N")], SOME),
        ("by-t", "local", [("p", "S"), ("t", "S")], ALL),
    ]),
    Table("binary", ("k", "B"), ("s", "S"), [("by-g", "global", [("g", "S")], KEYS)]),
]

NAMES = ["a", "b", "c", "m", "l", "g", "n", "t", "ss", "ns", "flag", "data"]
# Names that AWS reserves, which stand in placeholders only.
RESERVED = ["name", "status", "year"]
WORDS = ["", "x", "y", "alpha", "beta", "é", "alphabet", "z" * 40]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.tables = TABLES
        self.known = {table.name: [] for table in TABLES}
        self.placeholders = ({}, {})

    # Values

    def number(self):
        kind = self.random.randrange(8)
        if kind < 5:
            return str(self.random.randrange(-20, 100))
        if kind == 5:
            return f"{self.random.randrange(1000)}.{self.random.randrange(1, 1000)}"
        if kind == 6:
            return f"{self.random.randrange(1, 9)}e{self.random.randrange(-10, 10)}"
        return "1" * self.random.randrange(1, 38)

    def scalar(self):
        return self.random.choice([
            lambda: {"S": self.random.choice(WORDS)}, lambda: {"N": self.number()},
            lambda: {"B": bytes(self.random.randrange(256) for _ in range(self.random.randrange(4)))},
            lambda: {"BOOL": self.random.random() < 0.5}, lambda: {"NULL": True}])()

    def value(self, depth=2):
        if depth == 0 or self.random.random() < 0.6:
            return self.scalar()
        kind = self.random.randrange(5)
        if kind == 0:
            return {"L": [self.value(depth - 1) for _ in range(self.random.randrange(4))]}
        if kind == 1:
            names = self.random.sample(NAMES, self.random.randrange(4))
            return {"M": {name: self.value(depth - 1) for name in names}}
        if kind == 2:
            return {"SS": self.random.sample(WORDS[1:], self.random.randrange(1, 4))}
        if kind == 3:
            return {"NS": [str(n) for n in self.random.sample(range(-5, 9), self.random.randrange(1, 4))]}
        return {"BS": self.random.sample([b"", b"a", b"b", b"\xff"], self.random.randrange(1, 3))}

    def key_value(self, name, kind):
        if self.random.random() < 0.01:
            return self.value()
        if kind == "S":
            return {"S": self.random.choice(["k1", "k2", "k3", "é"] if name != "t" else WORDS[1:])}
        if kind == "N":
            return {"N": str(self.random.randrange(8))}
        return {"B": self.random.choice([b"a", b"b", b"\x00\xff"])}

    def key(self, table):
        known = self.known[table.name]
        if known and self.random.random() < 0.6:
            return dict(self.random.choice(known))
        key = {name: self.key_value(name, kind) for name, kind in table.keys}
        if self.random.random() < 0.01:
            key["extra"] = {"S": "x"}
        if self.random.random() < 0.01:
            key.popitem()
        return key

    def item(self, table):
        item = self.key(table)
        index_keys = {key[0]: key[1] for index in table.indexes for key in index[2]}
        for name in self.random.sample(NAMES, self.random.randrange(6)):
            if name in index_keys:
                item[name] = self.key_value(name, index_keys[name])
            elif name not in item:
                item[name] = self.value()
        return item

    # Expressions

    def name(self, name):
        names = self.placeholders[0]
        if name.isalnum() and name not in ("data", "l", "m") and self.random.random() < 0.5:
            return name
        for placeholder, known in names.items():
            if known == name:
                return placeholder
        placeholder = f"#n{len(names)}"
        names[placeholder] = name
        return placeholder

    def path(self, depth=2):
        if self.random.random() < 0.005:
            return self.random.choice(RESERVED)
        return self.steps(self.name(self.random.choice(NAMES)), depth)

    def steps(self, text, depth):
        """A path: further steps behind its first name, in one of four cases each."""
        while depth and self.random.random() < 0.25:
            depth -= 1
            if self.random.random() < 0.5:
                text += f"[{self.random.randrange(3)}]"
            else:
                text += "." + self.name(self.random.choice(NAMES))
        return text

    def literal(self, value):
        values = self.placeholders[1]
        placeholder = f":v{len(values)}"
        values[placeholder] = value
        return placeholder

    def operand(self):
        kind = self.random.randrange(6)
        if kind < 3:
            return self.path()
        if kind == 3:
            return f"size({self.path()})"
        return self.literal(self.value(1))

    def ordered(self):
        """A value that has an order."""
        return self.random.choice([{"S": self.random.choice(WORDS)}, {"N": self.number()}, {"B": b"a"}])

    def condition(self, depth=2):
        kind = self.random.randrange(12 if depth else 9)
        if kind == 0:
            return f"attribute_exists({self.path()})"
        if kind == 1:
            return f"attribute_not_exists({self.path()})"
        if kind == 2:
            types = ["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"]
            return f"attribute_type({self.path()}, {self.literal({'S': self.random.choice(types)})})"
        if kind == 3:
            prefix = self.random.choice([{"S": self.random.choice(WORDS)}, {"B": b"a"}])
            return f"begins_with({self.path()}, {self.literal(prefix)})"
        if kind == 4:
            return f"contains({self.path()}, {self.literal(self.scalar())})"
        if kind in (5, 6):
            comparator = self.random.choice(["=", "<>"])
            return f"{self.operand()} {comparator} {self.literal(self.value(1))}"
        if kind == 7:
            comparator = self.random.choice(["<", "<=", ">", ">="])
            return f"{self.path()} {comparator} {self.literal(self.ordered())}"
        if kind == 8:
            if self.random.random() < 0.5:
                low, high = sorted([self.random.randrange(50), self.random.randrange(50)])
                return (f"{self.path()} BETWEEN {self.literal({'N': str(low)})} AND "
                        f"{self.literal({'N': str(high)})}")
            members = ", ".join(self.literal(self.scalar()) for _ in range(self.random.randrange(1, 4)))
            return f"{self.path()} IN ({members})"
        if kind == 9:
            return f"NOT {self.inner(depth)}"
        return f"{self.inner(depth)} {'AND' if kind == 10 else 'OR'} {self.inner(depth)}"

    def inner(self, depth):
        text = self.condition(depth - 1)
        return f"({text})" if text.startswith("NOT") or " AND " in text or " OR " in text else text

    def update(self):
        sections = []
        paths = self.random.sample(NAMES, self.random.randrange(1, 4))
        if self.random.random() < 0.02:
            paths.append(self.random.choice("psk"))
        names = [self.name(path) for path in paths]
        for name in names:
            kind = self.random.randrange(8)
            if kind == 0:
                sections.append(("REMOVE", name))
            elif kind == 1:
                sections.append(("ADD", f"{name} {self.literal({'N': self.number()})}"))
            elif kind == 2:
                sections.append(("ADD", f"{name} {self.literal({'SS': ['x', 'new']})}"))
            elif kind == 3:
                sections.append(("DELETE", f"{name} {self.literal({'SS': ['x', 'alpha']})}"))
            elif kind == 4:
                sections.append(
                    ("SET", f"{name} = if_not_exists({name}, {self.literal({'N': '0'})}) "
                            f"{self.random.choice('+-')} {self.literal({'N': self.number()})}"))
            elif kind == 5:
                sections.append(
                    ("SET", f"{name} = list_append(if_not_exists({name}, {self.literal({'L': []})}), "
                            f"{self.literal({'L': [self.scalar()]})})"))
            elif kind == 6 and self.random.random() < 0.5:
                sections.append(("SET", f"{name} = {self.path(1)}"))
            else:
                sections.append(("SET", f"{name} = {self.literal(self.value(1))}"))
        text = ""
        for section in ("SET", "REMOVE", "ADD", "DELETE"):
            clauses = [clause for kind, clause in sections if kind == section]
            if clauses:
                text += f"{section} {', '.join(clauses)} "
        return text

    def finish(self, parameters):
        """Adds the placeholders that were used; now and then one too many or too few."""
        names, values = self.placeholders
        self.placeholders = ({}, {})
        if self.random.random() < 0.01:
            self.is_broken = True
            values[":unused"] = {"N": "1"}
        if values and self.random.random() < 0.01:
            self.is_broken = True
            values.popitem()
        if names:
            parameters["ExpressionAttributeNames"] = names
        if values:
            parameters["ExpressionAttributeValues"] = values
        return parameters

    def broken(self, text):
        """Now and then, an expression with something missing."""
        if self.random.random() > 0.02:
            return text
        self.is_broken = True
        place = self.random.randrange(len(text))
        return text[:place] + text[place + 1:]

    # Operations

    def next(self):
        self.placeholders = ({}, {})
        # Whether something was broken on purpose.
        self.is_broken = False
        table = self.random.choice(self.tables)
        operation = self.random.choices(
            ["put_item", "get_item", "update_item", "delete_item", "query", "scan", "batch_get_item",
             "batch_write_item", "transact_write_items", "transact_get_items", "legacy", "admin"],
            [24, 12, 22, 6, 16, 8, 3, 3, 5, 2, 4, 1])[0]
        return getattr(self, operation)(table)

    def returns(self, parameters, kinds):
        if self.random.random() < 0.5:
            parameters["ReturnValues"] = self.random.choice(kinds)

    def conditional(self, parameters, share=0.35):
        if self.random.random() < share:
            parameters["ConditionExpression"] = self.broken(self.condition())
            if self.random.random() < 0.3:
                parameters["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"

    def put_item(self, table):
        parameters = {"TableName": self.table_name(table), "Item": self.item(table)}
        self.conditional(parameters)
        self.returns(parameters, ["NONE", "ALL_OLD", "ALL_OLD", "ALL_NEW"])
        return "put_item", self.finish(parameters)

    def get_item(self, table):
        parameters = {"TableName": self.table_name(table), "Key": self.key(table)}
        if self.random.random() < 0.3:
            parameters["ConsistentRead"] = True
        if self.random.random() < 0.4:
            parameters["ProjectionExpression"] = self.projection()
        return "get_item", self.finish(parameters)

    def projection(self):
        names = self.random.sample(NAMES, self.random.randrange(1, 4))
        return self.broken(", ".join(self.steps(self.name(name), 1) for name in names))

    def update_item(self, table):
        parameters = {"TableName": self.table_name(table), "Key": self.key(table)}
        if self.random.random() < 0.97:
            parameters["UpdateExpression"] = self.broken(self.update())
        self.conditional(parameters, 0.2)
        self.returns(parameters, ["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])
        return "update_item", self.finish(parameters)

    def delete_item(self, table):
        parameters = {"TableName": self.table_name(table), "Key": self.key(table)}
        self.conditional(parameters, 0.3)
        self.returns(parameters, ["NONE", "ALL_OLD"])
        return "delete_item", self.finish(parameters)

    def table_name(self, table):
        return table.name if self.random.random() > 0.01 else "nothing"

    def query(self, table):
        keys, index = table.keys, None
        if table.indexes and self.random.random() < 0.5:
            index = self.random.choice(table.indexes)
            keys = index[2]
        parameters = {"TableName": self.table_name(table)}
        if index:
            parameters["IndexName"] = index[0]
        text = f"{self.name(keys[0][0])} = {self.literal(self.key_value(*keys[0]))}"
        if len(keys) > 1 and self.random.random() < 0.6:
            text += " AND " + self.sort_condition(*keys[1])
        parameters["KeyConditionExpression"] = self.broken(text)
        if self.random.random() < 0.3:
            parameters["ScanIndexForward"] = False
        self.reading(parameters, {name for name, _ in keys})
        return "query", self.finish(parameters)

    def sort_condition(self, name, kind):
        text = self.name(name)
        choice = self.random.randrange(4 if kind == "N" else 5)
        if choice == 0:
            return f"{text} = {self.literal(self.key_value(name, kind))}"
        if choice == 1:
            low, high = self.key_value(name, kind), self.key_value(name, kind)
            if kind == "N" and "N" in low and "N" in high:
                low, high = sorted([low, high], key=lambda value: decimal.Decimal(value["N"]))
            elif kind == "S" and "S" in low and "S" in high:
                low, high = sorted([low, high], key=lambda value: value["S"].encode())
            return f"{text} BETWEEN {self.literal(low)} AND {self.literal(high)}"
        if choice == 4:
            return f"begins_with({text}, {self.literal({'S': self.random.choice(['', 'a', 'al', 'x'])})})"
        comparator = self.random.choice(["<", "<=", ">", ">="])
        return f"{text} {comparator} {self.literal(self.key_value(name, kind))}"

    def reading(self, parameters, keys=()):
        if self.random.random() < 0.3:
            text = self.condition()
            if not any(name in keys for name in self.placeholders[0].values()):
                parameters["FilterExpression"] = self.broken(text)
            else:
                parameters["FilterExpression"] = text
        if self.random.random() < 0.2:
            parameters["ProjectionExpression"] = self.projection()
        elif self.random.random() < 0.1:
            parameters["Select"] = "COUNT"
        if self.random.random() < 0.3 and "query" and parameters.get("KeyConditionExpression"):
            parameters["Limit"] = self.random.randrange(1, 6)

    def scan(self, table):
        parameters = {"TableName": self.table_name(table)}
        if table.indexes and self.random.random() < 0.3:
            parameters["IndexName"] = self.random.choice(table.indexes)[0]
        self.reading(parameters)
        return "scan", self.finish(parameters)

    def batch_get_item(self, table):
        keys = []
        for _ in range(self.random.randrange(1, 6)):
            key = self.key(table)
            if key not in keys or self.random.random() < 0.05:
                keys.append(key)
        request = {"Keys": keys}
        if self.random.random() < 0.3:
            request["ProjectionExpression"] = self.projection()
        self.finish(request)
        request.pop("ExpressionAttributeValues", None)
        return "batch_get_item", {"RequestItems": {table.name: request}}

    def batch_write_item(self, table):
        requests, seen = [], []
        for _ in range(self.random.randrange(1, 6)):
            item = self.item(table)
            key = {name: item.get(name) for name, _ in table.keys}
            if key in seen and self.random.random() > 0.05:
                continue
            seen.append(key)
            if self.random.random() < 0.7:
                requests.append({"PutRequest": {"Item": item}})
            else:
                requests.append({"DeleteRequest": {"Key": {
                    name: value for name, value in key.items() if value}}})
        return "batch_write_item", {"RequestItems": {table.name: requests}}

    def transact_write_items(self, _):
        actions, seen = [], []
        for _ in range(self.random.randrange(1, 5)):
            table = self.random.choice(self.tables)
            kind = self.random.choice(["Put", "Update", "Delete", "ConditionCheck"])
            item = self.item(table)
            key = {name: item[name] for name, _ in table.keys if name in item}
            # ministack stores items without their keys here, and then nothing compares any more.
            if any(set(key.get(name, {})) != {kind} for name, kind in table.keys):
                continue
            if (table.name, key) in seen and self.random.random() > 0.05:
                continue
            seen.append((table.name, key))
            action = {"TableName": table.name}
            if kind == "Put":
                action["Item"] = item
            else:
                action["Key"] = key
            if kind == "Update":
                action["UpdateExpression"] = self.update()
            if kind == "ConditionCheck" or self.random.random() < 0.2:
                action["ConditionExpression"] = self.condition(1)
            actions.append({kind: self.finish(action)})
        if not actions:
            return self.admin(self.tables[0])
        return "transact_write_items", {"TransactItems": actions}

    def transact_get_items(self, _):
        actions = []
        for _ in range(self.random.randrange(1, 5)):
            table = self.random.choice(self.tables)
            get = {"TableName": table.name, "Key": self.key(table)}
            if self.random.random() < 0.3:
                get["ProjectionExpression"] = self.projection()
            self.finish(get)
            get.pop("ExpressionAttributeValues", None)
            actions.append({"Get": get})
        return "transact_get_items", {"TransactItems": actions}

    def legacy(self, table):
        kind = self.random.randrange(4)
        name = self.random.choice(["a", "b", "c"])
        if kind == 0:
            return "get_item", {
                "TableName": table.name, "Key": self.key(table), "AttributesToGet": ["a", name] if name != "a" else ["a"]}
        if kind == 1:
            action = self.random.choice(["PUT", "ADD", "DELETE"])
            update = {"Action": action}
            if action == "PUT":
                update["Value"] = self.value(1)
            elif action == "ADD":
                update["Value"] = {"N": self.number()}
            return "update_item", {
                "TableName": table.name, "Key": self.key(table), "AttributeUpdates": {name: update},
                "ReturnValues": "ALL_NEW"}
        if kind == 2:
            expected = self.random.choice([
                {"Exists": False}, {"Value": self.scalar()},
                {"ComparisonOperator": "NOT_NULL"}, {"ComparisonOperator": "NULL"},
                {"ComparisonOperator": "EQ", "AttributeValueList": [self.scalar()]},
                {"ComparisonOperator": "BEGINS_WITH", "AttributeValueList": [{"S": "a"}]}])
            return "put_item", {
                "TableName": table.name, "Item": self.item(table), "Expected": {name: expected}}
        partition = table.keys[0]
        return "query", {
            "TableName": table.name, "KeyConditions": {partition[0]: {
                "ComparisonOperator": "EQ", "AttributeValueList": [self.key_value(*partition)]}}}

    def admin(self, table):
        return self.random.choice([
            ("list_tables", {}), ("describe_time_to_live", {"TableName": table.name}),
            ("list_tables", {"Limit": 1}), ("describe_table", {"TableName": "nothing"}),
            ("create_table", table.definition()), ("delete_table", {"TableName": "nothing"})])

    # What is there

    def learn(self, operation, parameters):
        if operation == "put_item":
            table = next(t for t in self.tables if t.name == parameters["TableName"])
            key = {name: parameters["Item"][name] for name, _ in table.keys}
            known = self.known[table.name]
            if key not in known:
                known.append(key)
            if len(known) > 30:
                known.pop(0)

    def named(self, operation, parameters):
        tables = {table.name: table for table in self.tables}

        def keyed(name, item):
            table = tables.get(name)
            if not table or not isinstance(item, dict):
                return []
            return [(table, {key: item[key] for key, _ in table.keys if key in item})]

        found = []
        if "TableName" in parameters:
            found += keyed(parameters["TableName"], parameters.get("Item") or parameters.get("Key"))
        for name, requests in parameters.get("RequestItems", {}).items():
            if isinstance(requests, list):
                for request in requests:
                    for body in request.values():
                        found += keyed(name, body.get("Item") or body.get("Key"))
        for action in parameters.get("TransactItems", []):
            for body in action.values():
                found += keyed(body["TableName"], body.get("Item") or body.get("Key"))
        return found
