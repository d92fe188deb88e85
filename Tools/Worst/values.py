"""JSON texts of about a given size: attribute values, items, and JSON that is no request.

Each function returns bytes. A text has at most the asked size, unless one unit of it is longer.
"""

# What an item may have, less room for its keys: 400 KiB as DynamoDB counts them.
ITEM_BYTES = 409_600 - 512

ORDERS = ["ascending", "descending", "shuffled"]


def members(**parameters):
    """An object of texts, in their order; those that are None are left out."""
    return b"{" + b",".join(
        b'"%s":%s' % (name.encode(), text)
        for name, text in parameters.items() if text is not None) + b"}"


def text(value):
    """A JSON string of what needs no escapes."""
    return b'"%s"' % (value if isinstance(value, bytes) else value.encode())


def repeated(size, before, unit, after, count_max=None, separator=b","):
    """As many units as fit into the size."""
    room = size - len(before) - len(after) + len(separator)
    count = max(1, room // (len(unit) + len(separator)))
    if count_max is not None:
        count = max(1, min(count, count_max))
    return before + (unit + separator) * (count - 1) + unit + after


def places(count, order):
    """The numbers below the count, in an order that depends on nothing else."""
    if order == "ascending":
        return range(count)
    if order == "descending":
        return range(count - 1, -1, -1)
    # A step that is prime and does not divide the count reaches each place once.
    step = next(prime for prime in (7919, 7907, 7901) if count % prime)
    return (place * step % count for place in range(count))


def numbered(size, before, unit, after, order="ascending", count_max=None):
    """As many units as fit: `unit(place)` is the text of one, all of the same length."""
    room = size - len(before) - len(after) + 1
    count = max(1, room // (len(unit(0)) + 1))
    if count_max is not None:
        count = max(1, min(count, count_max))
    return before + b",".join(map(unit, places(count, order))) + after


class Kind:
    """A kind of attribute value.

    `unit(parameters)` is the text that is repeated, or a function from a place to it.
    `counted(parameters)` is what a unit has of an item's size, at most.
    """

    def __init__(self, before, unit, after, counted, separator=b",", count_max=None):
        self.before, self.unit, self.after = before, unit, after
        self.counted, self.separator, self.count_max = counted, separator, count_max

    def text(self, size, parameters, fits):
        unit, count_max = self.unit(parameters), self.count_max
        if fits:
            most = max(1, ITEM_BYTES // max(1, self.counted(parameters)))
            count_max = most if count_max is None else min(most, count_max)
        if callable(unit):
            return numbered(
                size, self.before, unit, self.after, parameters["order"], count_max)
        return repeated(size, self.before, unit, self.after, count_max, self.separator)


def number(parameters):
    return b'{"N":"%s"}' % (b"9" * parameters["digits"])


def number_size(parameters):
    return (parameters["digits"] + 1) // 2 + 1


def set_number(parameters):
    # Enough digits that all are different.
    digits = max(7, parameters["digits"])
    return lambda place: b'"1%0*d"' % (digits - 1, place)


def name(parameters):
    """Names with a long common beginning."""
    prefix = b"n" * parameters["length"]
    return lambda place: b'"%s%07d":{"NULL":true}' % (prefix, place)


def set_text(parameters):
    prefix = b"t" * parameters["length"]
    return lambda place: b'"%s%07d"' % (prefix, place)


def set_binary(parameters):
    prefix = b"AAAA" * (parameters["length"] // 4)
    # Eight digits are six bytes of base64.
    return lambda place: b'"%s%08d"' % (prefix, place)


def chain(parameters):
    depth = parameters["depth"]
    return b'{"L":[' * depth + b'{"NULL":true}' + b"]}" * depth


def chained_maps(parameters):
    depth = parameters["depth"]
    return b'{"M":{"a":' * depth + b'{"NULL":true}' + b"}}" * depth


def sets(parameters):
    return b'{"NS":[%s]}' % b",".join(b'"%dE18"' % digit for digit in range(1, 10))


def tiny_sets(parameters):
    """Numbers of two bytes each, which have 132 digits in an answer."""
    return b'{"NS":[%s]}' % b",".join(b'"%dE-130"' % number for number in range(1, 100))


KINDS = {
    "text": Kind(b'{"S":"', lambda p: b"a", b'"}', lambda p: 1, b""),
    "escapes": Kind(b'{"S":"', lambda p: b"\\u0001", b'"}', lambda p: 1, b""),
    "newlines": Kind(b'{"S":"', lambda p: b"\\n", b'"}', lambda p: 1, b""),
    "characters": Kind(b'{"S":"', lambda p: "€".encode(), b'"}', lambda p: 3, b""),
    "pairs": Kind(b'{"S":"', lambda p: b"\\ud83d\\ude00", b'"}', lambda p: 4, b""),
    "numbers": Kind(b'{"L":[', number, b"]}", lambda p: 1 + number_size(p)),
    "nulls": Kind(b'{"L":[', lambda p: b'{"NULL":true}', b"]}", lambda p: 2),
    "flags": Kind(b'{"L":[', lambda p: b'{"BOOL":false}', b"]}", lambda p: 2),
    "emptyTexts": Kind(b'{"L":[', lambda p: b'{"S":""}', b"]}", lambda p: 1),
    "emptyBinaries": Kind(b'{"L":[', lambda p: b'{"B":""}', b"]}", lambda p: 1),
    # A block of memory each.
    "shortBinaries": Kind(b'{"L":[', lambda p: b'{"B":"YQ=="}', b"]}", lambda p: 2),
    # 126 digits each in an answer.
    "largeNumbers": Kind(b'{"L":[', lambda p: b'{"N":"9E125"}', b"]}", lambda p: 3),
    "emptyLists": Kind(b'{"L":[', lambda p: b'{"L":[]}', b"]}", lambda p: 4),
    "emptyMaps": Kind(b'{"L":[', lambda p: b'{"M":{}}', b"]}", lambda p: 4),
    "lists": Kind(b'{"L":[', chain, b"]}", lambda p: 4 * p["depth"] + 2),
    "maps": Kind(b'{"L":[', chained_maps, b"]}", lambda p: 5 * p["depth"] + 2),
    "sets": Kind(b'{"L":[', sets, b"]}", lambda p: 1 + 9 * 2),
    # 67 times their size in an answer.
    "tinySets": Kind(b'{"L":[', tiny_sets, b"]}", lambda p: 1 + 99 * 2),
    "map": Kind(b'{"M":{', name, b"}}", lambda p: p["length"] + 9),
    "numberSet": Kind(
        b'{"NS":[', set_number, b"]}", lambda p: (max(7, p["digits"]) + 1) // 2 + 1,
        count_max=999_999),
    "stringSet": Kind(b'{"SS":[', set_text, b"]}", lambda p: p["length"] + 7),
    "binarySet": Kind(b'{"BS":[', set_binary, b"]}", lambda p: p["length"] // 4 * 3 + 6),
    "binary": Kind(b'{"B":"', lambda p: b"/+8A", b'"}', lambda p: 3, b""),
    # What no type has a value of is passed over.
    "nullTypes": Kind(b'{"S":"x",', lambda p: b'"N":null', b"}", lambda p: 0),
    "unknownType": Kind(b'{"X":[', lambda p: b"0", b"]}", lambda p: 0),
    "spaces": Kind(b'{"S"', lambda p: b" ", b':"x"}', lambda p: 0, b""),
    # A set that is refused at its end.
    "doubled": Kind(b'{"SS":[', lambda p: b'"doubled"', b"]}", lambda p: 7),
}
# What takes many times its size in memory, or in an answer.
SWELLING = ["emptyTexts", "shortBinaries", "largeNumbers", "tinySets"]

# What the kinds take from it.
PARAMETERS = {
    "kind": list(KINDS) + ["attributes"],
    "digits": [1, 2, 18, 19, 38, 39],
    "length": [0, 4, 32, 248, 1000, 60_000],
    "depth": [1, 8, 30, 32],
    "order": ORDERS,
    "fits": [True, False],
}
START = {"kind": "map", "digits": 38, "length": 4, "depth": 30, "order": "ascending", "fits": True}


def value(size, parameters):
    """An attribute value of a kind; `fits` keeps it within an item."""
    return KINDS[parameters["kind"]].text(size, parameters, parameters["fits"])


def item(size, parameters, key="x", place=1):
    """An item with the keys `p` and `s`: a value in `d`, or many attributes."""
    keys = b'"p":{"S":"%s"},"s":{"N":"%d"},' % (key.encode(), place)
    size -= len(keys)
    if parameters["kind"] == "attributes":
        return b"{" + keys + KINDS["map"].text(size, parameters, parameters["fits"])[6:-1]
    return b"{" + keys + b'"d":' + value(size - 6, parameters) + b"}"


# MARK: JSON that is no request

# Of a parameter that is no item the server reads so many members.
MEMBERS_MAX = 9_990


def junk_members(size, parameters, count_max=None):
    prefix = b"m" * parameters["length"]
    return numbered(
        size, b"{", lambda place: b'"%s%07d":0' % (prefix, place), b"}", parameters["order"],
        count_max)


def nested(size, opening, closing, depth):
    depth = max(1, min(depth, (size - 2) // (len(opening) + len(closing)) - 1))
    unit = opening * depth + b"0" + closing * depth
    return repeated(size, b"[", unit, b"]")


JUNK = {
    "zeros": lambda n, p: repeated(n, b"[", b"0", b"]"),
    "emptyNames": lambda n, p: repeated(n, b"[", b'{"":0}', b"]"),
    "emptyObjects": lambda n, p: repeated(n, b"[", b"{}", b"]"),
    "emptyTexts": lambda n, p: repeated(n, b"[", b'""', b"]"),
    "words": lambda n, p: repeated(n, b"[", b"false", b"]"),
    "arrays": lambda n, p: nested(n, b"[", b"]", p["depth"]),
    "objects": lambda n, p: nested(n, b'{"a":', b"}", p["depth"]),
    "tooDeep": lambda n, p: nested(n, b"[", b"]", 1 << 30),
    "longText": lambda n, p: repeated(n, b'"', b"a", b'"', separator=b""),
    "escapes": lambda n, p: repeated(n, b'"', b"\\u0001", b'"', separator=b""),
    "longNumber": lambda n, p: repeated(n, b"1", b"0", b"", separator=b""),
    "fraction": lambda n, p: repeated(n, b"1.", b"0", b"E1", separator=b""),
    "spaces": lambda n, p: repeated(n, b"[", b" ", b"]", separator=b""),
    # One character, as Swift counts them, that may stand in a message.
    "longName": lambda n, p: repeated(n, b'{"e', "\u0301".encode(), b'":5}', separator=b""),
    "characterName": lambda n, p: repeated(
        min(n, 65_000), b'{"e', "\u0301".encode(), b'":5}', separator=b""),
    "members": lambda n, p: junk_members(n, p, MEMBERS_MAX),
    "manyMembers": junk_members,
    "doubledMembers": lambda n, p: repeated(n, b"{", b'"a":0', b"}", MEMBERS_MAX),
    "texts": lambda n, p: repeated(n, b"[", b'"a"', b"]", MEMBERS_MAX),
    "values": lambda n, p: repeated(n, b"{", b'"a":{"S":"a"}', b"}"),
    # No JSON at their ends.
    "unended": lambda n, p: repeated(n, b"[", b'{"":0}', b""),
    "noUTF8": lambda n, p: repeated(n, b'["', b"a", b'\xff"]', separator=b""),
}
NO_JSON = {"unended", "noUTF8"}

JUNK_PARAMETERS = {
    "junk": list(JUNK),
    "length": [0, 4, 32, 240, 1600],
    "depth": [1, 8, 30, 60, 70, 200],
    "order": ORDERS,
}
JUNK_START = {"junk": "emptyNames", "length": 240, "depth": 60, "order": "descending"}


def junk(size, parameters):
    """JSON of a kind, or what only begins as JSON."""
    return JUNK[parameters["junk"]](size, parameters)
