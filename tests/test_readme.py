"""What the README shows is what happens."""

import doctest
import json
import re
import shlex
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import spark_session
from typer.testing import CliRunner

import graphmax as gm
from graphmax.cli import app
from graphmax.machine import dataset_path

HOME = Path(__file__).parents[1]
PAGES = {
    page.relative_to(HOME).as_posix(): re.findall(
        r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    for page in [
        HOME / "README.md",
        HOME / "CONTRIBUTING.md",
        *sorted((HOME / "docs").glob("**/*.md")),
    ]
    if "gallery" not in page.parts
}
BLOCKS = PAGES["README.md"]
CONSOLE = [text for blocks in PAGES.values() for kind, text in blocks if kind == "console"]
LINES = {
    line.partition("  #")[0].strip(): page
    for page, blocks in PAGES.items()
    for kind, text in blocks
    if kind == "sh"
    for line in text.splitlines()
    if line.partition("#")[0].strip()
}
LINKS = [
    (page, target)
    for page in PAGES
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", (HOME / page).read_text(encoding="utf-8"))
]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Stand in a folder that holds the files that the pages speak of."""
    shutil.copytree(dataset_path("countries").parent, tmp_path / "datasets")  # commands write there
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(HOME)  # for `python -m tests.experiments...`
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        grid = gm.grid_graph((4, 5))
        height = rng.permutation(20)
        columns = {"height": height, "peak": np.asarray(gm.local_maxima(grid, height))}
        gm.write_graph(grid.replace(attributes=columns, positions=None), f"{name}.graphml")
    grid = gm.grid_graph((20, 20))
    field = gm.generators.gaussian_field(grid, 0.3, 2, generator=rng)
    noisy = grid.replace(attributes={"y": field / field.std() + 0.3 * rng.normal(size=400)})
    gm.write_graph(noisy.replace(positions=None), "noisy.graphml")
    (tmp_path / "city.csv").write_text("source,target\n0,1\n1,2\n")
    (tmp_path / "city.nodes.csv").write_text("id,height\n0,1\n1,3\n2,2\n")
    edges = pd.DataFrame({"src": [0, 1, 2, 3], "dst": [1, 2, 3, 4]})
    nodes = pd.DataFrame({"id": range(5), "visits": [1, 4, 2, 3, 5]})
    for table, name in ((edges, "edges"), (nodes, "nodes")):
        table.to_parquet(f"{name}.parquet")
        (tmp_path / name).mkdir()
        table.to_parquet(f"{name}/0.parquet")
    nodes.to_csv("nodes.csv", index=False)
    (tmp_path / "parts").mkdir()
    edges.to_csv("parts/0.csv", index=False)
    return tmp_path


def run(line):
    """Run one command of graphmax as a shell would; its exit status and what it prints."""
    name, *arguments = shlex.split(line)
    assert name == "graphmax"
    done = CliRunner().invoke(app, arguments)
    return done.exit_code, [each for each in done.output.splitlines() if "compiling" not in each]


def test_the_first_block_holds_the_two_set_up_commands():
    assert BLOCKS[0][1].splitlines() == [
        "pip install -c constraints.txt . && graphmax demo",
        'pip install -c constraints.txt ".[test]" && pytest',
    ]


@pytest.mark.parametrize("page", PAGES)
def test_python(page, files):
    blocks = [text for kind, text in PAGES[page] if kind == "python"]
    code = "\n".join(text for text in blocks if text.startswith(">>> "))
    test = doctest.DocTestParser().get_doctest(code, {}, page, page, 0)
    failures: list[str] = []
    doctest.DocTestRunner().run(test, out=failures.append)
    assert failures == []


def test_every_block_is_of_a_kind_that_is_run():
    kinds = {"python", "console", "sh", "bash", "text", "bibtex"}
    for page, blocks in PAGES.items():
        assert {kind for kind, _ in blocks} <= kinds, page
        # Output of an example; a bash block is the tour of what developers run.
        texts = [kind for kind, _ in blocks if kind == "text"]
        assert not texts or page == "docs/definition.md", page
        assert "bash" not in {kind for kind, _ in blocks} or page == "CONTRIBUTING.md"


@spark_session.needs_spark
def test_jobs_for_a_cluster(files, monkeypatch):
    """They name a cluster's files; here their paths lead into this folder."""
    from pyspark.sql import SparkSession

    spark = spark_session.start()
    monkeypatch.setattr(SparkSession.builder, "getOrCreate", lambda: spark)
    jobs = [
        text
        for blocks in PAGES.values()
        for kind, text in blocks
        if kind == "python" and not text.startswith(">>> ")
    ]
    assert len(jobs) == 2
    for number, text in enumerate(jobs):
        assert "hdfs://name/graph" in text
        assert "spark" in text
        (files / str(number)).mkdir()
        for name in ("edges", "nodes"):
            (files / str(number) / name).symlink_to(files / name)
        names: dict[str, object] = {}
        exec(text.replace("hdfs://name/graph", str(files / str(number))), names)
        if "label" in names:
            names["label"](spark)
        written = pd.read_parquet(files / str(number) / "labels").sort_values("id")
        path = gm.Graph.from_edges(range(4), range(1, 5), directed="directed=True" in text)
        expected = gm.local_maxima(path, [1, 4, 2, 3, 5], 2)
        assert written.is_maximum.tolist() == expected.tolist()


def test_the_front_page_is_short():
    assert len((HOME / "README.md").read_text(encoding="utf-8").splitlines()) <= 160


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_links_inside_lead_somewhere(page, target):
    assert (HOME / page).parent.joinpath(target).exists()


@pytest.mark.parametrize("text", CONSOLE, ids=lambda text: text.splitlines()[0])
def test_commands_and_what_they_print(text, files):
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, shown = part.partition("\n")
        assert run(line)[1] == shown.splitlines()


@pytest.mark.parametrize("line", LINES)
def test_commands(line, files):
    if line.startswith("pip install "):
        # The set-up: `.ci/run` takes the second line from the README and runs it word for word.
        assert line in BLOCKS[0][1].splitlines()
    elif line.startswith("graphmax bench run"):  # hours: its options alone are looked at
        assert run(f"{line} --help")[0] == 0
    elif line.startswith("python -m "):
        assert find_spec(line.split()[2]) is not None
    else:
        if "--engine spark" in line and spark_session.LACKING:
            pytest.skip(spark_session.LACKING)
        prepare(line, files)
        status, printed = run(line.replace("FOLDER", "entry"))
        assert status == 0, printed


def prepare(line, files):
    """Make what a command needs that another one of its page would have made."""
    if "--model model" in line:
        train = "graphmax train a.graphml b.graphml --values height --labels peak --out model"
        assert run(f"{train} --hops 2" if "--engine stream" in line else train)[0] == 0
    if "bench table" in line:
        (files / "results").symlink_to(files / "datasets" / "peakbench" / "results")
    if "bench submit" in line:
        from graphmax import benchmark

        task = benchmark.load("real/countries")
        (files / "entry").mkdir()
        np.savez(files / "entry" / "seed-0.npz", **task.baselines["degree"])
        card = {"entry": "mine", "task": "real/countries", "parameters": 0, "budget": {"trials": 1}}
        card |= {"seeds": [0], "code": "https://example.org"}
        (files / "entry" / "card.json").write_text(json.dumps(card))


def test_the_tour_of_developers_names_what_is_there():
    (text,) = (text for kind, text in PAGES["CONTRIBUTING.md"] if kind == "bash")
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        for word in words:
            if word.startswith(("tests/", "docs/", ".ci/")):
                assert (HOME / word).exists(), line
        assert not words or "=" in words[0] or words[0] in (
            "python", "pip", "pytest", "ruff", "mypy", "lint-imports", "bash",
        ), line  # fmt: skip


def test_the_table_of_formats_is_that_of_the_registry():
    from graphmax.files.reading import format_table

    assert format_table() in (HOME / "docs" / "files.md").read_text(encoding="utf-8")


def test_the_tie_rules_are_those_of_the_example(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    script = Path(__file__).parents[1] / "examples" / "ties_and_plateaus.py"
    exec(compile(script.read_text(encoding="utf-8"), script, "exec"), {})
    shown = next(text for kind, text in PAGES["docs/definition.md"] if kind == "text")
    assert capsys.readouterr().out.startswith(shown)
