"""Which columns of a table hold the ids, the values and the ends of an edge."""

from collections.abc import Callable, Mapping, Sequence

from graphmax.files.column_roles import edge_columns, found_column
from graphmax.files.opening import Source
from graphmax.tables.question import TableQuestion

Choice = Callable[[Source, Sequence[str]], Mapping[str, int]]
_IDS = ("id", "node")


def node_choice(question: TableQuestion) -> Choice:
    """Return what finds ``id`` and ``value`` among the names of a node table."""

    def choose(source: Source, names: Sequence[str]) -> Mapping[str, int]:
        asked = question.columns.id
        key = found_column(source, names, asked, usual=_IDS, otherwise=0)
        value = found_column(source, names, question.values, usual=(), otherwise=None)
        return {"id": key or 0, "value": value or 0}

    return choose


def edge_choice(question: TableQuestion) -> Choice:
    """Return what finds ``src`` and ``dst`` among the names of an edge table."""

    def choose(source: Source, names: Sequence[str]) -> Mapping[str, int]:
        return edge_columns(source, names, question.columns).named()

    return choose
