#!/usr/bin/env python3
"""Writes a random forest of scikit-learn's as the JSON that CodexFlow.RandomForest reads.

    python3 -m pip install scikit-learn
    ./Scripts/export-forest.py --trust FOREST.pickle FEATURE [FEATURE ...] > forest.json
    ./Scripts/export-forest.py --sample DIRECTORY

WARNING: reading a pickle runs code that the file contains, with all rights of the user who runs this script.
Nothing can check the file before. Give --trust only for a file that you, or somebody whom you trust, made,
and that nobody else could change since. A forest from anywhere else must come as JSON: the JSON that this
script writes runs nothing, and CodexFlow.RandomForest checks all of it.

The pickle holds a fitted RandomForestClassifier of two classes, or a RandomForestRegressor; FEATURE names
its columns. --sample trains one on made-up projects, and writes forest.json and rows.json: rows that it
was not trained on, with scikit-learn's own predictions. It reads no pickle.
"""

import argparse
import json
import pickle
import sys

FEATURES = [
    "overdue", "blocked", "behind", "stalled", "reopened",
    "unassigned", "unestimated", "complex", "urgent", "scopeGrowth",
]


def value(tree, node):
    """The share of the positive class at a node, or the mean of a regression."""
    numbers = tree.value[node][0]
    return float(numbers[0]) if len(numbers) == 1 else float(numbers[1] / numbers.sum())


def exported(forest, features):
    trees = []
    for estimator in forest.estimators_:
        tree = estimator.tree_
        leaves = [child < 0 for child in tree.children_left]
        trees.append({
            "feature": [-1 if leaf else int(f) for f, leaf in zip(tree.feature, leaves)],
            "threshold": [0 if leaf else float(t) for t, leaf in zip(tree.threshold, leaves)],
            "left": [int(child) for child in tree.children_left],
            "right": [int(child) for child in tree.children_right],
            "value": [value(tree, n) if leaf else 0 for n, leaf in enumerate(leaves)],
        })
    return {"format": 1, "features": features, "trees": trees}


def sample(directory):
    """A forest of made-up projects: late ones are those with much overdue and behind, and some chance."""
    import numpy
    from sklearn.ensemble import RandomForestClassifier

    random = numpy.random.default_rng(20251105)
    rows = random.random((500, len(FEATURES)))
    rows[rows < 0.2] = 0
    late = rows[:, 0] + rows[:, 2] + 0.5 * rows[:, 1] + random.normal(0, 0.3, 500) > 1.2
    forest = RandomForestClassifier(n_estimators=100, max_depth=10, random_state=1)
    forest.fit(rows[:150], late[:150])
    held = rows[150:]
    predicted = forest.predict_proba(held)[:, 1]
    with open(f"{directory}/forest.json", "w") as file:
        json.dump(exported(forest, FEATURES), file, separators=(",", ":"))
    with open(f"{directory}/rows.json", "w") as file:
        lines = [{"row": list(row), "score": score} for row, score in zip(held, predicted)]
        json.dump({"rows": lines}, file, separators=(",", ":"))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trust", action="store_true", help="run the code that the pickle contains")
    parser.add_argument("--sample", metavar="DIRECTORY", help="train a forest and write it there")
    parser.add_argument("pickle", nargs="?", metavar="FOREST.pickle")
    parser.add_argument("features", nargs="*", metavar="FEATURE")
    options = parser.parse_args()
    if options.sample:
        if options.pickle:
            parser.error("--sample reads no pickle")
        return sample(options.sample)
    if not options.features:
        parser.error("name the pickle and its features, or --sample")
    if not options.trust:
        parser.error(f"reading {options.pickle} runs code that it contains. If you trust whoever made it, "
                     "and nobody else could change it, give --trust")
    with open(options.pickle, "rb") as file:
        forest = pickle.load(file)
    json.dump(exported(forest, options.features), sys.stdout, separators=(",", ":"))


if __name__ == "__main__":
    main()
