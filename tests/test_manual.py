"""The manual is complete, and Sphinx builds it without a warning."""

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import graphmax

HOME = Path(__file__).parents[1]
DOCS = HOME / "docs"
EXAMPLES = sorted((HOME / "examples").glob("*.py"))


@pytest.fixture
def site_parts(monkeypatch):
    """Import a part of the site as its build does."""
    monkeypatch.syspath_prepend(str(DOCS))
    return lambda name: import_module(f"site_parts.{name}")


def listed_names():
    """Return the names that the API page lists, module by module."""
    listed, home = {}, ""
    for line in (DOCS / "api.rst").read_text(encoding="utf-8").splitlines():
        if line.startswith(".. currentmodule:: "):
            home = line.split(":: ")[1]
        elif match := re.fullmatch(r"   (\w+)", line):
            listed.setdefault(home, []).append(match[1])
    return listed


def test_the_api_page_lists_the_public_names_and_no_others():
    listed = listed_names()
    assert sorted(listed.pop("graphmax")) == sorted(graphmax.__all__)
    for home in sorted(graphmax._MODULES):
        module = getattr(graphmax, home)
        own = [n for n in module.__all__ if getattr(module, n) is not getattr(graphmax, n, None)]
        assert sorted(listed.pop(f"graphmax.{home}", [])) == sorted(own)
    assert listed == {}


def test_the_summary_for_programs_has_every_public_name(site_parts):
    summary = site_parts("plain_text").api_summary().splitlines()
    assert len(summary) == len(set(summary))
    names = {re.match(r"[\w.]+", line)[0] for line in summary}
    assert names >= {f"graphmax.{name}" for name in graphmax.__all__}
    assert {f"graphmax.{home}" for home in graphmax._MODULES} == {
        name.rpartition(".")[0] for name in names
    } - {"graphmax"}
    assert [line for line in summary if line.endswith(": ")] == []


def test_the_gallery_shows_every_example(site_parts, tmp_path):
    gallery = site_parts("gallery")
    gallery.write_scripts(HOME / "examples", tmp_path / "shown")
    shown = {path.name for path in (tmp_path / "shown").rglob("*.py")}
    assert shown == {path.name for path in EXAMPLES}
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "new.py").write_text("# What?\n")
    with pytest.raises(ValueError, match=r"must name each example once, not so: .*'new'"):
        gallery.write_scripts(tmp_path / "more", tmp_path / "shown")


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_a_script_of_the_gallery_is_the_example_with_headings(site_parts, script):
    text = site_parts("gallery").as_gallery_script(script)
    question = script.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert text.splitlines()[:3] == ['"""', question, "=" * len(question)]
    code = text.partition('"""\n')[2].partition('"""\n')[2].splitlines()
    kept = [line for line in code if not line.startswith("#") and line]
    lines = script.read_text(encoding="utf-8").splitlines()
    assert kept == [line for line in lines if not line.startswith("#") and line]


def test_every_page_is_in_a_contents_list():
    pages = {
        path.relative_to(DOCS).with_suffix("").as_posix()
        for path in [*DOCS.glob("*.md"), *DOCS.glob("howto/*.md"), DOCS / "api.rst"]
    }
    entries = {"index"}
    for page in pages - {"api"}:
        text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
        for block in re.findall(r"^:::\{toctree\}\n(.*?)^:::$", text, re.MULTILINE | re.DOTALL):
            folder = page.rpartition("/")[0]
            lines = [line for line in block.splitlines() if line and not line.startswith(":")]
            names = [re.sub(r".*<(.+)>", r"\1", line) for line in lines]
            entries |= {f"{folder}/{name}".lstrip("/") for name in names}
    made = {"gallery/index", "api/commands", "api/recipes"}
    assert entries - made == pages


def test_pictures_of_the_definition_are_what_the_code_answers(site_parts, tmp_path):
    site_parts("pictures").write_all(tmp_path)
    drawn = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.svg")}
    kept = (DOCS / "pictures").glob("*.svg")
    assert drawn == {path.name: path.read_text(encoding="utf-8") for path in kept}


def test_the_pages_made_from_the_code_name_every_command_and_family(site_parts):
    from graphmax.cli import COMMANDS
    from graphmax.datasets.hard_examples import ATTRIBUTES, FAMILIES

    reference = site_parts("reference")
    commands, recipes = reference.command_page(), reference.recipe_page()
    for command in COMMANDS:
        assert f"Usage: graphmax {command.__name__} " in commands
    for name in [*FAMILIES, *ATTRIBUTES]:
        assert f"- ``{name}``: " in recipes


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_site_builds_without_a_warning_and_without_a_network(tmp_path):
    pytest.importorskip("sphinx_gallery", reason="needs the extra docs")
    nowhere = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "sphinx", "-qW", "--keep-going", str(DOCS), str(tmp_path)]
    done = subprocess.run(
        command,
        env={**os.environ, **nowhere, "GRAPHMAX_GALLERY": "none"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<h1>" in html
    loaded = re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"(https?:[^\"]+)", html)
    assert loaded == []
    assert "local_maxima" in (tmp_path / "api.txt").read_text(encoding="utf-8")
    assert "(howto/index.html)" in (tmp_path / "llms.txt").read_text(encoding="utf-8")
