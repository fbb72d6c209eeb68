"""The hand-checked graphs of `datasets/golden`, through the package and through the oracle."""

import json

import numpy as np
import oracles
import pytest
from golden import FOLDER, Golden, golden
from numpy.testing import assert_array_equal
from strategies import graph_of

import graphmax as gm

QUESTIONS = golden()
each = pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)


def isolation_fields(question: Golden) -> dict:
    """The fields of the rule that isolation takes; a radius asks for weighted distances."""
    left_out = ("hops", "radius", "isolated")
    fields = {name: value for name, value in question.rule.items() if name not in left_out}
    return {"weighted": "radius" in question.rule, "where": question.where, **fields}


@each
def test_the_oracle_gives_the_answer_found_by_hand(question):
    mask = oracles.local_maxima(
        question.network, question.values, where=question.where, **question.rule
    )
    distance, witness = oracles.isolation(
        question.network, question.values, **isolation_fields(question)
    )
    assert_array_equal(np.array(mask, dtype=bool), question.mask)
    assert_array_equal(distance, question.isolation)
    assert_array_equal(witness, question.witness)


@each
def test_the_package_gives_the_answer_found_by_hand(question):
    graph = graph_of(question.network)
    mask = gm.local_maxima(graph, question.values, where=question.where, **question.rule)
    found = gm.isolation(graph, question.values, **isolation_fields(question))
    assert_array_equal(mask, question.mask, strict=True)
    assert_array_equal(found.distance, question.isolation, strict=True)
    assert_array_equal(found.witness, question.witness, strict=True)


def test_the_files_are_strict_json_of_the_stated_schema():
    files = sorted(FOLDER.glob("*.json"))
    assert len(files) >= 32
    keys = ["title", "why", "nodes", "directed", "edges", "weights", "dtype", "values", "cases"]
    for path in files:
        text = json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
        assert list(text) == keys, path.name
        assert text["nodes"] <= 8, path.name
        assert len(text["values"]) == text["nodes"], path.name
