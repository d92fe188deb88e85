"""A small search for the request that takes the most.

It tries each shape, each choice of a shape, and then what is random or near the worst.

A request is found by its shape and parameters. The search knows nothing of what they mean.
"""

SHAPE = "shape"
# So many of the worst are kept for each goal.
KEPT = 4


class Found:
    """What was tried, and what it took."""

    def __init__(self, parameters, usage):
        self.parameters, self.usage = parameters, usage


def goals():
    """What is looked for: most processor time, most memory."""
    return {
        "processor": lambda usage: usage.milliseconds,
        "memory": lambda usage: usage.memory,
    }


class Search:
    """Looks for the worst requests of an operation.

    `measure(parameters)` gives their usage, or None if there is no such request. `seeds` are
    parameters that are tried first; without them, each choice is.
    """

    def __init__(self, operation, measure, random, seeds=()):
        self.operation, self.measure, self.random = operation, measure, random
        self.seeds, self.tried, self.count = list(seeds), set(), 0
        self.worst = {goal: [] for goal in goals()}

    def run(self, is_over):
        """Tries each shape, then the seeds or each choice, and goes on until it is over."""
        for shape in self.operation.shapes:
            self.take({SHAPE: shape.name, **shape.start})
        # Once begun it is finished, so that the same requests are tried on each machine.
        choices = self.seeds or ([] if is_over() else self.single_choices())
        for parameters in choices:
            self.take(parameters)
        idle = 0
        # Where nothing new is left, it ends earlier.
        while not is_over() and idle < 200:
            idle = 0 if self.take(self.next()) else idle + 1
        return self

    def single_choices(self):
        """Each choice alone, as the largest body: compressed where that is possible."""
        for shape in self.operation.shapes:
            start = {SHAPE: shape.name, **shape.start}
            if "packing" in shape.choices:
                start["packing"] = "gzip"
            for name, choices in shape.choices.items():
                yield from ({**start, name: choice} for choice in choices)

    def take(self, parameters):
        """Measures what was not measured yet."""
        key = tuple(sorted(parameters.items(), key=str))
        if key in self.tried:
            return False
        self.tried.add(key)
        usage = self.measure(parameters)
        if usage is None:
            return False
        self.count += 1
        for goal, amount in goals().items():
            kept = self.worst[goal]
            kept.append(Found(parameters, usage))
            kept.sort(key=lambda found: -amount(found.usage))
            del kept[KEPT:]
        return True

    def next(self):
        """Something random, or what is near one of the worst."""
        kept = self.worst[self.random.choice(list(self.worst))]
        if not kept or self.random.random() < 0.3:
            return self.anything()
        return self.changed(self.random.choice(kept).parameters)

    def anything(self):
        shape = self.random.choice(self.operation.shapes)
        parameters = {name: self.random.choice(choices) for name, choices in shape.choices.items()}
        # Most requests are sent as usual, so that what they say is looked at.
        for name in ("packing", "chunk", "accepts", "share"):
            if name in parameters and self.random.random() < 0.7:
                parameters[name] = shape.start[name]
        return {SHAPE: shape.name, **parameters}

    def changed(self, parameters):
        """With one to three other values."""
        choices = self.operation.shape(parameters[SHAPE]).choices
        names = self.random.sample(sorted(choices), min(len(choices), self.random.randint(1, 3)))
        return {**parameters, **{name: self.random.choice(choices[name]) for name in names}}
