"""What the README shows is what happens."""

import doctest
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphmax.cli import app
from graphmax.shipped_data import dataset_path

HOME = Path(__file__).parents[1]
PAGES = {
    page.relative_to(HOME).as_posix(): re.findall(
        r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    for page in [HOME / "README.md", *sorted((HOME / "docs").glob("**/*.md"))]
    if "gallery" not in page.parts
}
BLOCKS = PAGES["README.md"]
CONSOLE = [text for blocks in PAGES.values() for kind, text in blocks if kind == "console"]
LINKS = [
    (page, target)
    for page in PAGES
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", (HOME / page).read_text(encoding="utf-8"))
]


def test_the_first_block_holds_the_two_set_up_commands():
    assert BLOCKS[0][1].splitlines() == [
        "pip install -c constraints.txt . && graphmax demo",
        'pip install -c constraints.txt ".[test]" && pytest',
    ]


@pytest.mark.parametrize("page", PAGES)
def test_python(page, tmp_path, monkeypatch):
    (tmp_path / "datasets").symlink_to(dataset_path("countries").parent)
    monkeypatch.chdir(tmp_path)
    code = "\n".join(text for kind, text in PAGES[page] if kind == "python")
    test = doctest.DocTestParser().get_doctest(code, {}, page, page, 0)
    failures: list[str] = []
    doctest.DocTestRunner().run(test, out=failures.append)
    assert failures == []


def test_the_front_page_is_short():
    assert len((HOME / "README.md").read_text(encoding="utf-8").splitlines()) <= 160


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_links_inside_lead_somewhere(page, target):
    assert (HOME / page).parent.joinpath(target).exists()


@pytest.mark.parametrize("text", CONSOLE, ids=lambda text: text.splitlines()[0])
def test_commands(text, tmp_path, monkeypatch):
    (tmp_path / "datasets").symlink_to(dataset_path("countries").parent)
    monkeypatch.chdir(tmp_path)
    command, _, shown = text.partition("\n")
    name, *arguments = shlex.split(command.removeprefix("$ "))
    assert name == "graphmax"
    done = CliRunner().invoke(app, arguments)
    printed = [line for line in done.output.splitlines() if "compiling" not in line]
    assert printed == shown.splitlines()


def test_the_table_of_formats_is_that_of_the_registry():
    from graphmax.files.formats import format_table

    assert format_table() in (HOME / "docs" / "files.md").read_text(encoding="utf-8")


def test_the_tie_rules_are_those_of_the_example(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    script = Path(__file__).parents[1] / "examples" / "ties_and_plateaus.py"
    exec(compile(script.read_text(encoding="utf-8"), script, "exec"), {})
    shown = next(text for kind, text in PAGES["docs/definition.md"] if kind == "text")
    assert capsys.readouterr().out.startswith(shown)
