"""The tables of what emulators show: for the terminal, and for a document between its marks."""

import collections
import os

SAME, DIFFERS, UNSUPPORTED = VERDICTS = "same", "differs", "unsupported"
Result = collections.namedtuple("Result", "verdict seen")

MARKS = "<!-- emulators -->\n", "<!-- end of emulators -->\n"


def shown(value):
    """A value, short enough for a table."""
    words = value if isinstance(value, str) else repr(value)
    return words if len(words) <= 70 else words[:69] + "…"


def counts(column):
    """The number of results with each verdict."""
    found = collections.Counter(result.verdict for result in column)
    return [found[verdict] for verdict in VERDICTS]


def start(emulator):
    """How long an emulator took to start, if this program started it."""
    return "" if emulator.start is None else f"{emulator.start * 1000:.0f} ms"


# The terminal


def cell(result):
    return result.verdict if result.seen is None else f"{result.verdict}: {result.seen}"


def table(chosen, emulators, columns):
    """A table of the behaviours, what is expected, and what each endpoint shows."""
    rows = [["behaviour", "expected"] + [emulator.name for emulator in emulators]]
    for place, behaviour in enumerate(chosen):
        rows.append([behaviour.name, shown(behaviour.expected)]
                    + [cell(column[place]) for column in columns])
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join(
        "  ".join(value.ljust(width) for value, width in zip(row, widths)).rstrip() for row in rows)


def summary(emulators, columns):
    lines = []
    for emulator, column in zip(emulators, columns):
        same, differs, unsupported = counts(column)
        time = f", starts in {start(emulator)}" if start(emulator) else ""
        lines.append(f"{emulator.name}: {same} of {len(column)} the same, {differs} differ, "
                     f"{unsupported} unsupported{time}")
    return "\n".join(lines)


# A document


def line(values):
    return "| " + " | ".join(str(value).replace("|", "\\|") for value in values) + " |"


def head(names):
    return [line(names), line(["---"] * len(names))]


def markdown(chosen, emulators, columns):
    """The counts, and the behaviours in which an endpoint differs. Each behaviour is a link to its source."""
    lines = head(["emulator", *VERDICTS, "starts in"])
    for emulator, column in zip(emulators, columns):
        lines.append(line([emulator.name, *counts(column), start(emulator)]))
    lines += ["", *head(["behaviour", "DynamoDB"] + [emulator.name for emulator in emulators])]
    for place, behaviour in enumerate(chosen):
        results = [column[place] for column in columns]
        if all(result.verdict == SAME for result in results):
            continue
        seen = [result.verdict if result.seen is None else f"`{result.seen}`" for result in results]
        lines.append(line(
            [f"[{behaviour.name}]({behaviour.source})", f"`{shown(behaviour.expected)}`", *seen]))
    return "\n".join(lines) + "\n"


def document(path):
    """What a file has before and after the table; a new file has the marks alone.

    Raises ValueError if the file has no marks.
    """
    begin, end = MARKS
    if not os.path.exists(path):
        return begin, end
    with open(path, encoding="utf-8") as file:
        text = file.read()
    before, opening, rest = text.partition(begin)
    _, closing, after = rest.partition(end)
    if not opening or not closing:
        raise ValueError(f"{path} lacks the marks of the table: {begin.strip()} and {end.strip()}")
    return before + begin, end + after


def write(path, text):
    """Writes a table into a file, between its marks."""
    before, after = document(path)
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + text + after)
