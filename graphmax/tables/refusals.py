"""What is refused when the rows of two tables do not make a graph; the same for every engine."""

import errno
from collections.abc import Sequence

from graphmax.files.errors import listed, refusal
from graphmax.tables.question import TableQuestion


def no_order(question: TableQuestion, kind: str) -> TypeError:
    """Return the error for values whose type has no exact order."""
    return TypeError(
        f"`values` must be numbers, Booleans or times, got {kind} in column "
        f"{question.values!r} of {question.nodes.name}; convert the column"
    )


def no_value(question: TableQuestion, first: Sequence[object], count: int) -> ValueError:
    """Return the error for nodes whose value is NULL or NaN."""
    return ValueError(
        f"`{question.values}` must be known for every node, got nodes without a value "
        f"({listed(list(first), count)}) in {question.nodes.name}; fill them in, or pass "
        "nan='omit' to leave those nodes out"
    )


def repeated_ids(question: TableQuestion, first: Sequence[object], count: int) -> Exception:
    """Return the error for ids that stand in several rows."""
    return refusal(
        question.nodes.name, "have every id once", f"repeated ids ({listed(list(first), count)})"
    )


def unknown_ids(question: TableQuestion, first: Sequence[object], count: int) -> Exception:
    """Return the error for edges that end at ids which the node table lacks."""
    return refusal(
        question.edges.name,
        "have edges between ids of the node table",
        f"ids that it lacks ({listed(list(first), count)})",
        way_out=f"add them to {question.nodes.name}",
    )


def full_disk() -> OSError:
    """Return the error for a disk without room for what is spilled."""
    error = OSError(
        "`temporary` must have room for what does not fit in memory, got a full disk; free some, "
        "name a folder with more room, or raise memory_limit (nothing was written)"
    )
    error.errno = errno.ENOSPC
    return error
