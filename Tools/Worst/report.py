"""The tables of results, in Markdown, and the bounds."""

SMALL, LARGE = 64 << 10, 16 << 20
SIZES = {SMALL: "64 KB", LARGE: "16 MiB"}
# Milliseconds of processor time, and bytes of memory, for a request of the size at most.
BOUNDS = {SMALL: (50.0, 64_000_000), LARGE: (1000.0, 256_000_000)}
# GetItem's p99 beside a load is so many times that without it, at most.
RATIO_MAX = 10.0


class Row:
    """The worst requests of an operation that have a size at most."""

    def __init__(self, operation, size, processor, memory, count):
        self.operation, self.size, self.count = operation, size, count
        # What was found for each goal.
        self.processor, self.memory = processor, memory

    @property
    def is_within(self):
        milliseconds, memory = BOUNDS[self.size]
        return (self.processor.usage.milliseconds <= milliseconds
                and self.memory.usage.memory <= memory)

    @property
    def cells(self):
        (time, space) = (self.processor.usage, self.memory.usage)
        return [
            self.operation, SIZES[self.size], f"{time.milliseconds:.1f} ms",
            per_byte(time.milliseconds * 1e6, time.sent, "ns"), described(self.processor),
            f"{space.memory / 1e6:.1f} MB", per_byte(space.memory, space.sent, "B"),
            described(self.memory), str(self.count), "yes" if self.is_within else "**no**"]


def per_byte(amount, sent, unit):
    ratio = amount / sent
    return f"{ratio:.0f} {unit}" if ratio >= 10 else f"{ratio:.2g} {unit}"


def described(found):
    """A shape with its parameters, what was sent, and what the server said."""
    parameters = dict(found.parameters)
    shape = parameters.pop("shape")
    settings = " ".join(
        f"{name}={value}" for name, value in parameters.items() if is_telling(name, value))
    sent = f"{found.usage.sent:,} bytes"
    return f"`{' '.join(filter(None, [shape, settings]))}`: {sent}, {found.usage.answer}"


def is_telling(name, value):
    """Whether a parameter differs from how most requests are sent."""
    usual = {"packing": "plain", "chunk": 0, "accepts": False, "share": 1.0}
    return name not in usual or value != usual[name]


def line(cells):
    return "| " + " | ".join(cells) + " |"


class Lines:
    """A table that is printed while it is made."""

    columns = []

    def __init__(self, title):
        self.title = title
        self.rows = []
        self.lines = [title, "", line(self.columns), line(["---"] * len(self.columns))]
        self.is_begun = False

    def add(self, row):
        self.rows.append(row)
        self.lines.append(line(row.cells))
        if not self.is_begun:
            print("\n" + "\n".join(self.lines[2:4]))
            self.is_begun = True
        print(self.lines[-1], flush=True)

    @property
    def text(self):
        return "\n".join(self.lines) + "\n\n" + self.verdict + "\n"

    @property
    def is_within(self):
        return all(row.is_within for row in self.rows)


class Table(Lines):
    columns = [
        "operation", "at most", "processor", "per byte", "by", "memory", "per byte", "by", "tried",
        "within"]

    def __init__(self, seed):
        super().__init__(f"Worst requests, seed {seed}")

    @property
    def verdict(self):
        past = [f"{row.operation} ({SIZES[row.size]})" for row in self.rows if not row.is_within]
        bounds = "; ".join(
            f"{time:.0f} ms and {memory // 1_000_000} MB for {SIZES[size]}"
            for size, (time, memory) in BOUNDS.items())
        if not past:
            return f"All are within the bounds: {bounds}."
        return f"Past the bounds ({bounds}): {', '.join(past)}."


class FairnessRow:
    """GetItem's latencies in milliseconds, without a load and beside it."""

    def __init__(self, load, clients, alone, beside, answered):
        self.load, self.clients = load, clients
        # Pairs of p50 and p99.
        self.alone, self.beside = alone, beside
        # How the load was answered.
        self.answered = answered

    @property
    def ratio(self):
        return self.beside[1] / self.alone[1]

    @property
    def is_within(self):
        return self.ratio <= RATIO_MAX

    @property
    def cells(self):
        (p50, p99), (beside50, beside99) = self.alone, self.beside
        return [
            self.load, str(self.clients), f"{p50:.2f} ms", f"{p99:.2f} ms", f"{beside50:.2f} ms",
            f"{beside99:.2f} ms", f"{self.ratio:.1f}", self.answered,
            "yes" if self.is_within else "**no**"]


class FairnessTable(Lines):
    columns = [
        "load", "clients", "p50 alone", "p99 alone", "p50 beside", "p99 beside", "ratio of p99",
        "answers to the load", "within"]

    def __init__(self):
        super().__init__("GetItem beside loads")

    @property
    def verdict(self):
        past = [row.load for row in self.rows if not row.is_within]
        if not past:
            return f"GetItem's p99 is at most {RATIO_MAX:.0f} times that without a load."
        return f"GetItem's p99 is more than {RATIO_MAX:.0f} times that without: {', '.join(past)}."
