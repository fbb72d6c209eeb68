"""How a call runs: on any number of threads, from several at once, and until Ctrl-C."""

import signal
import subprocess
import sys
import textwrap

import pytest

CALLS = """
    from concurrent.futures import ThreadPoolExecutor

    import numba
    import numpy as np

    import graphmax as gm

    generator = np.random.default_rng(0)
    src, dst = generator.integers(0, 20_000, (2, 100_000))
    lengths = generator.random(100_000)
    graph = gm.Graph.from_edges(src, dst, 20_000, weights=lengths, directed=True)
    attributes = [generator.integers(0, 1_000, 20_000) for _ in range(8)]


    def answer(values):
        masks = [
            gm.local_maxima(graph, values, hops, ties=ties)
            for hops in (1, 2)
            for ties in ("strict", "weak", "plateau", "index")
        ]
        far = gm.isolation(graph, values, direction="both")
        long = gm.isolation(graph, values, weighted=True, max_distance=0.5)
        return [*masks, *far, *long, gm.margin(graph, values, 2)]


    def assert_same(found, expected):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    expected = [answer(values) for values in attributes]
    numba.set_num_threads(threads)
"""

EVERY_THREAD = """
    for values, alone in zip(attributes, expected, strict=True):
        assert_same(answer(values), alone)
    print("the same", flush=True)
"""

SEVERAL_AT_ONCE = """
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(answer, attributes))
    for found, alone in zip(together, expected, strict=True):
        assert_same(found, alone)
    print("the same", flush=True)
"""

# On a constant graph with one higher node every node searches half of the graph: hours.
ENDLESS = """
    import numpy as np

    import graphmax as gm

    generator = np.random.default_rng(0)
    src, dst = generator.integers(0, 300_000, (2, 900_000))
    graph = gm.Graph.from_edges(src, dst, 300_000, weights=np.ones(900_000))
    # Compiled first, for as many threads: an interrupt must meet the search, not the compiler.
    gm.isolation(graph, generator.random(300_000), ties="weak", weighted={weighted}, max_distance=1)
    values = np.zeros(300_000)
    values[-1] = 1
    print("ready", flush=True)
    try:
        gm.isolation(graph, values, ties="weak", weighted={weighted})
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    else:
        print("finished", flush=True)
"""


def start(script):
    command = [sys.executable, "-c", textwrap.dedent(script)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **pipes)


@pytest.mark.parametrize("script", [EVERY_THREAD, SEVERAL_AT_ONCE])
def test_threads_change_no_answer(script):
    """In a process of its own: threading layers that cannot be shared abort the process."""
    process = start(CALLS + script)
    output, errors = process.communicate(timeout=200)
    assert (process.returncode, output) == (0, "the same\n"), errors


@pytest.mark.parametrize("weighted", [False, True])
def test_an_interrupt_ends_a_long_search(weighted):
    process = start(ENDLESS.format(weighted=weighted))
    try:
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=15)
    finally:
        process.kill()
    assert output == "interrupted\n", errors
