"""A limit of time: a refusal, never another exception, nothing left behind."""

import threading
from pathlib import Path
from tempfile import gettempdir

import numpy as np
import pytest

from graphmax import GraphFileError, read_graph


def folders():
    return {path.name for path in Path(gettempdir()).glob("graphmax-*")}


@pytest.mark.parametrize(
    "reads", [150, pytest.param(20_000, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])]
)
def test_reads_end_by_refusal_or_answer(tmp_path, reads):
    rng, before = np.random.default_rng(0), folders()
    rows = "".join(f"a{i},b{i % 7}\n" for i in range(5_000))
    (tmp_path / "g.csv").write_text(rows)
    (tmp_path / "g.gml").write_text(
        "graph [ " + "".join(f"node [ id {i} ] " for i in range(3_000)) + "]"
    )
    (tmp_path / "g.json").write_text(
        '{"nodes": [' + ",".join(f'{{"id": {i}}}' for i in range(3_000)) + '], "edges": []}'
    )
    refused = 0
    for i in range(reads):
        name = ("g.csv", "g.gml", "g.json")[i % 3]
        try:
            read_graph(tmp_path / name, max_seconds=float(10 ** rng.uniform(-5, -0.5)))
        except GraphFileError as error:
            assert "must be read within" in str(error)  # noqa: PT017 - only now and then
            refused += 1
    assert 0 < refused < reads
    assert folders() <= before
    assert threading.active_count() < 20
