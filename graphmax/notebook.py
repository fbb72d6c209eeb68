"""How an answer looks in a notebook: a small table without colors, so that every theme suits it."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_MOST_LETTERS = 300


def html_table(columns: Mapping[str, Sequence[Any]], caption: str) -> str:
    """Return a table of HTML with a head, every entry escaped."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    rows = _rows(zip(*columns.values(), strict=True))
    return (
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def fact_table(facts: Mapping[str, Any], caption: str) -> str:
    """Return a table of HTML with a fact per line, without those that are None, all escaped."""
    rows = _rows((name, fact) for name, fact in facts.items() if fact is not None)
    return f"<table><caption>{escape(caption)}</caption><tbody>{rows}</tbody></table>"


def _rows(rows: Iterable[Iterable[Any]]) -> str:
    return "".join(
        "<tr>" + "".join(f"<td>{escape(_text(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )


def _text(cell: Any) -> str:
    """Write an entry: floats in six figures, yes and no, nothing longer than a few lines."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    text = f"{cell:.6g}" if isinstance(cell, float) else str(cell)
    return text if len(text) <= _MOST_LETTERS else text[:_MOST_LETTERS] + " ..."
