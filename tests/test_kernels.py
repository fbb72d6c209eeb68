"""Loops in general: their serial twins, their cache on disk, forks, threads, lanes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import graphmax as gm
from graphmax.images import peak_pixels
from graphmax.kernels import compiled

KERNELS = Path(compiled.__file__).parent

ASK = """
import graphmax as gm
graph = gm.Graph.from_edges([0, 1, 2], [1, 2, 3])
print(gm.local_maxima(graph, [1, 3, 2, 2], {options}).astype(int).tolist())
"""


def child(code, *, env=None, cwd=None, seconds=120):
    """Run Python code in a process of its own, warnings shown; return its output."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=seconds,
        cwd=cwd,
        env={**os.environ, "NUMBA_DISABLE_JIT": "0", **(env or {})},
    )
    assert done.returncode == 0, done.stderr
    return done


# --- serial twins


def everything(graph, values, weights):
    """One answer of every parallel loop there is."""
    image = values[:900].reshape(30, 30)
    src, dst = graph.edges()
    weighted = gm.Graph.from_edges(src, dst, graph.num_nodes, weights=weights)
    arrows = gm.Graph.from_edges(src, dst, graph.num_nodes, directed=True).adjacency()
    peaks = gm.find_peaks(graph, values)
    batch = gm.neighborhoods(graph, values, hops=2)
    return {
        "rows": weighted.indices,
        "symmetric": [weighted.adjacency().symmetric, arrows.symmetric],
        "reversed": arrows.reversed().indices,
        "without": weighted.adjacency().without(values > 3).weights,
        "within": arrows.within(values.astype(int)).indices,
        "one hop": gm.local_maxima(graph, values),
        "hops": gm.local_maxima(graph, values, 3, ties="weak"),
        "radius": gm.local_maxima(weighted, values, radius=0.3),
        "plateau": gm.isolation(graph, values, ties="plateau").distance,
        "weighted": gm.isolation(weighted, values, weighted=True).distance,
        "margin": gm.margin(graph, values, 2),
        "peaks": np.stack([peaks.nodes, peaks.nearest_higher, peaks.parent, peaks.basin_size]),
        "edges": gm.edge_maxima(weighted, hops=2),
        "nodes of balls": batch.node,
        "entries of balls": batch.edge_index,
        "pixels": peak_pixels(image, 5),
        "plateaus of pixels": peak_pixels(np.round(image), ties="plateau"),
    }


@pytest.mark.compiled
def test_threads_change_no_answer(monkeypatch):
    """The loops on all threads, even for a small graph, and their serial twins."""
    generator = np.random.default_rng(0)
    graph = gm.Graph.from_edges(*generator.integers(0, 900, (2, 2000)), 900)
    values, weights = generator.integers(0, 9, 900) / 2, generator.random(graph.num_edges)
    serial = everything(graph, values, weights)
    monkeypatch.setattr(compiled, "ENTRIES_WORTH_THREADS", 0)
    parallel = everything(graph, values, weights)
    for name, answer in serial.items():
        assert_array_equal(parallel[name], answer, err_msg=name)


def test_every_loop_is_compiled_in_the_same_way():
    """A loop compiled by numba alone would keep stale code and die on a read-only disk."""
    for path in KERNELS.glob("*.py"):
        if path.name != "compiled.py":
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\b(njit|jit|guvectorize|vectorize)\b", text), path.name


# --- lanes


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("items", [0, 1, 2, 7, 100])
@pytest.mark.parametrize("lanes", [1, 3])
def test_lanes_work_on_every_item_once(items, lanes, interleaved):
    """Whatever a lane manages in a round, also where one is far slower than the others."""
    generator = np.random.default_rng(items)
    dealt = compiled.Lanes(items, lanes, interleaved=interleaved)
    visits = np.zeros(items, int)
    for states in dealt.rounds("working"):
        for lane, state in enumerate(states):
            for _ in range(generator.integers(0, 3 + 5 * lane) + (lane == 0)):
                if state[compiled.NEXT] < state[compiled.LAST]:
                    visits[state[compiled.NEXT]] += 1
                    state[compiled.NEXT] += state[compiled.STEP]
    assert_array_equal(visits, np.ones(items))


# --- the cache on disk


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A copy of the package, in which nothing is compiled yet."""
    home = tmp_path_factory.mktemp("installed")
    ignored = shutil.ignore_patterns("__pycache__", "shipped")
    shutil.copytree(KERNELS.parent, home / "graphmax", ignore=ignored)
    return home


def without_homes(home, tmp_path):
    """Environment in which neither the package nor the home can hold a cache."""
    pycache = home / "graphmax" / "kernels" / "__pycache__"
    shutil.rmtree(pycache, ignore_errors=True)
    pycache.unlink(missing_ok=True)
    pycache.touch()  # a file: even root cannot make a folder of it
    nowhere = str(pycache / "nowhere")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    return {
        "PYTHONPATH": str(home),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": nowhere,
        "XDG_CACHE_HOME": nowhere,
        "MPLCONFIGDIR": str(temporary),
        "NUMBA_CACHE_DIR": "",
        "TMPDIR": str(temporary),
    }


@pytest.mark.compiled
def test_a_read_only_install_without_a_home(installed, tmp_path):
    env = without_homes(installed, tmp_path)
    first = child(ASK.format(options=1), env=env, cwd=tmp_path)
    assert first.stdout == "[0, 1, 0, 0]\n"
    assert first.stderr.count("set NUMBA_CACHE_DIR") == 1  # said once
    (folder,) = (tmp_path / "tmp").glob("graphmax-*")
    assert folder.stat().st_mode & 0o077 == 0
    again = child(ASK.format(options=1), env=env, cwd=tmp_path)
    assert (again.stdout, again.stderr) == ("[0, 1, 0, 0]\n", "")


@pytest.mark.compiled
def test_a_temporary_folder_of_somebody_else_is_not_read(installed, tmp_path):
    env = without_homes(installed, tmp_path)
    folder = tmp_path / "tmp" / f"graphmax-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    done = child(ASK.format(options=1), env=env, cwd=tmp_path)
    assert done.stdout == "[0, 1, 0, 0]\n"
    assert "in memory only" in done.stderr
    assert list(folder.iterdir()) == []


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
"""


@pytest.mark.compiled
def test_a_full_disk_under_the_cache(tmp_path):
    code = FULL + ASK.format(options=1)
    env = {"NUMBA_CACHE_DIR": str(tmp_path)}
    done = child(code.replace("import resource", "import graphmax, resource"), env=env)
    assert done.stdout == "[0, 1, 0, 0]\n"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.compiled
def test_damaged_files_in_the_cache(tmp_path):
    cache, temporary = tmp_path / "cache", tmp_path / "tmp"
    temporary.mkdir()
    env = {"NUMBA_CACHE_DIR": str(cache), "TMPDIR": str(temporary)}
    child(ASK.format(options=1), env=env)
    assert list(temporary.iterdir()) == []  # a folder there is for those who have no other
    files = sorted(cache.rglob("*.nbc"))
    assert len(files) > 3
    for i, path in enumerate(files):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1 << i % 8
        path.write_bytes(content if i % 3 else content[: 40 * (i % 2)])
    done = child(ASK.format(options=1), env=env)
    assert (done.stdout, done.stderr) == ("[0, 1, 0, 0]\n", "")
    assert sorted(cache.rglob("*")) == sorted({*cache.glob("*"), *files})


@pytest.mark.compiled
def test_the_cache_sees_a_change_in_an_inlined_function(installed, tmp_path):
    """The 2-hop loop lives in another file than the comparison that it inlines."""
    home = tmp_path / "changed"
    shutil.copytree(installed, home)
    (home / "graphmax" / "kernels" / "__pycache__").unlink(missing_ok=True)
    env = {"PYTHONPATH": str(home), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    ask = ASK.format(options=2).replace("[1, 3, 2, 2]", "[2, 1, 2, 0]")
    assert child(ask, env=env, cwd=tmp_path).stdout == "[0, 0, 0, 0]\n"
    compare = home / "graphmax" / "kernels" / "compare.py"
    changed = compare.read_text(encoding="utf-8").replace(
        "return ties == STRICT or", "return ties == WEAK or"
    )
    compare.write_text(changed, encoding="utf-8")
    assert child(ask, env=env, cwd=tmp_path).stdout == "[1, 0, 1, 0]\n"


WARM = """
import numpy as np
from numba.core.cpu import CPUContext
import graphmax as gm
from graphmax.kernels import compiled
from test_kernels import everything

learned, learn = [], CPUContext.refresh
CPUContext.refresh = lambda context: learned.append(1) or learn(context)
compiled.ENTRIES_WORTH_THREADS = {least}
generator = np.random.default_rng(0)
graph = gm.Graph.from_edges(*generator.integers(0, 900, (2, 2000)), 900)
values, weights = generator.integers(0, 9, 900) / 2, generator.random(graph.num_edges)
for name, answer in everything(graph, values, weights).items():
    print(name, np.asarray(answer).tolist())
print("learned:", len(learned))
"""


@pytest.mark.compiled
@pytest.mark.parametrize("least", [0, 10**9])
def test_loops_that_were_compiled_before_run_without_the_compiler(least):
    """Numba learns how to compile all that it can, a third of a second, before it loads a loop."""
    env, said = {"PYTHONPATH": str(Path(__file__).parent)}, []
    # Which loops run on threads may differ from run to run: the third may compile a last one.
    while len(said) < 2 or (len(said) < 4 and said[-1][-1] != "learned: 0"):
        said.append(child(WARM.format(least=least), env=env, seconds=600).stdout.splitlines())
    assert said[-1][-1] == "learned: 0"
    for run in said[1:]:
        assert run[:-1] == said[0][:-1]


def test_what_a_loop_calls_is_looked_for_before_it_is_linked(monkeypatch):
    """A name that is not in memory would end the process."""
    done = []

    class Context:
        def refresh(self):
            done.append("refreshed")

    monkeypatch.setattr(compiled.rtsys, "initialize", lambda _: done.append("memory"))
    monkeypatch.setattr(compiled, "CompileResult", mock.Mock())
    parts = ("code", [lambda: done.append("threads")], ())
    compiled._rebuilt(Context(), ["malloc"], parts)
    assert done == ["memory", "threads"]
    compiled._rebuilt(Context(), ["malloc", "graphmax_has_no_such_name"], parts)
    assert done[2:] == ["memory", "threads", "refreshed"]
    assert compiled.CompileResult._rebuild.call_count == 2


# --- forks and threads

FORK = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
import numpy as np
import graphmax as gm
from graphmax.kernels import compiled
compiled.ENTRIES_WORTH_THREADS = 0

graph = gm.grid_graph((40, 40))
values = np.random.default_rng(0).random(1600)
right = int(gm.local_maxima(graph, values, 2).sum())

def ask(_):
    return int(gm.local_maxima(graph, values, 2).sum())

class Answers:
    def __len__(self):
        return 4
    def __getitem__(self, i):
        return ask(i)

fork = multiprocessing.get_context("fork")
with fork.Pool(2) as pool:
    print(pool.map_async(ask, range(4)).get(60) == [right] * 4)
with ProcessPoolExecutor(2, mp_context=fork) as pool:
    print(list(pool.map(ask, range(4), timeout=60)) == [right] * 4)
from torch.utils.data import DataLoader
loader = DataLoader(Answers(), num_workers=2, batch_size=None, timeout=60, multiprocessing_context="fork")
print(list(loader) == [right] * 4)
print(ask(0) == right)
"""


@pytest.mark.compiled
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.parametrize("layer", ["default", "workqueue"])
def test_forked_processes_answer(layer):
    """OpenMP kills them, and numba's own layer hangs, if they use threads."""
    done = child(FORK, env={"NUMBA_THREADING_LAYER": layer, "NUMBA_NUM_THREADS": "2"})
    assert done.stdout == "True\n" * 4


THREADS = """
from concurrent.futures import ThreadPoolExecutor
import numpy as np
import graphmax as gm
from graphmax.kernels import compiled
compiled.ENTRIES_WORTH_THREADS = 0

graph = gm.grid_graph((60, 60))
values = np.random.default_rng(0).random(3600)
right = gm.local_maxima(graph, values, 2)
with ThreadPoolExecutor(8) as pool:
    answers = list(pool.map(lambda _: gm.local_maxima(graph, values, 2), range(200)))
print(all((answer == right).all() for answer in answers))
"""


@pytest.mark.compiled
def test_eight_threads_without_openmp():
    env = {"NUMBA_THREADING_LAYER": "workqueue", "NUMBA_NUM_THREADS": "2"}
    assert child(THREADS, env=env).stdout == "True\n"


# --- rounds


def test_rounds_end_when_nothing_changes():
    """A path of ten nodes needs nine rounds, whatever number of hops is asked for."""
    from graphmax.kernels.hopmax import hop_max, rivals_within

    rows, key = gm.Graph.from_edges(range(9), range(1, 10)).adjacency(), np.arange(10) % 7
    arguments = rows.indptr, rows.indices, key, np.zeros(0, bool)
    rounds = list(hop_max(*arguments, 12))
    assert len(rounds) == 12
    for hops in (1, 5, 12):
        assert_array_equal(rivals_within(*arguments, hops), rounds[hops - 1])
    assert_array_equal(rivals_within(*arguments, 10**18), rounds[-1])
    graph = gm.Graph.from_edges(range(9), range(1, 10))
    assert_array_equal(gm.margin(graph, key, 10**15), gm.margin(graph, key, 9))
