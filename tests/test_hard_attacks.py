"""The attacks that are run by hand start, count, and see what goes wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent / "attacks" / "run.py"


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_thousandth_of_every_attack(tmp_path):
    record = tmp_path / "attacks.jsonl"
    command = [sys.executable, str(RUN), "--scale", "0.001", "--record", str(record)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout
    again = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert again.stdout.splitlines() == done.stdout.splitlines()[-len(again.stdout.splitlines()) :]
    assert all(json.loads(line)["tried"] for line in record.read_text().splitlines())
