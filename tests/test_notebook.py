"""What answers look like in a notebook: small, escaped, without scripts and colors."""

from html.parser import HTMLParser

import numpy as np
import pytest
import torch

import graphmax as gm
from graphmax.notebook import fact_table

HOSTILE = "<script>alert('&')</script>"
PATH = gm.Graph.from_edges(
    [0, 1], [1, 2], weights=[1.0, 2.0], labels=[HOSTILE, "b", "c"],
    attributes={HOSTILE: [1, 3, 2]},
)  # fmt: skip


def hostile_operator(image):
    return image[..., ::-1] * np.arange(image.shape[-1])


hostile_operator.__name__ = HOSTILE


def shown():
    """One of each kind, and a word that its table must hold."""
    data = gm.grid_graph(3).to_data()
    data.x, data.y = torch.tensor([[1.0], [3.0], [2.0]]), torch.tensor([False, True, False])
    flip = gm.symmetry.flip(1)
    values = PATH.attributes[HOSTILE]
    wave = np.sin(np.arange(50) / 50 * 4 * np.pi)
    noisy = wave + 0.1 * np.random.default_rng(1).normal(size=50)
    return {
        "graph": (PATH, "attributes"),
        "grid": (gm.grid_graph((2, 3), spacing=1.0), "(2, 3)"),
        "isolation": (gm.isolation(PATH, values), "nearest challenger"),
        "tensors": (gm.isolation(PATH, torch.tensor([1.0, 3.0, 2.0])), "nearest challenger"),
        "no": (gm.explain(PATH, values, 2), "challenger"),
        "yes": (gm.explain(PATH, values, 1), "rival"),
        "evaluation": (gm.evaluate(gm.Rule(), [data]), "average_precision"),
        "verdict": (gm.symmetry.check(hostile_operator, flip, np.eye(3)), "neither"),
        "sparse": (gm.neighborhoods(PATH, values), "sparse"),
        "dense": (gm.neighborhoods(PATH, None, layout="dense"), "dense"),
        "detector": (gm.PeakDetector(), "SignHead"),
        "probability": (gm.peak_probability(gm.grid_graph(50), noisy, noise=0.1), "peaks expected"),
    }


SHOWN = shown()


class Tags(HTMLParser):
    """Collect tags, and check that they close."""

    def __init__(self, text):
        super().__init__()
        self.names, self.open = set(), []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert attrs == []
        self.names.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", SHOWN)
def test_a_small_table_without_scripts(name):
    answer, word = SHOWN[name]
    html = answer._repr_html_()
    assert Tags(html).names <= {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert word in html
    assert len(html) < 3000


def test_user_text_is_escaped():
    escaped = "&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;"
    for name in ("graph", "verdict"):
        assert escaped in SHOWN[name][0]._repr_html_()


def test_facts_that_are_none_are_left_out_and_long_ones_cut():
    html = fact_table({"a": None, "b": True, "c": 0.123456789, "d": "x" * 1000}, "title")
    assert "<td>a</td>" not in html
    assert "<td>yes</td>" in html
    assert "<td>0.123457</td>" in html
    assert html.count("x") == 300
