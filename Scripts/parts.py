"""The parts in which the tests of the root package run, one after the other, as `make test` has them.

Those that kill processes or measure the time of others run alone. Each part is a list of options of `swift test`.
"""

ALONE = ["DurabilityTests", "HistoryTests", "SoakTests", "SimulationTests"]

PARTS = [
    ["--filter", "DurabilityTests", "--skip", "TortureTests"],
    ["--filter", "TortureTests"],
    *(["--filter", name] for name in ALONE[1:]),
    [word for name in ALONE for word in ("--skip", name)],
]
