"""The command line: answers, refusals, and what each command loads."""

import csv
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from graphmax.cli import app
from graphmax.files import read_graph, write_graph
from graphmax.graph import Graph
from graphmax.machine import dataset_path
from graphmax.maxima import isolation, local_maxima
from graphmax.peaks import find_peaks

COUNTRIES = str(dataset_path("countries/countries.graphml"))
# a - b - c - d - e and f alone; c - d is long; heights 1 5 2 3 3 0
EDGES = "src,dst,weight\na,b,1\nb,c,1\nc,d,5\nd,e,1\nd,e,2\na,a,1\n"
NODES = "id,height,depth,name\na,1,0.5,x\nb,5,,y\nc,2,1.5,z\nd,3,2.5,x\ne,3,2.0,y\nf,0,0.0,z\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "edges.csv").write_text(EDGES)
    (tmp_path / "nodes.csv").write_text(NODES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def ask(*arguments):
    done = run(*arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def strict_json(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def maxima(*options):
    told = strict_json(ask("peaks", "edges.csv", "--nodes", "nodes.csv", "--json", *options))
    return [row["label"] for row in told["maxima"]]


# --- known cases


def highest(label, value):
    """The row of a first peak of a component, but for its prominence and its basin."""
    return {
        "label": label, "value": value, "isolation": "Infinity", "nearest_higher": None,
        "key_saddle": None, "key_saddle_value": 0, "parent": None, "plateau_size": 1,
    }  # fmt: skip


def test_peaks_tells_value_isolation_and_the_nearest_higher_node(folder):
    told = strict_json(
        ask("peaks", "edges.csv", "--nodes", "nodes.csv", "--values", "height", "--json")
    )
    assert told["values"] == "height"
    assert (told["rule"]["ties"], told["rule"]["nan"]) == ("plateau", "omit")
    saddle = {"key_saddle": "c", "key_saddle_value": 2, "parent": "b"}
    flat = {"isolation": 2.0, "nearest_higher": "b", **saddle}
    assert told["maxima"] == [
        {**highest("b", 5), "prominence": 5.0, "basin_size": 3},
        {"label": "d", "value": 3, "prominence": 1.0, "basin_size": 2, "plateau_size": 2, **flat},
        {**highest("f", 0), "prominence": 0.0, "basin_size": 1},
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), ["b", "d", "f"]),
        (("--ties", "strict"), ["b", "f"]),
        (("--ties", "weak"), ["b", "d", "e", "f"]),
        (("--ties", "plateau"), ["b", "d", "f"]),
        (("--ties", "index"), ["b", "d", "f"]),
        (("--ties", "index", "--hops", "2"), ["b", "f"]),
        (("--ties", "index", "--radius", "5.5"), ["b", "d", "f"]),
        (("--no-isolated",), ["b", "d"]),
        (("--minima",), ["f", "a", "c"]),
        (("--min-height", "3"), ["b", "d"]),
        (("--by", "prominence", "--num-peaks", "2"), ["b", "d"]),
        (("--min-distance", "3"), ["b", "f"]),
        (("--min-distance", "7", "--metric", "weight"), ["b", "f"]),
        (("--src", "1", "--dst", "src", "--weight", "2", "--id", "id"), ["b", "d", "f"]),
        (("--directed", "--ties", "weak"), ["b", "d", "e", "a", "f"]),
        (("--directed", "--ties", "weak", "--direction", "out"), ["b", "d", "e", "f"]),
    ],
)
def test_every_option_reaches_the_rule(folder, options, expected):
    assert maxima("--values", "height", *options) == expected


def test_minima_tell_the_nearest_lower_node(folder):
    options = ("--nodes", "nodes.csv", "--values", "height", "--minima", "--json")
    told = strict_json(ask("peaks", "edges.csv", *options))["maxima"]
    assert told[-1] == {
        "label": "c", "value": 2, "isolation": 2.0, "nearest_lower": "a", "prominence": 3.0,
        "key_saddle": "b", "key_saddle_value": 5, "parent": "a", "basin_size": 3,
        "plateau_size": 1,
    }  # fmt: skip


def test_numbers_as_ids_and_an_empty_table(folder):
    (folder / "numbers.csv").write_text("7,9\n")
    (folder / "heights.csv").write_text("id,height\n7,1.5\n9,1.5\n")
    options = ("numbers.csv", "--nodes", "heights.csv", "--values", "height")
    none = (*options, "--ties", "strict")
    assert strict_json(ask("peaks", *none, "--json"))["maxima"] == []
    assert ask("peaks", *none) == "none\n"
    told = strict_json(ask("peaks", *options, "--ties", "index", "--json"))["maxima"]
    assert told == [{"label": 7, "value": 1.5, "isolation": "Infinity", "nearest_higher": None}]
    ask("peaks", *options, "--ties", "index", "--out", "peaks.csv")
    assert (folder / "peaks.csv").read_text().splitlines()[1].startswith("7,1.5,inf,")


def test_ids_are_printed_without_separators_and_values_with_them(folder):
    (folder / "numbers.csv").write_text("70000,90000\n")
    (folder / "heights.csv").write_text("id,height\n70000,123456\n90000,9007199254740993\n")
    printed = ask("peaks", "numbers.csv", "--nodes", "heights.csv", "--values", "height")
    cells = [part.strip() for part in printed.splitlines()[3].strip("│").split("│")]
    assert cells[:4] == ["90000", "9,007,199,254,740,993", "Infinity", "-"]
    assert cells[4:] == ["9,007,199,254,617,537", "-", "-", "2"]


def test_an_attribute_with_several_numbers_a_node_is_refused(folder):
    graph = Graph.from_edges([0], [1], attributes={"places": np.zeros((2, 3))})
    write_graph(graph, folder / "places.npz")
    done = run("peaks", "places.npz", "--values", "places")
    assert done.exit_code == 2
    assert "`--values` must have shape (num_nodes,)" in done.stderr
    done = run("label", "places.npz", "--values", "places")
    assert "one number per node, got 'places' with 3" in done.stderr
    assert "(3,)" in ask("info", "places.npz")


def test_nodes_without_a_value_may_be_left_out(folder):
    assert maxima("--values", "depth") == ["d", "a", "f"]
    assert maxima("--values", "height", "--nan", "raise", "--ties", "strict") == ["b", "f"]


def test_peaks_prints_a_table_highest_first(folder):
    lines = ask(
        "peaks", "edges.csv", "--nodes", "nodes.csv", "--values", "height", "--ties", "weak"
    )
    cells = [line.strip("│ ").split() for line in lines.splitlines() if line.startswith("│")]
    assert cells[0][0] == "b"
    assert [row[0] for row in cells] == ["b", "d", "e", "f"]


def test_top_shortens_the_table_and_says_so(folder):
    options = ("--nodes", "nodes.csv", "--values", "height", "--ties", "weak")
    lines = ask("peaks", "edges.csv", *options, "--top", "1").splitlines()
    assert lines[-1].startswith("... and 3 more")
    assert "more" not in ask("peaks", "edges.csv", *options, "--top", "0")


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_peaks_writes_its_table(folder, ending):
    out = f"peaks.{ending}"
    options = ("--nodes", "nodes.csv", "--values", "height", "--ties", "index")
    done = run("peaks", "edges.csv", *options, "--out", out)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.splitlines()[-1] == f"3 rows written to {out}"
    assert (folder / out).stat().st_size > 0


def test_the_written_table_holds_every_row(folder):
    ask("peaks", COUNTRIES, "--values", "gdp", "--top", "1", "--out", "peaks.csv")
    with (folder / "peaks.csv").open(encoding="utf-8", newline="") as lines:
        table = list(csv.DictReader(lines))
    assert len(table) == 42
    assert list(table[0]) == [
        "label", "value", "isolation", "nearest_higher", "prominence", "key_saddle",
        "key_saddle_value", "parent",
        "basin_size", "plateau_size",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words", [("peaks", "--out"), ("peaks", "--plot"), ("label", "--out"), ("report", "--out")]
)
def test_what_is_read_is_not_written_over(folder, words):
    command, option = words
    (folder / "link.csv").symlink_to("edges.csv")
    (folder / "hard.csv").hardlink_to(folder / "nodes.csv")
    for name in ("edges.csv", "nodes.csv", "./edges.csv", "link.csv", "hard.csv"):
        done = run(command, "edges.csv", "--nodes", "nodes.csv", "--values", "height", option, name)
        assert done.exit_code == 2
        assert f"`{option}` must be another file than the one that is read" in done.stderr
    assert (folder / "edges.csv").read_text() == EDGES
    assert (folder / "nodes.csv").read_text() == NODES


@pytest.mark.parametrize("words", [("peaks", "--out"), ("label", "--out"), ("convert", "OUT")])
def test_a_table_of_nodes_beside_is_read_too(folder, words):
    (folder / "nodes.csv").rename(folder / "edges.nodes.csv")
    command, option = words
    ask = ("--values", "height", option) if option == "--out" else ()
    done = run(command, "edges.csv", *ask, "edges.nodes.csv")
    assert done.exit_code == 2
    assert f"`{option}` must be another file than the one that is read" in done.stderr
    assert (folder / "edges.nodes.csv").read_text() == NODES


def test_convert_writes_two_tables_and_both_are_others(folder):
    (folder / "a.csv").write_text(EDGES)
    (folder / "b.nodes.csv").write_text(NODES)
    done = run("convert", "a.csv", "b.csv", "--nodes", "b.nodes.csv")
    assert done.exit_code == 2
    assert "`OUT` must be another file than the one that is read" in done.stderr
    assert (folder / "b.nodes.csv").read_text() == NODES


@pytest.mark.parametrize("command", ["score", "report", "train"])
def test_a_detector_is_not_written_over(folder, command):
    (folder / "model").mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / "model" / name).write_text(EDGES)
    words = {
        "score": ("edges.csv", "--model", "model", "--out", "model/config.json"),
        "report": ("edges.csv", "--values", "h", "--model", "model", "--out", "model/config.json"),
        "train": ("model/config.json", "--values", "h", "--labels", "y", "--out", "model"),
    }
    done = run(command, *words[command])
    assert done.exit_code == 2
    assert "`--out` must be another file than the one that is read" in done.stderr
    assert (folder / "model" / "config.json").read_text() == EDGES


def test_peaks_draws_a_picture(folder):
    ask("peaks", "edges.csv", "--nodes", "nodes.csv", "--values", "height", "--plot", "peaks.png")
    assert (folder / "peaks.png").read_bytes().startswith(b"\x89PNG")


def test_label_writes_ids_and_answers(folder):
    options = ("--nodes", "nodes.csv", "--values", "height")
    ask("label", "edges.csv", *options, "--out", "labels.csv")
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as lines:
        table = {row["id"]: row["is_maximum"].lower() for row in csv.DictReader(lines)}
    assert table == {name: str(name in "bf").lower() for name in "abcdef"}


def test_label_prints_what_it_would_write(folder):
    options = ("edges.csv", "--nodes", "nodes.csv", "--values", "height")
    ask("label", *options, "--out", "labels.csv")
    assert ask("label", *options) == (folder / "labels.csv").read_text()
    told = strict_json(ask("label", *options, "--json"))["labels"]
    assert [row["id"] for row in told if row["is_maximum"]] == ["b", "f"]


def test_info_counts(folder):
    told = strict_json(ask("info", "edges.csv", "--nodes", "nodes.csv", "--json"))
    attributes = {row.pop("attribute"): row for row in told.pop("attributes")}
    assert told.pop("reading")["source"] == "column 1 'src'"
    assert told == {
        "file": "edges.csv",
        "nodes": 6,
        "edges": 4,
        "directed": False,
        "weighted": True,
        "components": 2,
        "dropped_self_loops": 1,
        "dropped_repeats": 1,
        "measures": ["degree", "strength", "core_number", "clustering"],
    }
    height = attributes["height"]
    assert height["dtype"].startswith("int")
    assert (height["missing"], height["ties"], height["maxima"]) == (0, 2, 2)
    assert height["expected_if_shuffled"] == pytest.approx(1 / 2 + 1 / 3 * 3 + 1 / 2 + 1, abs=0.05)
    depth = attributes["depth"]
    assert (depth["missing"], depth["ties"], depth["maxima"]) == (1, 0, 3)
    assert depth["expected_if_shuffled"] == pytest.approx(1 + 1 / 2 + 1 / 3 + 1 / 2 + 1, abs=0.05)
    assert attributes["name"] == {
        "dtype": "text",
        "missing": 0,
        "ties": None,
        "maxima": None,
        "expected_if_shuffled": None,
    }


def test_info_prints_tables(folder):
    printed = ask("info", "edges.csv", "--nodes", "nodes.csv")
    assert "dropped self loops" in printed
    assert "height" in printed


def test_names_with_markup_and_other_scripts_are_printed_as_they_are(folder):
    graph = nx.Graph([("[bold]Ωmega[/bold]", "日本")])
    nx.set_node_attributes(graph, {"[bold]Ωmega[/bold]": 2, "日本": 1}, "h")
    nx.write_graphml(graph, folder / "names.graphml")
    assert "[bold]Ωmega[/bold]" in ask("peaks", "names.graphml", "--values", "h")


# --- agreement with the library


@pytest.mark.parametrize("options", [{}, {"hops": 2}, {"hops": 3, "isolated": False}])
@pytest.mark.parametrize("attribute", ["gdp", "population"])
def test_peaks_of_the_countries_equal_the_library(options, attribute):
    flags = ["--no-isolated"] if "isolated" in options else []
    flags += ["--hops", options["hops"]] if "hops" in options else []
    told = strict_json(ask("peaks", COUNTRIES, "--values", attribute, "--json", *flags))
    graph = read_graph(COUNTRIES)
    mask = local_maxima(graph, attribute, **options)
    nearest = isolation(graph, attribute)
    order = np.argsort(-graph.attributes[attribute], kind="stable")
    expected = [
        {
            "label": graph.label_of(node),
            "value": int(graph.attributes[attribute][node]),
            "isolation": nearest.distance[node] if nearest.witness[node] >= 0 else "Infinity",
            "nearest_higher": graph.label_of(witness) if witness >= 0 else None,
        }
        for node in order[mask[order]]
        for witness in [nearest.witness[node]]
    ]
    shared = list(expected[0])
    assert [{name: row[name] for name in shared} for row in told["maxima"]] == expected


def test_peaks_tells_prominence_saddle_parent_and_basin():
    options = ("--values", "gdp", "--hops", "2", "--no-isolated", "--json")
    told = strict_json(ask("peaks", COUNTRIES, *options))["maxima"]
    graph = read_graph(COUNTRIES)
    peaks = find_peaks(graph, "gdp", 2, isolated=False)
    assert [row["prominence"] for row in told] == peaks.prominence.tolist()
    assert [row["basin_size"] for row in told] == peaks.basin_size.tolist()
    for name in ("key_saddle", "parent"):
        nodes = getattr(peaks, name)
        expected = [graph.label_of(node) if node >= 0 else None for node in nodes]
        assert [row[name] for row in told] == expected


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--min-prominence", "1000000"), 9),
        (("--min-isolation", "4"), 8),
        (("--num-peaks", "3"), 3),
        (("--min-prominence", "1000000", "--min-isolation", "4", "--num-peaks", "2"), 2),
    ],
)
def test_peaks_may_be_left_out(options, count):
    told = strict_json(
        ask("peaks", COUNTRIES, "--values", "gdp", "--no-isolated", "--json", *options)
    )
    assert len(told["maxima"]) == count


def test_a_plateau_is_one_row(folder):
    options = ("--nodes", "nodes.csv", "--values", "height", "--ties", "plateau")
    told = strict_json(ask("peaks", "edges.csv", *options, "--json"))["maxima"]
    assert [row["plateau_size"] for row in told] == [1, 2, 1]
    assert "plateau" in ask("peaks", "edges.csv", *options)
    strict = ask("peaks", "edges.csv", *options[:-1], "strict")
    assert "plateau" not in strict


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--min-prominence", "-1"), "`--min-prominence` must be at least 0, got -1.0"),
        (("--min-isolation", "-1"), "`--min-isolation` must be at least 0, got -1.0"),
        (("--num-peaks", "0"), "`--num-peaks` must be at least 1, got 0; leave it out to keep all"),
        (("--num-peaks", "1", "--ties", "weak"), "`--ties` must be 'plateau' or 'strict'"),
        (("--num-peaks", "1", "--directed"), "pass --direction both to drop the arrows"),
    ],
)
def test_filters_are_refused(folder, options, told):
    done = run("peaks", "edges.csv", "--nodes", "nodes.csv", "--values", "height", *options)
    assert done.exit_code == 2
    assert told in done.stderr


# --- the demo

POWERS = [
    "China", "United States of America", "Germany", "Brazil", "Indonesia", "United Kingdom",
    "South Korea", "Saudi Arabia", "Turkey", "Thailand", "Egypt", "Nigeria", "South Africa",
    "Algeria", "Sweden", "Romania", "Angola", "Dominican Rep.", "Ghana", "Senegal", "Cyprus",
]  # fmt: skip


def test_demo_names_the_regional_powers(folder):
    powers = strict_json(ask("demo", "--json"))["regional_powers"]
    assert [row["label"] for row in powers["maxima"]] == POWERS
    assert powers["countries"] == 156
    assert powers["expected_if_shuffled"] == 37.9


def test_demo_prints_a_table_and_leaves_a_picture(folder):
    printed = ask("demo")
    assert [name for name in POWERS if name not in printed] == []
    assert "21 of 156 countries with a land border" in printed
    assert "Try next:" in printed
    shown = Path(__file__).parents[1] / "docs" / "pictures" / "demo.png"  # the README has it
    drawn, kept = (np.asarray(Image.open(path)) for path in (folder / "graphmax-demo.png", shown))
    assert drawn.shape == kept.shape
    assert np.abs(drawn.astype(int) - kept).mean() < 0.5


def test_demo_draws_where_it_is_told(folder):
    (folder / "pictures").mkdir()
    ask("demo", "--out", "pictures")
    names = sorted(path.name for path in (folder / "pictures").iterdir())
    assert names == ["graphmax-demo.html", "graphmax-demo.png"]


def test_what_the_demo_suggests_can_be_run(folder):
    lines = ask("demo").partition("Try next:\n")[2].splitlines()
    assert len(lines) == 3
    for line in lines:
        name, *arguments = next(csv.reader([line.strip()], delimiter=" "))
        assert name == "graphmax"
        assert ask(*arguments) != "" or (folder / "labels.csv").exists()


# --- refusals

REFUSALS = [
    (("info", "nowhere.csv"), "nowhere.csv"),
    (("info", "."), "a folder"),
    (("info", "empty.csv"), "an empty file"),
    (("info", "binary.csv"), "a NUL byte"),
    (("info", "graph.xyz"), r"must end in one of .*\.csv.*, got the ending \.xyz"),
    (("info", "short.csv.gz"), "a truncated file"),
    (("info", "entities.graphml"), "(?i)dtd|doctype|entit"),
    (("info", "edges.csv", "--nodes", "nowhere.csv"), "nowhere.csv"),
    (("peaks", "edges.csv", "--nodes", "nodes.csv", "--values", "hight"), "'hight'.*'height'"),
    (("peaks", "edges.csv", "--values", "no such"), "`--values` must name a node attribute"),
    (("peaks", "edges.csv", "--nodes", "nodes.csv", "--values", "name"), "name"),
    (("label", "edges.csv", "--nodes", "nodes.csv", "--values", "depth"), "--nan omit"),
    (("peaks", COUNTRIES, "--values", "gdp", "--hops", "0"), "`--hops` must be at least 1, got 0"),
    (
        ("peaks", COUNTRIES, "--values", "gdp", "--hops", "1", "--radius", "2"),
        "`--hops` and `--radius` must not be given together",
    ),
    (("peaks", COUNTRIES, "--values", "gdp", "--radius", "2"), "weights"),
    (("peaks", COUNTRIES, "--values", "gdp", "--radius", "-1"), "`--radius` must be above 0"),
    (
        ("label", COUNTRIES, "--values", "gdp", "--ties", "loose"),
        "`--ties` must be one of 'strict'",
    ),
    (("label", COUNTRIES, "--values", "gdp", "--nan", "drop"), "`--nan` must be one of 'raise'"),
    (("label", COUNTRIES, "--values", "gdp", "--direction", "up"), "`--direction` must be one of"),
    (("label", COUNTRIES, "--values", "gdp", "--out", "labels.xlsx"), r"\.csv"),
    (("label", COUNTRIES, "--values", "gdp", "--out", "nowhere/labels.csv"), "nowhere"),
    (("peaks", COUNTRIES, "--values", "gdp", "--plot", "peaks.xyz"), "xyz"),
    (("demo", "--out", "nowhere"), "nowhere"),
]


@pytest.fixture
def bad_files(folder):
    (folder / "empty.csv").write_bytes(b"")
    (folder / "binary.csv").write_bytes(b"\x7fELF\0\0\1\2\n\0\3")
    (folder / "graph.xyz").write_text(EDGES)
    (folder / "short.csv.gz").write_bytes(gzip.compress(EDGES.encode() * 99)[:-20])
    (folder / "entities.graphml").write_text(
        '<?xml version="1.0"?><!DOCTYPE graphml [<!ENTITY a "b">]><graphml>&a;</graphml>'
    )
    return folder


@pytest.mark.parametrize(("arguments", "message"), REFUSALS, ids=lambda part: str(part)[:60])
def test_refusals(bad_files, arguments, message):
    before = sorted(path.name for path in bad_files.iterdir())
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    told = ("compiling", ": source = ")  # how a table was read
    lines = [line for line in done.stderr.splitlines() if not any(t in line for t in told)]
    assert len(lines) == 1, lines
    assert lines[0].startswith("graphmax: ")
    with pytest.raises(ValueError, match=message):
        raise ValueError(lines[0])
    assert sorted(path.name for path in bad_files.iterdir()) == before


def test_a_refusal_leaves_the_old_output(folder):
    (folder / "labels.csv").write_text("old")
    done = run("label", "edges.csv", "--values", "no such", "--out", "labels.csv")
    assert done.exit_code == 2
    assert (folder / "labels.csv").read_text() == "old"


@pytest.mark.parametrize("arguments", [("peaks",), ("peaks", "edges.csv"), ("fly",)])
def test_wrong_usage(folder, arguments):
    done = run(*arguments)
    assert done.exit_code == 2
    assert "Usage" in done.stderr


# --- as a program


def program(*arguments, **options):
    command = [sys.executable, "-m", "graphmax", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=250, **options)


def test_bad_input_exits_with_2_and_one_sentence(folder):
    done = program("peaks", "nowhere.csv", "--values", "height", cwd=folder)
    assert done.returncode == 2
    assert done.stdout == ""
    # On a new machine a line that tells of compiling comes first.
    *_, sentence = done.stderr.splitlines()
    assert sentence == "graphmax: `FILE` must name an existing file, got nowhere.csv"
    assert "Traceback" not in done.stderr


def test_success_exits_with_0(folder):
    done = program("peaks", "edges.csv", "--nodes", "nodes.csv", "--values", "height", cwd=folder)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "│ b " in done.stdout


def test_a_reader_that_goes_away_is_no_bad_input(folder):
    edges = "".join(f"{i},{i + 1}\n" for i in range(30_000))
    heights = "".join(f"{i},{i % 7}\n" for i in range(30_001))
    (folder / "many.csv").write_text("src,dst\n" + edges)
    (folder / "heights.csv").write_text("id,height\n" + heights)
    command = [sys.executable, "-m", "graphmax", "label", "many.csv", "--nodes", "heights.csv"]
    with subprocess.Popen(
        [*command, "--values", "height"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder
    ) as writer:
        writer.stdout.readline()
        writer.stdout.close()
        told = writer.stderr.read().decode()
    assert writer.returncode != 2
    assert "Traceback" not in told


WITHOUT_TORCH = """
import sys
from graphmax.cli import app
try:
    app({arguments!r})
except SystemExit as stop:
    assert not stop.code, stop.code
heavy = {heavy!r} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], {"torch", "numba", "numpy", "networkx", "matplotlib"}),
        (["peaks", "--help"], {"torch", "networkx", "matplotlib", "pandas"}),
        (["info", COUNTRIES], {"torch", "matplotlib", "pandas"}),
        (
            ["peaks", COUNTRIES, "--values", "gdp"],
            {"torch", "matplotlib", "pandas"},
        ),
        (
            ["label", COUNTRIES, "--values", "gdp"],
            {"torch", "matplotlib", "pandas"},
        ),
    ],
    ids=lambda part: part[0] if isinstance(part, list) else "",
)
def test_commands_load_only_what_they_need(arguments, heavy):
    script = WITHOUT_TORCH.format(arguments=arguments, heavy=heavy)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=250
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [[], ["info"], ["peaks"], ["label"], ["demo"]])
def test_help(command):
    assert "Usage" in ask(*command, "--help")


def test_version():
    from importlib.metadata import version

    assert ask("--version") == f"graphmax {version('graphmax')}\n"


# --- what stands on stderr

COMPILE = """
import numpy as np
from graphmax.cli.output import announcing
from graphmax.kernels.ball import plateau_of
from graphmax.kernels.search import plateaus
indptr, indices = np.array([0, 1, 2]), np.array([1, 0], np.int32)
key, nobody = np.zeros(2, np.int64), np.zeros(0, np.bool_)
with announcing():
    print(plateaus(indptr, indices, key, nobody), plateau_of(indptr, indices, key, nobody, 1)[0])
"""


def test_compilation_is_announced_once_whatever_is_compiled(tmp_path):
    env = {**os.environ, "NUMBA_DISABLE_JIT": "0", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE], capture_output=True, text=True, timeout=250, env=env
    )
    assert done.stdout == "[0 0] [1 0]\n"
    assert done.stderr.splitlines()[0].startswith("graphmax: compiling")
    assert done.stderr.count("compiling loops") == 1


@pytest.mark.slow
def test_only_the_first_call_compiles(tmp_path):
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    told = [program("peaks", COUNTRIES, "--values", "gdp", env=env).stderr for _ in range(2)]
    assert "compiling" in told[0]
    assert told[1] == ""


SHOW_PROGRESS = """
import time
from graphmax.cli import output
from graphmax.kernels.compiled import tell
output.PATIENCE = {patience}
with output.progress("reading edges.csv"):
    time.sleep(0.3)
    tell("searching", 1, 2)
    time.sleep(0.3)
"""


def told_to_a_terminal(script):
    import pty

    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen([sys.executable, "-c", script], stderr=theirs, env=env) as process:
        os.close(theirs)
        told = b""
        try:
            while part := os.read(ours, 65536):
                told += part
        except OSError:  # the other end was closed
            pass
        os.close(ours)
    assert process.returncode == 0
    return told.decode()


def test_long_work_tells_a_terminal_how_far_it_is():
    told = told_to_a_terminal(SHOW_PROGRESS.format(patience=0.01))
    assert "reading edges.csv" in told
    assert "searching" in told


def test_short_work_and_files_get_no_progress():
    assert told_to_a_terminal(SHOW_PROGRESS.format(patience=60)).strip() == ""
    script = SHOW_PROGRESS.format(patience=0.01)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=250)
    assert (done.returncode, done.stderr) == (0, b"")
