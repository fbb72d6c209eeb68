"""`report` and `graphmax report`: what the file holds, without a browser."""

import hashlib
import json
import os
import subprocess
import sys
from base64 import b64decode, b64encode
from html.parser import HTMLParser
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from typer.testing import CliRunner

import graphmax as gm
import graphmax.page
from graphmax.cli import app
from graphmax.machine import dataset_path
from graphmax.page.page_data import MOST_NODES

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
    assert "18526450" in page.text("td")  # a prominence, with the digits of the values beside it
    assert page.all("html") == [{"lang": "en"}]


def test_the_foot_says_how_the_page_was_made(tmp_path):
    command = "graphmax report '</footer><script>alert(1)</script>'"
    gm.report(
        gm.read_graph(COUNTRIES), "gdp", tmp_path / "r.html", source=COUNTRIES, command=command
    )
    page = page_of(tmp_path / "r.html")
    assert len(page.all("script")) == 2
    foot = "\n".join(page.text("p"))
    digest = hashlib.sha256(Path(COUNTRIES).read_bytes()).hexdigest()
    for words in ("Rule: hops 1, ties plateau", f"countries.graphml, SHA-256 {digest}", command):
        assert words in foot
    assert f"Made by graphmax {gm.__version__}" in foot


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


# --- chance, probabilities, and the nodes that are neither drawn nor in the table


def by_balls(graph, hops):
    """The mean number of strict maxima of shuffled distinct values, by hand: one over each ball."""
    plain = graph.to_networkx()
    reach = (nx.single_source_shortest_path_length(plain, v, cutoff=hops) for v in plain)
    return sum(1 / len(ball) for ball in reach)


@pytest.mark.parametrize("fields", [{}, {"ties": "strict"}, {"extremum": "min"}])
def test_chance_at_every_reach_is_one_over_the_balls(tmp_path, fields):
    graph = gm.as_graph(nx.random_geometric_graph(120, 0.12, seed=4))
    gm.report(graph, np.random.default_rng(0).random(120), tmp_path / "r.html", **fields)
    chance = data_of(tmp_path / "r.html")["values"][0]["chance"]
    assert chance["reach"][:8] == list(range(1, 9))
    for hops, count in zip(range(1, 9), chance["count"], strict=False):
        expected = by_balls(graph, hops)
        assert count == pytest.approx(expected, abs=4 * (expected / chance["rounds"]) ** 0.5 + 0.02)
    assert chance["count"] == sorted(chance["count"], reverse=True)


def test_chance_asks_the_rule_of_the_page(tmp_path):
    def counts(graph, values, **fields):
        gm.report(graph, values, tmp_path / "r.html", force=True, **fields)
        return data_of(tmp_path / "r.html")["values"][0]["chance"]["count"]

    complete = gm.as_graph(nx.complete_graph(6))
    assert counts(complete, np.arange(6)) == [1] * 8
    assert counts(complete, np.zeros(6)) == [1] * 8
    assert counts(complete, np.zeros(6), ties="strict") == [0] * 8
    assert counts(complete, np.arange(6), groups=["a", "b", "a", "b", "c", "c"]) == [3] * 8
    assert counts(complete, [1, np.nan, 2, 3, np.nan, 5]) == [1] * 8
    assert counts(complete, np.arange(6), where=np.arange(6) < 2) == [1] * 8
    alone = gm.Graph.from_edges([], [], 3)
    assert counts(alone, np.arange(3)) == [3] * 8
    assert counts(alone, np.arange(3), isolated=False) == [0] * 8
    line = gm.Graph.from_edges([0, 1, 2], [1, 2, 3], weights=[1.0, 2.0, 4.0])
    by_radius = counts(line, np.arange(4), radius=0.5)
    assert by_radius[0] == 4
    assert by_radius[-1] <= 2
    dates = np.array(["2020-01-01", "NaT", "2021-01-01", "2019-05-05"], "M8[D]")
    assert counts(gm.as_graph(nx.complete_graph(4)), dates) == [1] * 8


def test_probabilities_of_several_values(tmp_path):
    graph, out = gm.read_graph(COUNTRIES), tmp_path / "r.html"
    one, two = np.linspace(0, 1, graph.num_nodes), np.linspace(1, 0, graph.num_nodes)

    def said(probability):
        gm.report(graph, ["gdp", "population"], out, probability=probability, force=True)
        return [each["probability"] for each in data_of(out)["values"]]

    for probability, firsts in (
        (one, [0, 0]), ({"gdp": one, "population": two}, [0, 1]), ({"population": two}, [None, 1]),
        (one.tolist(), [0, 0]), (None, [None, None]),
    ):  # fmt: skip
        assert [None if p is None else p[0] for p in said(probability)] == firsts
    for probability, message in (
        ({"gpd": one}, "`probability` must name what is among the values, gdp, population, got 'gpd'"),
        (one[:5], r"one number from 0 to 1 per node, \(177,\), got \(5,\)"),
        (2 * one, r"got \(177,\) for 'gdp' with 1\.0"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            said(probability)


@pytest.mark.filterwarnings("ignore:the field is not smooth")
def test_the_command_gives_probabilities_to_each_of_the_values(tmp_path):
    graph, out = gm.read_graph(COUNTRIES), tmp_path / "r.html"
    names = ["gdp", "population"]
    words = (COUNTRIES, "--values", ",".join(names), "--out", out, "--force")
    assert run(*words, "--model", "attribute-1-hop").exit_code == 0
    for name, each in zip(names, data_of(out)["values"], strict=True):
        found = np.array(each["probability"]) > 0.5
        assert found.tolist() == gm.local_maxima(graph, name).tolist()
    expected = [gm.peak_probability(graph, graph.attributes[name] * 1.0) for name in names]
    done = run(*words, "--probability")
    assert done.exit_code == 0, done.stderr
    for answer, each in zip(expected, data_of(out)["values"], strict=True):
        np.testing.assert_allclose(each["probability"], answer.probability, atol=1e-6)
    done = run(*words, "--probability", "--model", "attribute-1-hop")
    assert (done.exit_code, "left out with --probability" in done.stderr) == (2, True)
    done = run(*words, "--noise", "1")
    assert (done.exit_code, "given with --probability" in done.stderr) == (2, True)


def others_of(path):
    (text,) = [t for t in page_of(path).text("script") if t.startswith("[")]
    return {
        name: content
        if kind == "texts"
        else np.frombuffer(b64decode(content), kind.removesuffix("Array").lower())
        for name, kind, content in json.loads(text)
    }


def large():
    graph = gm.grid_graph((160, 160), 4)
    names = [f"{'node' if v % 2 else '</script>'} {v}" for v in range(graph.num_nodes)]
    values = np.random.default_rng(0).integers(0, 1000, graph.num_nodes)
    return graph.replace(labels=names), values


@pytest.mark.parametrize("kind", ["integers", "floats", "times", "long"])
def test_the_other_nodes_are_known_as_well(tmp_path, kind):
    graph, values = large()
    values = {
        "integers": values,
        "floats": np.where(values == 7, np.nan, values / 7),
        "times": values.astype("M8[s]"),
        "long": values + 2**60,
    }[kind]
    gm.report(graph, values, tmp_path / "r.html", probability=np.linspace(0, 1, graph.num_nodes))
    data, others = data_of(tmp_path / "r.html"), others_of(tmp_path / "r.html")
    ids = [*data["ids"], *others["ids"]]
    assert sorted(ids) == sorted(graph.labels)
    node = {name: v for v, name in enumerate(graph.labels)}
    order = np.array([node[name] for name in others["ids"]])
    nearest = gm.isolation(graph, values, ties="plateau", nan="omit", absent="block")
    peaks = gm.find_peaks(graph, values)
    known = nearest.distance[order]
    np.testing.assert_array_equal(others["isolation 0"], np.where(np.isinf(known), -1, known))
    told = [node[ids[w]] if w >= 0 else -1 for w in others["witness 0"].tolist()]
    assert told == nearest.witness[order].tolist()
    tops = np.append([node[ids[v]] for v in data["values"][0]["peaks"]["node"]], -1)
    np.testing.assert_array_equal(tops[others["basin 0"]], peaks.basins[order])
    plain = values.astype(np.float64) if kind != "times" else values.astype(np.int64) * 1.0
    np.testing.assert_array_equal(others["value 0"].astype(float), plain[order])
    if kind in ("times", "long"):
        assert others["text 0"] == values[order].astype(str).tolist()
    assert len(others["x"]) == len(ids) - data["drawn"]
    np.testing.assert_allclose(others["probability 0"], order / (graph.num_nodes - 1), atol=1e-6)


def test_other_nodes_that_are_too_many_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr("graphmax.page.page_data.MOST_BYTES", 10_000)
    gm.report(*large(), tmp_path / "r.html")
    data = data_of(tmp_path / "r.html")
    assert len(page_of(tmp_path / "r.html").all("script")) == 2
    assert max(data["values"][0]["witness"]) < len(data["ids"])


def test_the_plain_table_has_saddles_and_groups(tmp_path):
    graph = gm.grid_graph((2, 3))
    gm.report(graph, [3, 1, 2, 0, 0, 1], tmp_path / "r.html", groups=[0, 0, 0, 1, 1, 1])
    page = page_of(tmp_path / "r.html")
    keys = [head["data-key"] for head in page.all("th")]
    assert keys[5:7] == ["key_saddle", "key_saddle_value"]
    assert keys[-1] == "group"
    rows = np.array(page.text("td")).reshape(-1, len(keys))
    assert rows[:, [0, 5, 6, 10]].tolist() == [
        ["0", "\u2013", "1", "0"],
        ["2", "1", "1", "0"],
        ["5", "\u2013", "0", "1"],
    ]


@pytest.mark.parametrize(
    ("values", "bins"),
    [
        ([0, 5e-324, 0], 40), ([1e308, -1e308, 0], 40), ([2.0**60, 2.0**60 + 999, 2.0**60], 40),
        ([1, 1 + 2e-16, 1], 40), ([3, 3, 3], 1), ([np.inf, 1, 2], 40), ([np.inf, np.nan, np.nan], 0),
    ],
)  # fmt: skip
def test_histograms_of_any_floats(tmp_path, values, bins):
    gm.report(gm.grid_graph(3), values, tmp_path / "r.html")
    histogram = data_of(tmp_path / "r.html")["values"][0]["histogram"]
    assert len(histogram["counts"]) == bins
    assert sum(histogram["counts"]) == np.isfinite(values).sum()


# --- bad luck


def test_open_shows_the_page(tmp_path, monkeypatch):
    shown, out = [], tmp_path / "a page.html"
    for answer in (True, False):
        monkeypatch.setattr("webbrowser.open", lambda url, a=answer: shown.append(url) or a)
        done = run(COUNTRIES, "--values", "gdp", "--out", out, "--open", "--force")
        assert done.exit_code == 0
        assert ("no browser could be started here; open file://" in done.stderr) is not answer
    assert shown == [out.as_uri()] * 2


@pytest.mark.parametrize("radius", [np.inf, 1.7e308, 5e-324])
def test_a_radius_at_the_end_of_the_scale(tmp_path, radius):
    graph = gm.Graph.from_edges([0, 1], [1, 2], weights=[1.0, 2.0])
    out = tmp_path / "r.html"
    if radius == np.inf:
        with pytest.raises(ValueError, match="`radius` must be finite on a page"):
            gm.report(graph, [1, 3, 2], out, radius=radius)
        assert not out.exists()
        return
    gm.report(graph, [1, 3, 2], out, radius=radius)
    assert data_of(out)["meta"]["rule"]["radius"] == radius


def test_bad_outputs_and_attributes_are_refused(tmp_path):
    done = run(COUNTRIES, "--values", "gdp", "--out", tmp_path)
    assert done.exit_code == 2
    assert f"`--out` must name a file, got the folder {tmp_path}" in done.stderr
    (tmp_path / "old.html").write_text("old")
    done = run(COUNTRIES, "--values", "gdp", "--out", tmp_path / "old.html")
    assert (done.exit_code, (tmp_path / "old.html").read_text()) == (2, "old")
    edges = tmp_path / "edges.csv"
    edges.write_text("src,dst\na,b\nb,c\n")
    done = run(edges, "--values", "height", "--out", tmp_path / "new.html")
    assert done.exit_code == 2
    assert "`--values` must name a node attribute, got 'height'" in done.stderr
    assert "degree" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["edges.csv", "old.html"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are those of POSIX")
@pytest.mark.parametrize("room", [0, 4096, 200_000])
def test_a_full_disk_leaves_what_was_there(tmp_path, room):
    out = tmp_path / "r.html"
    out.write_text("old")
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room})); "
        "from graphmax.cli import main; main()"
    )
    words = ["report", COUNTRIES, "--values", "gdp", "--out", str(out), "--force"]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, env=environment,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


# --- names


def test_people_read_names_where_the_graph_has_some(tmp_path):
    names = ["Ann", "Bob", "Ann", "Dan"]
    graph = gm.Graph.from_edges([0, 1, 2], [1, 2, 3], labels=["w", "x", "y", "z"])
    graph = graph.replace(
        attributes={"h": [1, 3, 2, 5], "who": names, "name": ["K", "L", "M", "N"]}
    )

    def ids(**options):
        gm.report(graph, "h", tmp_path / "page.html", force=True, **options)
        return data_of(tmp_path / "page.html")["ids"]

    assert ids() == ["K", "L", "M", "N"]
    assert ids(label="who") == ["Ann (w)", "Bob", "Ann (y)", "Dan"]
    assert ids(label="who", where={"w": True, "x": True, "y": True, "z": False})[0] == "Ann (w)"
    with pytest.raises(ValueError, match=r"`label` must be an attribute of the nodes, got 'whom'"):
        gm.report(graph, "h", tmp_path / "other.html", label="whom")
    assert not (tmp_path / "other.html").exists()
    gm.write_graph(graph, tmp_path / "people.graphml")
    page = tmp_path / "command.html"
    asked = [tmp_path / "people.graphml", "--values", "h", "--out", page, "--label", "who"]
    done = run(*asked)
    assert done.exit_code == 0, done.output
    assert data_of(page)["ids"] == ["Ann (w)", "Bob", "Ann (y)", "Dan"]
