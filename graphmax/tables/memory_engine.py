"""Memory: the edges as rows of a `Graph`, and the compiled loops over them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphmax.graph import Graph
from graphmax.maxima.engine import maxima_mask, rival_nodes
from graphmax.question import Question, ask
from graphmax.tables.answer import TableAnswer, Workplace, publish
from graphmax.tables.database import Database, database
from graphmax.tables.edge_stream import Read, label_columns, walk, write_labels
from graphmax.tables.stream_engine import read_tables
from graphmax.tables.table_question import TableQuestion


def run(question: TableQuestion, place: Workplace, _: int | None) -> TableAnswer:
    """Answer a question with everything in memory but the text of ids."""
    with database(place.space, None) as db:
        read = read_tables(db, question, None)
        rows = _rows(db, question, read)
        mask, rival = maxima_mask(rows)[0], rival_nodes(rows)[0] if question.explain else None
        columns = label_columns(mask, rival, read.nodes.values)
        made = write_labels(db, question, read.nodes, columns, place.beside)
    publish(made, Path(question.out))
    return TableAnswer(
        question.out,
        "memory",
        read.nodes.num_nodes,
        read.expected_edges,
        int(mask.sum()),
        tuple(db.stages),
    )


def _rows(db: Database, question: TableQuestion, read: Read) -> Question:
    ends = _ends(db, read)
    graph = db.call(
        "building the graph",
        read.expected_edges,
        lambda: Graph.from_edges(*ends, read.nodes.num_nodes, directed=read.tables.directed),
    )
    nodes, rule = read.nodes, question.rule
    values = np.ma.MaskedArray(nodes.key, nodes.absent) if nodes.absent.size else nodes.key
    # Keys of minima are mirrored already.
    return ask(
        "local_maxima",
        graph,
        values,
        rule.reach,
        ties=rule.ties,
        direction=rule.direction,
        isolated=rule.isolated,
        nan="omit",
    )


def _ends(db: Database, read: Read) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Gather all edges, checked."""
    src, dst = (np.empty(read.expected_edges, np.int32) for _ in range(2))
    n, at = read.nodes.num_nodes, 0

    def take(sources: NDArray[np.int64], targets: NDArray[np.int64]) -> int:
        nonlocal at
        for end in (sources, targets):
            if end.size and (end.min() < 0 or end.max() >= n):
                return 0
        src[at : at + sources.size], dst[at : at + sources.size] = sources, targets
        at += sources.size
        return -1

    walk(db, read, "reading edges", take)
    return src[:at], dst[:at]
