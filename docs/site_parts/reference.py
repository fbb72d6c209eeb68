"""Reference pages that are made from the code: help of the commands, keys of a recipe."""

import os
from collections.abc import Mapping
from pathlib import Path

import typer
from typer.testing import CliRunner

from graphmax.cli import app
from graphmax.datasets.hard_examples import ATTRIBUTES, FAMILIES, Choice
from graphmax.machine import dataset_path


def write_pages(folder: Path) -> None:
    """Write both pages."""
    folder.mkdir(exist_ok=True)
    (folder / "commands.rst").write_text(command_page(), encoding="utf-8")
    (folder / "recipes.rst").write_text(recipe_page(), encoding="utf-8")


def command_page() -> str:
    """Show the help of every command."""
    lines = _title("Commands", "=")
    lines += ["What ``graphmax COMMAND --help`` prints.", ""]
    for name in typer.main.get_command(app).commands:
        lines += [*_title(f"graphmax {name}", "-"), ".. code-block:: text", ""]
        lines += [f"   {line.rstrip()}" for line in help_of(name).splitlines()] + [""]
    return "\n".join(lines)


def help_of(name: str) -> str:
    """Return the help of a command, a hundred letters wide and without colors."""
    plain = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    return CliRunner().invoke(app, [name, "--help"], env=plain).output


def recipe_page() -> str:
    """Tell every key of a recipe, with the families and attributes that there are."""
    recipe = dataset_path("fields/recipe.toml").read_text(encoding="utf-8")
    return "\n".join(
        [
            *_title("Recipes of labelled sets", "="),
            "A recipe is a TOML file; ``graphmax generate my.toml --out FOLDER`` makes its set. At",
            "the top stand ``name``, ``version``, ``seed`` and, if you like, ``about``. ``[rule]``",
            "holds fields of `graphmax.Rule`. ``[[train]]``, ``[[validation]]`` and ``[[test]]``",
            "are groups of graphs: how many (``graphs``), their fewest and most nodes",
            "(``num_nodes``), the family (``graph``), the ``attribute``, and the deviation of the",
            "``noise`` that is added before it is shown.",
            "",
            *_title("Families of graphs", "-"),
            *_choices(FAMILIES),
            *_title("Kinds of attributes", "-"),
            *_choices(ATTRIBUTES),
            *_title("The recipe of the set fields", "-"),
            ".. code-block:: toml",
            "",
            *[f"   {line}".rstrip() for line in recipe.splitlines()],
            "",
        ]
    )


def _title(text: str, line: str) -> list[str]:
    return [text, line * len(text), ""]


def _choices(choices: Mapping[str, Choice]) -> list[str]:
    lines = []
    for name, choice in choices.items():
        options = [
            f"``{option}`` ({kind.__name__}, {'required' if default is None else default})"
            for option, (kind, default) in choice.options.items()
        ]
        lines.append(f"- ``{name}``: {', '.join(options) or 'no options'}")
    return [*lines, ""]
