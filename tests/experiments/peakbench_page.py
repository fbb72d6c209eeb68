"""Write the tables of docs/peakbench.md and the cards of the tasks in datasets/peakbench/cards.

Run: python -m tests.experiments.peakbench_page
"""

import contextlib
from pathlib import Path

from graphmax import benchmark
from graphmax.benchmark.bench_run import (
    longest_runs,
    markdown_table,
    read_rows,
    slug,
    summary_rows,
    table_rows,
    tracks_of,
)
from graphmax.benchmark.task_list import SPECS
from graphmax.machine import dataset_path

PAGE = Path(__file__).parents[2] / "docs" / "peakbench.md"
BEGIN, END = "<!-- tables -->\n", "<!-- end -->"


def tables():
    """Return the tables of all tasks that have results: of the full track where it has been run."""
    everything = read_rows(dataset_path("peakbench/results"))
    rows = longest_runs(everything)
    have = tracks_of(rows)
    parts = [
        f"\n### All tasks: means over their test sets\n\n{markdown_table(summary_rows(rows))}\n"
    ]
    for task, track in have.items():
        parts += [f"\n### `{task}`: {track} track\n\n{markdown_table(table_rows(rows, task))}\n"]
        quick = [row for row in everything if row["task"] == task and row["track"] == "quick"]
        if track == "full" and quick:
            table = markdown_table(table_rows(quick, task))
            parts += [f"\nThe same on the quick track:\n\n{table}\n"]
    return "".join(parts) + "\n"


def main():
    """Replace what stands between the two marks; a card is kept where its packages are missing."""
    folder = Path(__file__).parents[2] / "datasets" / "peakbench" / "cards"
    folder.mkdir(exist_ok=True)
    for task in SPECS:
        with contextlib.suppress(ModuleNotFoundError):
            (folder / f"{slug(task)}.md").write_text(benchmark.card_of(task))
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + tables() + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
