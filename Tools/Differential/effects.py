"""What clients asked of a task service, what it answered, and what is there afterwards: lost and doubled effects.

An operation has a kind, the name of its effect, and an outcome:

  done     The service acknowledged it, so the effect is there.
  unknown  The service said that the outcome is not known, so the effect may be there.
  refused  The service said that nothing was written, so the effect is not there.
  fault    The answer is none of these, or there was none.
"""

import collections
from typing import NamedTuple

CREATE, COMMENT, COMPLETE = "create", "comment", "complete"
DONE, UNKNOWN, REFUSED, FAULT = "done", "unknown", "refused", "fault"
# What the service's README says of status 503.
REFUSALS = {"unavailable", "timedOut", "throttled", "writeConflict", "transactionCancelled", "limitReached"}


class Operation(NamedTuple):
    """What a client asked, and how it ended."""

    kind: str
    name: str
    outcome: str
    seconds: float = 0
    # The status and the code of the answer, or the error of the connection.
    detail: str = ""


def outcome(status, code, retry_after):
    """The outcome that an answer tells, by its status, the code of its error, and its header Retry-After."""
    if status in (200, 201):
        return DONE
    if status == 500 and code == "outcomeUnknown":
        return UNKNOWN
    return REFUSED if status == 503 and code in REFUSALS and retry_after else FAULT


class Expected(NamedTuple):
    """How often an effect must be there, and how often it may be there."""

    least: int
    most: int

    @staticmethod
    def of(kind, outcomes):
        done, unknown = outcomes[DONE], outcomes[UNKNOWN]
        if kind == COMPLETE:
            # Completing a task again is acknowledged, and changes nothing.
            return Expected(min(done, 1), min(done + unknown, 1))
        return Expected(done, done + unknown)


def findings(operations, observed, seconds_max):
    """What is wrong, one line each.

    `observed` has how often each effect is there, by its kind and name. No answer may take longer than `seconds_max`.
    """
    found, outcomes = [], collections.defaultdict(collections.Counter)
    for operation in operations:
        what = f"{operation.kind} {operation.name}"
        if operation.outcome == FAULT:
            found.append(f"{what} has an answer that is not defined: {operation.detail}")
        if operation.seconds > seconds_max:
            found.append(f"{what} was answered after {operation.seconds:.1f} s")
        outcomes[operation.kind, operation.name][operation.outcome] += 1
    for kind, name in sorted(outcomes.keys() | observed.keys()):
        count, expected = observed.get((kind, name), 0), Expected.of(kind, outcomes[kind, name])
        if count < expected.least:
            found.append(f"lost: {kind} {name} was acknowledged, and is there {count} times")
        elif count > expected.most:
            word = "doubled" if expected.most else "not acknowledged, and there"
            found.append(f"{word}: {kind} {name} is there {count} times, and may be {expected.most} times")
    return found


def is_completion(entry):
    """Whether an entry of a history has a completion."""
    return any(change["field"] == "status" and change.get("to") == "done" for change in entry.get("changes", []))


def observed(tasks):
    """How often each effect is there, by kind and name, in tasks with their comments and histories."""
    counts = collections.Counter()
    for task in tasks:
        counts[CREATE, task["title"]] += 1
        for text in task["comments"]:
            counts[COMMENT, text] += 1
        completions = sum(1 for entry in task["history"] if is_completion(entry))
        if completions:
            counts[COMPLETE, task["title"]] += completions
    return counts


def broken_rules(tasks):
    """The tasks that do not fit their own histories, and keys that are given twice, one line each."""
    found = []
    for key, count in collections.Counter(task["key"] for task in tasks).items():
        if count > 1:
            found.append(f"{key} is the key of {count} tasks")
    for task in tasks:
        key, kinds = task["key"], collections.Counter(entry["kind"] for entry in task["history"])
        if kinds["created"] != 1:
            found.append(f"{key} was created {kinds['created']} times by its history")
        if kinds["commented"] != len(task["comments"]):
            found.append(f"{key} has {len(task['comments'])} comments, and {kinds['commented']} by its history")
        is_done = any(is_completion(entry) for entry in task["history"])
        if (task["status"] == "done") != is_done:
            found.append(f"{key} is {task['status']}, and {'' if is_done else 'not '}done by its history")
    return found
