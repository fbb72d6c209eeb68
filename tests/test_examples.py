import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


def test_there_are_examples():
    assert {script.stem for script in SCRIPTS} >= {"quickstart", "ties_and_plateaus"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_form(script):
    lines = script.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert "?" in lines[0]
    assert any(line.startswith("# %%") for line in lines)
    assert len(lines) <= 100


TWO_MINUTES = {"is_the_window_centered"}
RUNS = [
    pytest.param(
        script, id=script.stem, marks=[pytest.mark.slow] if script.stem in TWO_MINUTES else []
    )
    for script in SCRIPTS
]


@pytest.mark.parametrize("script", RUNS)
def test_run(script, tmp_path):
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=250
    )
    assert done.returncode == 0, done.stderr
    pictures = [line.removeprefix("Picture: ") for line in done.stdout.splitlines()]
    assert done.stdout.count("\n") > 2
    for name in (line for line in pictures if line.endswith(".png")):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
