"""Every bad file of the corpus gives its exact error, soon, in little memory, and runs nothing.

``python tests/corpus/make_corpus.py`` makes the files and records the errors.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from graphmax import GraphFileError, read_graph

CORPUS = Path(__file__).parent / "corpus"
MANIFEST = json.loads((CORPUS / "manifest.json").read_text(encoding="utf-8"))
MEBIBYTE = 2**20
SLOWEST = 5.0


@pytest.fixture(scope="module")
def worker():
    """Start a process that reads files one after the other, under an audit hook."""
    with subprocess.Popen(
        [sys.executable, str(CORPUS / "run_corpus.py")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
    ) as process:  # fmt: skip

        def ask(name):
            process.stdin.write(f"{name}\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()


def assert_bounded(found, file):
    """Time, memory, and no sign of a pickle that ran."""
    assert found["seconds"] < SLOWEST
    assert found["memory"] < 400 * MEBIBYTE + 64 * file.lstat().st_size
    assert found["events"] == []


def without_others_words(message):
    """Cut what other libraries say about a flaw: it changes with their versions."""
    return message.partition(" a flaw (")[0].partition("must be valid JSON, got ")[0]


def test_there_are_enough_files():
    assert len(MANIFEST) >= 300
    assert {entry["error"] for entry in MANIFEST.values()} == {"GraphFileError"}


@pytest.mark.parametrize("name", sorted(MANIFEST))
def test_the_file_gives_its_error(name):
    path, expected = CORPUS / "files" / name, MANIFEST[name]
    with pytest.raises(GraphFileError) as caught:
        read_graph(path)
    message = str(caught.value).replace(str(path.parent), "{folder}")
    assert without_others_words(message) == without_others_words(expected["message"])
    assert caught.value.line == expected["line"]
    assert "\n" not in message


def test_every_file_is_refused_soon_and_in_little_memory(worker):
    for name in sorted(MANIFEST):
        found = worker(CORPUS / "files" / name)
        assert found["error"] == MANIFEST[name]["error"], name
        assert_bounded(found, CORPUS / "files" / name)


def test_links_pipes_and_bombs(worker, tmp_path):
    sys.path.insert(0, str(CORPUS))
    from make_corpus import special_files

    for name, message in special_files(tmp_path).items():
        found = worker(tmp_path / name)
        assert found["message"] == message
        assert_bounded(found, tmp_path / name)


def test_the_corpus_is_what_its_script_makes(tmp_path):
    sys.path.insert(0, str(CORPUS))
    import make_corpus

    made = {n: d for family in make_corpus.FAMILIES for n, d in family() if n in MANIFEST}
    assert sorted(made) == sorted(MANIFEST)
    # The bytes of these change with the versions of writers.
    archives = (".npz", ".pt", ".parquet", ".h5ad", ".mat")
    for name, data in made.items():
        if not name.endswith(archives):
            assert (CORPUS / "files" / name).read_bytes() == data, name


def test_the_watch_sees_a_pickle_that_runs():
    run = subprocess.run(
        [sys.executable, str(CORPUS / "run_corpus.py")],
        input="!control\n", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "graphmax-pickle-payload" in run.stdout
    assert json.loads(run.stdout.splitlines()[-1])["events"] == ["pickle.find_class", "os.system"]
