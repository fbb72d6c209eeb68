"""Files that are written anew while they are read: one graph or the other, or a refusal."""

import os
import threading

import numpy as np
import pytest

import graphmax as gm
from graphmax import GraphFileError
from graphmax.files import edge_tables

NODES, TRIES = 40, 30


def graph_of(which):
    """A path or a star on the same nodes, with values that tell them apart."""
    ends = np.arange(NODES - 1)
    src = ends if which else np.zeros(NODES - 1, np.int64)
    labels = [f"v{node}" for node in range(NODES)]
    values = np.full(NODES, which)
    return gm.Graph.from_edges(src, ends + 1, NODES, labels=labels, attributes={"h": values})


def read(path):
    """Return which graph was read; None if the file was refused."""
    try:
        found = gm.read_graph(path)
    except GraphFileError:
        return None
    which = int(found.attributes["h"][0])
    assert (found.attributes["h"] == which).all()
    np.testing.assert_array_equal(found.edges(), graph_of(which).edges())
    return which


@pytest.mark.parametrize("ending", ["csv", "parquet", "graphml", "json", "npz"])
def test_a_graph_that_is_written_anew_while_it_is_read(tmp_path, ending):
    path = tmp_path / f"g.{ending}"
    gm.write_graph(graph_of(0), path)
    done, problems = threading.Event(), []

    def write():
        which = 0
        try:
            while not done.is_set():
                which = 1 - which
                gm.write_graph(graph_of(which), path)
        except BaseException as error:  # noqa: BLE001 - told below
            problems.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = [read(path) for _ in range(TRIES)]
    finally:
        done.set()
        writer.join()
    assert not problems
    assert read(path) in (0, 1)
    assert {0, 1} & set(found)


def test_a_file_that_never_rests_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "g.csv"
    gm.write_graph(graph_of(0), path)
    check, rounds = edge_tables.check_pair, []

    def write_between(*arguments):
        rounds.append(1)
        os.utime(path, ns=(0, len(rounds)))
        return check(*arguments)

    monkeypatch.setattr(edge_tables, "check_pair", write_between)
    with pytest.raises(GraphFileError, match="must stay as it is while it is read"):
        gm.read_graph(path)
    assert len(rounds) == 4
    monkeypatch.undo()
    assert read(path) == 0
