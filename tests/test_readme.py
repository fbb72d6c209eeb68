"""What the README shows is what happens."""

import doctest
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphmax.cli import app
from graphmax.shipped_data import dataset_path

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
CONSOLE = [text for kind, text in BLOCKS if kind == "console"]


def test_the_first_block_holds_the_two_set_up_commands():
    assert BLOCKS[0][1].splitlines() == [
        "pip install -c constraints.txt . && graphmax demo",
        'pip install -c constraints.txt ".[test]" && pytest',
    ]


def test_python():
    code = "\n".join(text for kind, text in BLOCKS if kind == "python")
    test = doctest.DocTestParser().get_doctest(code, {}, "README", "README.md", 0)
    failures: list[str] = []
    results = doctest.DocTestRunner().run(test, out=failures.append)
    assert results.attempted > 5
    assert failures == []


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


def test_the_tie_rules_are_those_of_the_example(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    script = Path(__file__).parents[1] / "examples" / "ties_and_plateaus.py"
    exec(compile(script.read_text(encoding="utf-8"), script, "exec"), {})
    shown = next(text for kind, text in BLOCKS if kind == "text")
    assert capsys.readouterr().out.startswith(shown)
