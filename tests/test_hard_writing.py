"""What a writer that dies leaves: nothing that stays, and nothing that is half written."""

import os
import signal
import subprocess
import sys
import time

import pytest

from graphmax import Graph, read_graph, write_graph
from graphmax.atomic import Held, held_folder, replacing, sweep

GRAPH = Graph.from_edges([0, 1], [1, 2])
posix = pytest.mark.skipif(os.name != "posix", reason="needs signals and file locks")

# Writes a file of some size, says that it is there, and waits for what is done to it.
WRITER = """
import sys, time
from pathlib import Path
from graphmax.atomic import write_atomically
from graphmax.cli.output import end_on_sigterm

def write(file):
    file.write_bytes(bytes(1 << 20))
    print("written", flush=True)
    time.sleep(60)

if "catching" in sys.argv:
    end_on_sigterm()
write_atomically(Path(sys.argv[1]), write)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def end_of_writer(target, number, *words):
    """Start a writer, end it in the middle and return its exit code."""
    command = [sys.executable, "-c", WRITER, str(target), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "written\n"
        writer.send_signal(number)
        return writer.wait(30)


@posix
def test_sigterm_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "g.npz").write_text("old")
    assert end_of_writer(tmp_path / "g.npz", signal.SIGTERM, "catching") == 128 + signal.SIGTERM
    assert names(tmp_path) == ["g.npz"]
    assert (tmp_path / "g.npz").read_text() == "old"


@posix
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_killed_writer_left_is_swept_by_the_next_one(tmp_path, number):
    target = tmp_path / "g.npz"
    assert end_of_writer(target, number) == -number
    assert len(names(tmp_path)) == 2  # a folder and its lock
    write_graph(GRAPH, target)
    assert names(tmp_path) == ["g.npz"]
    assert read_graph(target).num_edges == 2


@posix
def test_a_living_writer_is_not_swept(tmp_path):
    with replacing([tmp_path / "a.txt"]) as (file,):
        file.write_text("whole")
        sweep(tmp_path)
        assert file.read_text() == "whole"
        assert file.parent.stat().st_mode & 0o077 == 0  # what only its owner may read stays so
    assert names(tmp_path) == ["a.txt"]


def test_a_killed_run_of_tables_is_not_swept_by_a_writer(tmp_path):
    """The stream goes on behind its last complete hop: its folder is not that of a writer."""
    (tmp_path / ".graphmax-question").mkdir()
    (tmp_path / ".graphmax-question.lock").touch()
    write_graph(GRAPH, tmp_path / "g.npz")
    assert names(tmp_path) == [".graphmax-question", ".graphmax-question.lock", "g.npz"]


@posix
def test_a_file_system_without_locks(tmp_path, monkeypatch):
    import fcntl

    def refuse(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    write_graph(GRAPH, tmp_path / "g.npz")
    with held_folder(tmp_path) as folder:
        sweep(tmp_path)
        assert folder.is_dir()
    named = Held(tmp_path, "question")
    named.release()
    assert names(tmp_path) == ["g.npz"]


def test_names_of_the_longest_kind(tmp_path):
    name = "n" * 251 + ".npz"
    write_graph(GRAPH, tmp_path / name)
    assert names(tmp_path) == [name]


COMMAND = """
import sys, time
from graphmax.files import writing
from graphmax.cli import main

def slow(path, write):
    from graphmax.atomic import replacing
    with replacing([path]) as (file,):
        write(file)
        print("written", flush=True)
        time.sleep(60)

writing.write_atomically = slow
sys.argv = ["graphmax", "convert", *sys.argv[1:]]
main()
"""


@posix
def test_sigterm_ends_a_command_without_a_trace(tmp_path):
    (tmp_path / "g.csv").write_text("0,1\n1,2\n")
    command = [sys.executable, "-c", COMMAND, str(tmp_path / "g.csv"), str(tmp_path / "g.npz")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == "written\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in errors
    assert names(tmp_path) == ["g.csv"]


CALLBACK = """
import ctypes, os, signal, sys, time
from graphmax.cli.output import end_on_sigterm

def called():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.01)

end_on_sigterm()
callback = ctypes.CFUNCTYPE(None)(called)
try:
    callback()
    print("swallowed", flush=True)
    time.sleep(60)
finally:
    print("unwound", flush=True)
"""


@posix
def test_sigterm_in_a_callback_of_the_compiler_is_not_lost():
    """LLVM calls Python back by ctypes, which prints what is raised there and goes on."""
    command = [sys.executable, "-c", CALLBACK]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert (done.returncode, done.stderr) == (128 + signal.SIGTERM, "")
    assert done.stdout.startswith("swallowed")
    assert done.stdout.endswith("unwound\n")
