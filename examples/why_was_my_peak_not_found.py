# Why was my peak not found?

# %% A signal with a bump at 5, a flat top at 9 and 10, and a gap at 14
import numpy as np

import graphmax as gm

signal = np.array([0, 2, 9, 4, 3, 5, 4, 1, 2, 6, 6, 1, 3, 7, np.nan, 8, 2, 1])
line = gm.grid_graph(signal.size)


def asked(node, hops=1, **fields):
    answer = gm.explain(line, signal, node, hops, nan="omit", **fields)
    who = (
        f"node {answer.witness} of value {signal[answer.witness]:g}" if answer.witness >= 0 else ""
    )
    path = " - ".join(map(str, answer.path)) if answer.witness >= 0 else ""
    told = "a maximum" if answer.is_maximum else f"no maximum: {answer.reason} {who} ({path})"
    assert answer.verify(line, signal)  # the answer can be checked without trusting us
    return told


# %% Reason 1: the window is too wide. The witness is the nearest node that stands against it
print("node 5, 1 hop :", asked(5))
print("node 5, 3 hops:", asked(5, 3))

# %% Reason 2: a flat top. Each of its nodes is challenged by the other, unless it speaks for both
print("node 9, strict :", asked(9))
print("node 9, plateau:", asked(9, ties="plateau"))

# %% Reason 3: a gap. Paths run through it by default, and `absent="block"` stops them
print("node 13, 2 hops, pass :", asked(13, 2))
print("node 13, 2 hops, block:", asked(13, 2, absent="block"))

# %% Reason 4: a filter. The table without filters says how far each peak is from passing
wanted = {"min_height": 5, "min_prominence": 3, "min_isolation": 3, "min_distance": 5}
table = gm.find_peaks(line, signal)
print(f"\n{'node':>4} {'value':>5} {'prominence':>10} {'isolation':>9}  lost to")
for peak in table:
    lost = [
        name
        for name, measure in (
            ("min_height", peak.value),
            ("min_prominence", peak.prominence),
            ("min_isolation", peak.isolation),
        )
        if measure < wanted[name]
    ]
    others = {name: bound for name, bound in wanted.items() if name != "min_distance"}
    passes = gm.find_peaks(line, signal, **others).nodes
    near = [n for n in gm.find_peaks(line, signal, **wanted).nodes if abs(n - peak.node) < 5]
    if not lost and peak.node in passes and peak.node not in near:
        lost = [f"min_distance ({near[0]} goes first)"]
    print(
        f"{peak.node:>4} {peak.value:>5g} {peak.prominence:>10g} {peak.isolation:>9g}  "
        f"{', '.join(lost) or 'nothing: it is there'}"
    )

# %% Reason 5: you asked for something else. `hops=d` asks every node, `min_distance=d` thins
print("\nhops=3        :", gm.find_peaks(line, signal, 3).nodes)
print("min_distance=4:", gm.find_peaks(line, signal, min_distance=4).nodes)
