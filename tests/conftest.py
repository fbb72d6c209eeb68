"""Profiles of Hypothesis, warnings of others, and tests that need a graphics card."""

import os
import signal

import numba
import pytest
from hypothesis import HealthCheck, settings

CALM = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("default", max_examples=200, **CALM)
settings.register_profile("ci", max_examples=200, derandomize=True, print_blob=True, **CALM)
settings.register_profile("brief", max_examples=15, derandomize=True, **CALM)
settings.register_profile("long", max_examples=5000, **CALM)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") == "true" else "default")
)


def pytest_configure(config):
    """Let Ctrl-C reach the processes under test, and PyG be imported: its call is deprecated."""
    # A job that a shell put in the background ignores Ctrl-C, and so would every process it starts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    ignored = "ignore:`torch.jit.script` is deprecated:DeprecationWarning"
    config.addinivalue_line("filterwarnings", ignored)


def pytest_collection_modifyitems(items):
    """Skip what needs a graphics card where there is none, and say so."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if marked and not cuda_is_there():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device, none was found"))


@pytest.fixture(scope="module")
def one_thread():
    """Run thousands of tiny calls without waiting for a second thread on a busy machine."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


def cuda_is_there():
    import torch

    return torch.cuda.is_available()
