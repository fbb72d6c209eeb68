"""The fuzzer has a valid file of every format that is claimed, and mutates it."""

import contextlib
import random
import re
import sys
from pathlib import Path

import pytest
from same_graph import assert_same_graph

from graphmax import GraphFileError, read_graph
from graphmax.files.reading import FORMAT_OF, FORMATS

TESTS = Path(__file__).parent
sys.path[:0] = [str(TESTS / "corpus"), str(TESTS / "fuzz")]

from fuzz_files import mutated_file  # noqa: E402
from valid_files import ALIASES, BESIDE, NAMED, OPTIONS, fuzzed_files  # noqa: E402

pytest.importorskip("torch_geometric")
pytest.importorskip("anndata")
FUZZED = fuzzed_files()


def placed(folder, key, data):
    """Write a fuzzed file and what lies beside it; return the file that is opened."""
    path = folder / f"graph.{key}"
    path.write_bytes(data)
    if key not in BESIDE:
        return path
    name, beside = BESIDE[key]
    (folder / name).write_bytes(beside)
    return folder / name


def names_of(row):
    """Return each name in the first column of the table: "mesh", or those in brackets."""
    inner = re.search(r"\((.*)\)", row.name)
    return (inner[1] if inner else row.name).split(", ")


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_every_name_in_the_table_of_formats_has_a_file(row, tmp_path):
    for name in names_of(row):
        key = NAMED[name]
        found = read_graph(placed(tmp_path, key, FUZZED[key]), **OPTIONS.get(key, {}))
        assert found.source.format == row.name


@pytest.mark.parametrize("ending", sorted(FORMAT_OF))
def test_every_ending_has_a_file(ending, tmp_path):
    kinds = {key.rpartition(".")[2] for key in FUZZED}
    if ending in kinds:
        return
    same = ALIASES[ending]
    first, second = tmp_path / f"a.{same}", tmp_path / f"a.{ending}"
    for path in (first, second):
        path.write_bytes(FUZZED[same])
    assert_same_graph(read_graph(first), read_graph(second))


@pytest.mark.parametrize("key", FUZZED)
def test_a_valid_file_is_read_and_mutations_are_read_or_refused(key, tmp_path):
    path = placed(tmp_path, key, FUZZED[key])
    assert read_graph(path, **OPTIONS.get(key, {})).num_nodes > 1
    rng = random.Random(7)
    for _ in range(3 if key in ("h5ad", "mat") else 20):
        (tmp_path / f"graph.{key}").write_bytes(mutated_file(key, FUZZED[key], rng))
        with contextlib.suppress(GraphFileError):  # anything else fails the test
            read_graph(path, **OPTIONS.get(key, {}))
