"""The guard at the command's door: one sentence, exit code 2, and nothing that steers a terminal."""

import errno
import json
import os
import subprocess
import sys
import unicodedata
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

import graphmax.summary
from graphmax.cli import app
from graphmax.cli.output import cell, in_words_of_options, plain, visible
from graphmax.machine import dataset_path

COUNTRIES = str(dataset_path("countries/countries.graphml"))
# Red text, a window title, a C1 control, a line turned around, half a character, a new line.
NASTY = ["\x1b[31mred", "\x1b]0;title\x07", "\x9b31mred", "abc\u202edef", "a\u2066b", "x\ny\tz"]


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def said(stderr):
    """Return what stands on stderr but for the line that a new machine gets while it compiles."""
    text = stderr.decode() if isinstance(stderr, bytes) else stderr
    return "".join(line for line in text.splitlines(True) if "compiling loops" not in line)


# --- every exception is a sentence

FAILURES = [
    KeyError("h"),
    IndexError("list index out of range"),
    OverflowError("Python int too large to convert to C long"),
    RuntimeError("a\nfault\x1b[31m of two lines"),
    RecursionError("maximum recursion depth exceeded"),
    AssertionError(),
    ZeroDivisionError("division by zero"),
    AttributeError("'NoneType' object has no attribute 'x'"),
    ValueError("invalid literal for int() with base 10: 'x'"),
    TypeError("unhashable type: 'list'"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    UnicodeEncodeError("ascii", "\udcff", 0, 1, "ordinal not in range"),
    StopIteration(),
    ImportError("no module named x"),
    EOFError("ended early"),
    duckdb.IOException("could not write: no space left"),
    OSError("no number"),
    Exception("x" * 100_000),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_what_no_check_foresaw_is_a_sentence_with_a_hint(monkeypatch, failure):
    def fail(graph):
        raise failure

    monkeypatch.setattr(graphmax.summary, "summarize", fail)
    done = run("info", COUNTRIES)
    assert done.exit_code == 2 or isinstance(failure, EOFError)
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr
    if not isinstance(failure, EOFError):
        assert said(done.stderr).count("\n") == 1
        assert done.stderr.endswith("; --debug shows where\n")
        assert len(done.stderr) < 2_200


@pytest.mark.parametrize("words", [("--debug", "info", COUNTRIES), ("info", COUNTRIES, "--debug")])
def test_debug_shows_where(monkeypatch, words):
    def fail(graph):
        raise KeyError("h")

    monkeypatch.setattr(graphmax.summary, "summarize", fail)
    done = run(*words)
    assert done.exit_code == 2
    assert "Traceback" in done.stderr
    assert "in fail" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("graphmax: KeyError")


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (MemoryError(), "graphmax: not enough memory\n"),
        (OSError(errno.ENOSPC, "No space left on device"), "graphmax: No space left on device\n"),
        (PermissionError(13, "Permission denied", "a.csv"), "graphmax: Permission denied: a.csv\n"),
        (ValueError("`values` must be x"), "graphmax: `values` must be x\n"),
    ],
)
def test_refusals_need_no_hint(monkeypatch, failure, told):
    def fail(graph):
        raise failure

    monkeypatch.setattr(graphmax.summary, "summarize", fail)
    done = run("info", COUNTRIES)
    assert (done.exit_code, said(done.stderr)) == (2, told)


def test_a_warning_of_the_library_is_a_line(monkeypatch, tmp_path):
    def warn(graph):
        import warnings

        warnings.warn("read as arrows\nin \x1b[31mred", UserWarning, stacklevel=1)
        return {"nodes": 1, "attributes": []}

    monkeypatch.setattr(graphmax.summary, "summarize", warn)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        done = run("info", COUNTRIES, "--json")
    assert said(done.stderr) == "graphmax: warning: read as arrows in \\x1b[31mred\n"
    assert done.exit_code == 0


@pytest.mark.parametrize("hops", [10**22, 2**63, 2**31])
def test_any_number_of_hops_is_answered_or_refused(hops):
    done = run("label", COUNTRIES, "--values", "gdp", "--hops", hops)
    if done.exit_code == 0:
        assert done.stdout == run("label", COUNTRIES, "--values", "gdp", "--hops", 300).stdout
    else:
        assert done.exit_code == 2
        assert "Traceback" not in done.stderr


def test_sentences_name_options():
    options = {"nan": "--nan", "isolated": "--isolated", "direction": "--direction"}
    told = in_words_of_options("`nan` and `other`, nan='omit', isolated=False, mynan='x'", options)
    assert told == "`--nan` and `other`, --nan omit, --no-isolated, mynan='x'"
    assert in_words_of_options("pass direction or nan", options) == "pass --direction or nan"
    assert in_words_of_options("see find_peaks", options) == "see graphmax peaks"
    assert in_words_of_options("did you mean 'find_peaks'?", options).endswith("'find_peaks'?")


# --- nothing steers a terminal


@pytest.fixture
def nasty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nodes = [{"id": name, "h": i} for i, name in enumerate(NASTY)]
    links = [{"source": a, "target": b} for a, b in pairwise(NASTY)]
    document = {"directed": False, "multigraph": False, "graph": {}, "nodes": nodes, "links": links}
    (tmp_path / "nasty.json").write_text(json.dumps(document))
    return tmp_path


def steering(text):
    kinds = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return [c for c in text if unicodedata.category(c) in kinds and c not in "\n\u200c\u200d"]


@pytest.mark.parametrize(
    "words",
    [
        ("info", "nasty.json"),
        ("peaks", "nasty.json", "--values", "h", "--minima", "--hops", "1"),
        ("peaks", "nasty.json", "--values", "h", "--json", "--ties", "weak"),
        ("label", "nasty.json", "--values", "h", "--json"),
        ("peaks", "nasty.json", "--values", "\x1b[31mh"),
        ("info", "\x1b[31mno.json"),
        ("info", "no\u202e.json"),
        ("info", "nasty.json", "\u202e", "\x1b[31m"),
        ("info", "nasty.json", "--\u202e"),
        ("info", "nasty.json", "--max-seconds", "\u202e"),
        ("in\u202efo", "nasty.json"),
    ],
)
def test_names_are_shown_escaped(nasty, words):
    done = run(*words)
    assert done.exit_code in (0, 2)
    assert steering(done.stdout) == []
    assert steering(done.stderr) == []


def test_json_keeps_the_names(nasty):
    told = json.loads(run("label", "nasty.json", "--values", "h", "--json").stdout)
    assert sorted(row["id"] for row in told["labels"]) == sorted(NASTY)


def test_letters_stay_and_the_rest_is_escaped():
    assert visible("Ωmega 日本 می‌خواهم e\u0301") == "Ωmega 日本 می‌خواهم e\u0301"
    assert cell("\x1b[2J") == "\\x1b[2J"
    assert visible("\udcff\u2028\ufeff") == "\\udcff\\u2028\\ufeff"
    assert plain({"a": "\x1b"}) == {"a": "\x1b"}


# --- streams, names and locales


def program(*words, shell="", **options):
    command = f'"{sys.executable}" -m graphmax "$@" {shell}'
    return subprocess.run(
        ["sh", "-c", command, "sh", *words], capture_output=True, timeout=250, **options
    )


def test_closed_stdout_is_said(tmp_path):
    done = program("info", COUNTRIES, shell=">&-")
    assert done.returncode == 2
    assert said(done.stderr) == "graphmax: standard output is closed; give --out FILE\n"
    out = tmp_path / "labels.csv"
    done = program("label", COUNTRIES, "--values", "gdp", "--out", str(out), shell=">&- 2>&-")
    assert (done.returncode, out.read_text().count("\n")) == (0, 178)


def test_closed_stderr_is_exit_code_2_all_the_same():
    assert program("info", "nowhere.csv", shell="2>&-").returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_stdout_is_said():
    done = program("--help", shell=">/dev/full")
    assert done.returncode == 2
    assert said(done.stderr) == "graphmax: No space left on device\n"
    assert program("info", COUNTRIES, shell=">/dev/full 2>/dev/full").returncode == 2


def test_names_that_are_not_utf8_in_a_plain_locale(tmp_path):
    name = os.fsencode(str(tmp_path)) + b"/caf\xe9 [x].csv"
    Path(os.fsdecode(name)).write_text("é,日本\n日本,c\n", encoding="utf-8")
    ascii_only = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    env = {**os.environ, **ascii_only}
    done = program("info", name, "--json", env=env)
    assert (done.returncode, said(done.stderr)) == (0, "")
    assert json.loads(done.stdout)["nodes"] == 3
    done = program("info", name + b"no.csv", env=env)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert said(done.stderr).count("\n") == 1
