"""`report` and `graphmax report`: what the file holds, without a browser."""

import hashlib
import json
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from typer.testing import CliRunner

import graphmax as gm
import graphmax.page
from graphmax.cli import app
from graphmax.page.drawn_part import MOST_NODES
from graphmax.shipped_data import dataset_path

COUNTRIES = str(dataset_path("countries/countries.graphml"))
ASSETS = Path(graphmax.page.__file__).parent / "assets"
VENDORED = {
    "graphology.umd.min.js": "dc337efa23903f61e064c8e7e7f93a429e6855dccfc2458802b4ed30c621c087",
    "sigma.min.js": "58e30383ab428f832068d9d16a5215c65ba12430d438ed091c5703f398de9e16",
}


class Reader(HTMLParser):
    """Collects the elements of a page, with the text in each script, style and cell."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.texts.append((tag, ""))

    def handle_data(self, data):
        if self.texts:
            tag, text = self.texts[-1]
            self.texts[-1] = (tag, text + data)

    def handle_endtag(self, tag):
        self.texts.append(("", ""))

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag):
        return [text for name, text in self.texts if name == tag]


def page_of(path):
    return Reader(path.read_text(encoding="utf-8"))


def data_of(path):
    (text,) = [t for t in page_of(path).text("script") if t.startswith("{")]
    return json.loads(text)


def run(*words):
    return CliRunner().invoke(app, ["report", *map(str, words)])


# --- the file


def test_vendored_libraries_are_the_published_ones_with_their_licenses():
    for name, digest in VENDORED.items():
        assert hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() == digest
        license_text = (ASSETS / f"{name.partition('.')[0]}.LICENSE.txt").read_text(
            encoding="utf-8"
        )
        assert "Permission is hereby granted, free of charge" in license_text
    assert sum((ASSETS / name).stat().st_size for name in VENDORED) <= 400_000


def test_the_policy_names_the_script_and_the_style_and_nothing_else(tmp_path):
    gm.report(gm.grid_graph(3), [1, 2, 1], tmp_path / "r.html")
    page = page_of(tmp_path / "r.html")
    policy = next(a["content"] for a in page.all("meta") if "http-equiv" in a)
    scripts = [text for text in page.text("script") if not text.startswith("{")]
    for kind, blocks in (("script", scripts), ("style", page.text("style"))):
        (block,) = blocks
        digest = b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    for tag, attributes in page.elements:
        assert not {
            name for name in attributes if name.startswith("on") or name in ("src", "href", "style")
        }, tag


def test_without_scripts_there_are_rows_and_a_picture(tmp_path):
    gm.report(gm.read_graph(COUNTRIES), "gdp", tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    page = Reader(text)
    assert len(page.all("svg")) == 1
    assert len(page.all("circle")) == 42
    assert text.count("<tr>") == 1 + 42
    assert "United States of America" in page.text("td")
    assert page.all("html") == [{"lang": "en"}]


def test_data_are_those_of_find_peaks_and_isolation(tmp_path):
    graph = gm.read_graph(COUNTRIES)
    gm.report(
        graph, ["gdp", "degree"], tmp_path / "r.html", 3, source=COUNTRIES, command="graphmax x"
    )
    data, peaks, nearest = (
        data_of(tmp_path / "r.html"),
        gm.find_peaks(graph, "gdp"),
        gm.isolation(graph, "gdp", ties="plateau"),
    )
    gdp = data["values"][0]
    ids = np.array(data["ids"])
    assert ids[gdp["peaks"]["node"]].tolist() == peaks.label.tolist()
    assert gdp["peaks"]["prominence"] == peaks.prominence.tolist()
    assert [np.inf if d < 0 else d for d in gdp["isolation"]] == nearest.distance.tolist()
    assert gdp["witness"] == nearest.witness.tolist()
    assert data["values"][1]["value"] == np.diff(graph.indptr).tolist()
    meta = data["meta"]
    assert meta["sha256"] == hashlib.sha256(Path(COUNTRIES).read_bytes()).hexdigest()
    assert (meta["rule"]["hops"], meta["file"], meta["command"]) == (
        3,
        "countries.graphml",
        "graphmax x",
    )
    assert len(data["edges"]) == 2 * graph.num_edges
    assert data["whole"]


def test_exact_values_times_and_gaps(tmp_path):
    graph = gm.grid_graph(4)
    for values, texts in (
        ([2**53 + 1, 2**53, 5, 2**60], [str(2**53 + 1), str(2**53), "5", str(2**60)]),
        (
            np.array(["2020-01-01", "NaT", "2021-01-01", "2019-05-05"], "M8[D]"),
            ["2020-01-01", "NaT", "2021-01-01", "2019-05-05"],
        ),
        ([1.5, np.nan, np.inf, -np.inf], None),
        (np.ma.MaskedArray([3, 1, 2, 4], [0, 1, 0, 0]), None),
    ):
        gm.report(graph, values, tmp_path / "r.html", force=True)
        data = data_of(tmp_path / "r.html")["values"][0]
        assert data["text"] == texts
        assert len(data["peaks"]["node"]) == len(gm.find_peaks(graph, values))


HOSTILE = [
    "<script>alert(1)</script>", "</script><script>alert(2)</script>", "<img src=x onerror=alert(3)>",
    "javascript:alert(4)", '"><svg onload=alert(5)>', "'; alert(6); '", "<!--", "]]>", "{{DATA}}", "&lt;b&gt;",
    "\u202eevil\u202c", "\u2028\u2029", "x" * 10_000, "=HYPERLINK(1)", "\\u003cscript", "a\nb",
]  # fmt: skip


def hostile_graph():
    count = len(HOSTILE)
    graph = gm.as_graph(nx.path_graph(count))
    return graph.replace(labels=HOSTILE, attributes={"</style><script>": np.arange(count) % 2})


def test_hostile_names_stay_text(tmp_path):
    path = tmp_path / "r.html"
    gm.report(hostile_graph(), "</style><script>", path, title="</title><script>alert(7)</script>")
    page = page_of(path)
    assert data_of(path)["ids"] == HOSTILE
    assert len(page.all("script")) == 2
    assert page.all("img") == []
    assert [a for _, a in page.elements if any(name.startswith("on") for name in a)] == []
    assert page.text("title")[0].strip() == "</title><script>alert(7)</script>"


def test_a_large_graph_is_drawn_in_part(tmp_path):
    graph = gm.grid_graph((160, 160), 4)
    values = np.random.default_rng(0).integers(0, 1000, graph.num_nodes)
    gm.report(graph, values, tmp_path / "r.html")
    data = data_of(tmp_path / "r.html")
    assert data["drawn"] == MOST_NODES < graph.num_nodes
    assert not data["whole"]
    assert len(data["values"][0]["peaks"]["node"]) == len(gm.find_peaks(graph, values))
    assert len(data["ids"]) >= MOST_NODES
    assert max(data["edges"]) < MOST_NODES


@pytest.mark.parametrize("graph", [gm.Graph.from_edges([], [], 0), gm.Graph.from_edges([], [], 3)])
def test_graphs_without_edges(tmp_path, graph):
    gm.report(graph, np.arange(graph.num_nodes), tmp_path / "r.html")
    assert len(data_of(tmp_path / "r.html")["values"][0]["peaks"]["node"]) == graph.num_nodes


# --- refusals


def test_refusals(tmp_path):
    graph, path = gm.read_graph(COUNTRIES), tmp_path / "r.html"
    path.write_text("old")
    with pytest.raises(FileExistsError, match="must be free, .*pass force=True"):
        gm.report(graph, "gdp", path)
    assert path.read_text() == "old"
    with pytest.raises(IsADirectoryError, match="must name a file"):
        gm.report(graph, "gdp", tmp_path)
    new = tmp_path / "new.html"
    with pytest.raises(
        ValueError,
        match="numeric node attribute, got 'iso' of dtype object; there are population, gdp, degree",
    ):
        gm.report(graph, "iso", new)
    with pytest.raises(ValueError, match="did you mean 'gdp'"):
        gm.report(graph, ["gpd"], new)
    with pytest.raises(ValueError, match="at least one attribute"):
        gm.report(graph, [], new)
    with pytest.raises(FileNotFoundError, match="existing folder"):
        gm.report(graph, "gdp", tmp_path / "nowhere" / "r.html")
    with pytest.raises(ValueError, match="`ties` must be 'plateau' or 'strict'"):
        gm.report(graph, "gdp", new, ties="weak")
    with pytest.raises(ValueError, match="direction='both'"):
        gm.report(gm.Graph.from_edges([0], [1], directed=True), [1, 2], new)
    assert not new.exists()


def test_the_command(tmp_path):
    out = tmp_path / "r.html"
    done = run(COUNTRIES, "--values", "gdp, population", "--out", out, "--hops", 2, "--no-isolated")
    assert (done.exit_code, done.stdout) == (0, "")
    data = data_of(out)
    assert [each["name"] for each in data["values"]] == ["gdp", "population"]
    assert (data["meta"]["rule"]["hops"], data["meta"]["rule"]["isolated"]) == (2, False)
    done = run(COUNTRIES, "--values", "gdp", "--out", out)
    assert done.exit_code == 2
    assert "`--out` must be free" in done.stderr
    assert "pass --force to replace it" in done.stderr
    assert run(COUNTRIES, "--values", "gdp", "--out", out, "--force").exit_code == 0
    done = run(COUNTRIES, "--values", "continent", "--out", tmp_path / "new.html")
    assert "there are population, gdp, degree, core_number, clustering" in done.stderr


def test_a_model_gives_probabilities(tmp_path):
    out = tmp_path / "r.html"
    done = run(COUNTRIES, "--values", "gdp", "--model", "attribute-1-hop", "--out", out)
    assert done.exit_code == 0, done.stderr
    data = data_of(out)["values"][0]
    graph = gm.read_graph(COUNTRIES)
    found = np.array(data["probability"]) > 0.5
    assert found.tolist() == gm.local_maxima(graph, "gdp").tolist()
