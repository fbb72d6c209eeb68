"""What a release says of itself is the same everywhere."""

import re
import tomllib
from pathlib import Path

import pytest

import graphmax

HOME = Path(__file__).parents[1]
PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("CITATION.cff", r"^version: (.+)$"),
        ("README.md", r"^  version = \{(.+)\},$"),
        ("CHANGELOG.md", r"\A(?:(?!^## ).*\n)*## (\S+)"),
    ],
)
def test_the_version(file, pattern):
    text = (HOME / file).read_text(encoding="utf-8")
    assert re.search(pattern, text, re.MULTILINE)[1] == PROJECT["version"] == graphmax.__version__


def test_actions_of_others_are_pinned_by_hash():
    used = [
        line.strip()
        for path in (HOME / ".github" / "workflows").glob("*.yml")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "uses:" in line
    ]
    assert used
    assert [line for line in used if not re.search(r"@[0-9a-f]{40} # v\d", line)] == []


def test_every_python_that_is_tested_is_named():
    text = (HOME / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    tested = re.findall(r'"(3\.\d+)"', re.search(r"python: \[(.*)\]", text)[1])
    prefix = "Programming Language :: Python :: 3."
    named = [name for name in PROJECT["classifiers"] if name.startswith(prefix)]
    assert named == [f"Programming Language :: Python :: {version}" for version in tested]
    assert PROJECT["requires-python"] == f">={tested[0]}"
