# Which countries are regional economic powers, and how deep must one go to walk to a larger one?

# %% The countries of the world; an edge is a land border
import csv

import numpy as np

import graphmax as gm
from graphmax.machine import dataset_path
from graphmax.plotting import plot_peaks

graph = gm.read_graph(dataset_path("countries/countries.graphml"))
with dataset_path("countries/places.csv").open(encoding="utf-8") as lines:
    places = {row["id"]: (float(row["lon"]), float(row["lat"])) for row in csv.DictReader(lines)}

# %% A power has a larger economy than every neighbor; its prominence is what it stands above the
# poorest country on the best way to a larger economy
powers = gm.find_peaks(graph, "gdp", isolated=False)
name = graph.label_of
print(f"{'GDP':>10} {'prominence':>10}  {'power':<24} {'over':<14} {'to':<12} countries")
for power in list(powers)[:12]:
    over, to = (name(node) if node >= 0 else "-" for node in (power.key_saddle, power.parent))
    print(
        f"{power.value:>10,} {power.prominence:>10,.0f}  {power.label:<24} {over:<14} {to:<12} "
        f"{power.basin_size:>9}"
    )
print("in million US$; countries: those whose way up the steepest border ends there")

# %% Few stay when smaller swells are left out; each hands its countries to its nearest ancestor
for least in (0, 100_000, 500_000, 1_000_000):
    great = powers[powers.prominence >= least]
    sizes = zip(great.label[:4], great.basin_size[:4].tolist(), strict=True)
    told = ", ".join(f"{label} {size}" for label, size in sizes)
    print(f"prominence of at least {least:>9,}: {len(great):>2} powers: {told}, ...")

# %% The map: marks as large as the prominence, countries in the color of their power
positions = np.array([places[label] for label in graph.labels])
title = "Regional economic powers and the countries that look up to them"
plot_peaks(graph, powers, positions=positions, title=title, path="economic-powers.png")
print("Picture: economic-powers.png")
