"""Killed at any moment, a run leaves no half result, and its temporary space goes away."""

import gc
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

import duckdb
import pytest
from spark_session import needs_spark

from graphmax.atomic import PREFIX, sweep
from graphmax.kernels.compiled import reporting
from graphmax.tables import local_maxima_tables
from graphmax.tables.answer import scratch_folder

RUN = """
import sys
from graphmax.kernels.compiled import reporting
from graphmax.tables import local_maxima_tables
home, engine, hops = sys.argv[1:]
print("started", flush=True)
local_maxima_tables(
    f"{home}/edges.parquet", f"{home}/nodes.parquet", "value", int(hops), engine=engine,
    out=f"{home}/out/labels", **({"master": "local[2]"} if engine == "spark" else {}),
)
"""


def make_tables(home, num_nodes, num_edges):
    texts = {
        "edges": f"SELECT hash(range) % {num_nodes} AS src, hash(range + 7) % {num_nodes} AS dst "
        f"FROM range({num_edges})",
        "nodes": f"SELECT range AS id, hash(range + 3) % 1000 AS value FROM range({num_nodes})",
    }
    for name, text in texts.items():
        duckdb.execute(f"COPY ({text}) TO '{home / name}.parquet' (FORMAT parquet)")
    (home / "out").mkdir()
    return home / "edges.parquet", home / "nodes.parquet"


def start(home, engine, hops):
    command = [sys.executable, "-c", RUN, str(home), engine, str(hops)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout.readline() == "started\n"
    return process


def kill_after(process, seconds):
    """Wait so long, or until it is done, and kill it."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    process.stdout.close()
    return process.returncode == -signal.SIGKILL


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_at_random_moments(tmp_path):
    tables = make_tables(tmp_path, 50_000, 500_000)
    began = time.perf_counter()
    expected = local_maxima_tables(*tables, "value", 2, engine="stream").labels()
    seconds, killed, moments = time.perf_counter() - began, 0, random.Random(8)
    out = tmp_path / "out" / "labels"
    for _ in range(6):
        killed += kill_after(start(tmp_path, "stream", 2), moments.uniform(0, seconds))
        if out.exists():
            parts = f"read_parquet('{out}/*.parquet')"
            found = duckdb.execute(f"SELECT id, is_maximum FROM {parts}").fetchall()
            assert dict(found) == expected
            for part in out.iterdir():
                part.unlink()
            out.rmdir()
    assert killed >= 2
    answer = local_maxima_tables(*tables, "value", 2, engine="stream", out=out)
    assert answer.labels() == expected
    assert names(tmp_path / "out") == ["labels"]


STOP = """
import os, sys
from graphmax.kernels.compiled import reporting
from graphmax.tables import local_maxima_tables, stream_engine
stream_engine.SECONDS_WORTH_SAVING = 0.0
home, moment = sys.argv[1:]

def die(stage, done, total):
    if stage == moment:
        os._exit(9)

with reporting(die):
    local_maxima_tables(
        f"{home}/edges.parquet", f"{home}/nodes.parquet", "value", 5, engine="stream",
        out=f"{home}/out/labels",
    )
"""


@pytest.mark.parametrize(("moment", "left"), [("hop 1 of 5", 1), ("hop 4 of 5", 4)])
def test_a_dead_run_goes_on_after_its_last_complete_hop(tmp_path, moment, left):
    tables = make_tables(tmp_path, 2_000, 3_000)
    command = [sys.executable, "-c", STOP, str(tmp_path), moment]
    assert subprocess.run(command, check=False).returncode == 9
    out = tmp_path / "out" / "labels"
    assert not out.exists()
    answer = local_maxima_tables(*tables, "value", 5, engine="stream", out=out)
    hops = [stage.name for stage in answer.stages if stage.name.startswith("hop")]
    assert hops == [f"hop {hop} of 5" for hop in range(left, 6)]
    assert answer.labels() == local_maxima_tables(*tables, "value", 5, engine="memory").labels()
    assert names(tmp_path / "out") == ["labels"]


def test_another_question_does_not_go_on(tmp_path):
    """Other tables under the same names: what the dead run left is swept."""
    make_tables(tmp_path, 2_000, 3_000)
    command = [sys.executable, "-c", STOP, str(tmp_path), "hop 4 of 5"]
    assert subprocess.run(command, check=False).returncode == 9
    (tmp_path / "out").rename(tmp_path / "kept")
    tables = make_tables(tmp_path, 2_000, 2_999)
    (tmp_path / "out").rmdir()
    (tmp_path / "kept").rename(tmp_path / "out")
    out = tmp_path / "out" / "labels"
    answer = local_maxima_tables(*tables, "value", 5, engine="stream", out=out)
    assert sum(stage.name.startswith("hop") for stage in answer.stages) == 5
    assert answer.labels() == local_maxima_tables(*tables, "value", 5, engine="memory").labels()
    assert names(tmp_path / "out") == ["labels"]


@needs_spark
@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_spark_killed_at_ten_random_moments_resumes(tmp_path):
    tables = make_tables(tmp_path, 2_000, 10_000)
    expected = local_maxima_tables(*tables, "value", 6, engine="memory").labels()
    out, moments, kills = tmp_path / "out" / "labels", random.Random(8), 0
    while kills < 10:
        kills += kill_after(start(tmp_path, "spark", 6), moments.uniform(4, 25))
        if out.exists():
            parts = f"read_parquet('{out}/*.parquet')"
            assert dict(duckdb.execute(f"FROM {parts}").fetchall()) == expected
            for part in out.iterdir():
                part.unlink()
            out.rmdir()
    time.sleep(5)  # a JVM whose driver was killed ends by itself
    answer = local_maxima_tables(*tables, "value", 6, engine="spark", master="local[2]", out=out)
    assert answer.labels() == expected
    assert names(tmp_path / "out") == ["labels"]


@pytest.mark.parametrize(
    ("engine", "moment"), [("memory", "building the graph"), ("stream", "hop 3 of 9")]
)
def test_interrupted(tmp_path, engine, moment):
    """Ctrl-C arrives while DuckDB hops, or while the graph is built."""
    tables = make_tables(tmp_path, 100_000, 2_000_000)
    pressed = []

    def press(stage, done, total):
        if stage == moment and not pressed:
            pressed.append(stage)
            os.kill(os.getpid(), signal.SIGINT)

    with reporting(press), pytest.raises(KeyboardInterrupt):
        local_maxima_tables(*tables, "value", 9, engine=engine, out=tmp_path / "out" / "labels")
    assert pressed == [moment]
    assert names(tmp_path / "out") == []


def test_what_is_held_is_not_swept(tmp_path):
    with scratch_folder(tmp_path) as held:
        (held / "file").touch()
        sweep(tmp_path)
        assert (held / "file").exists()
        assert names(tmp_path) == [held.name, f"{held.name}.lock"]
    assert names(tmp_path) == []


@pytest.mark.parametrize("left", [(), ("",), ("", "/half", "/half/removed")])
def test_what_nobody_holds_is_swept(tmp_path, left):
    """A run may die before it makes its folder, and while it removes what is in there."""
    for name in (f"{PREFIX}dead", "mine"):
        (tmp_path / f"{name}.lock").touch()
        for part in left:
            (tmp_path / (name + part)).mkdir()
    sweep(tmp_path)
    assert names(tmp_path) == [*(["mine"] if left else []), "mine.lock"]


def test_labels_without_a_place_live_as_long_as_the_answer(tmp_path, monkeypatch):
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    for folder in (home, temporary):
        folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    answer = local_maxima_tables(*make_tables(home, 10, 20), "value", engine="stream")
    assert len(answer.labels()) == 10
    folder = names(temporary)[0]
    assert names(temporary) == [folder, f"{folder}.lock"]
    del answer
    gc.collect()
    assert names(temporary) == []
