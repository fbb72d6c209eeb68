# Somebody marked the peaks of one graph of 40 nodes: how far did they look?
# %%
import numpy as np
import torch

import graphmax as gm
from graphmax.generators import erdos_renyi

torch.set_num_threads(1)
rng = np.random.default_rng(0)

# %% One graph for each radius; only the labels know which it was.
print("true k   learned k   wrong labels by k = 1..4")
for hops in (1, 2, 3):
    graph = erdos_renyi(40, 2.5 / 40, generator=rng)
    values = rng.normal(size=40)
    data = graph.to_data()
    data.x = torch.from_numpy(values)[:, None]
    data.y = torch.from_numpy(gm.local_maxima(graph, values, hops))

    detector = gm.PeakDetector(hops="learn", max_hops=4)
    gm.fit(detector, [data], progress=False)
    wrong = [gm.evaluate(gm.Rule(hops=k), [data]).errors for k in (1, 2, 3, 4)]
    print(f"{hops:6d}   {detector.hops_:9d}   {wrong}")

# %% What it learned holds on any graph, whatever the values look like.
large = erdos_renyi(20_000, 6 / 20_000, generator=rng)
heavy = rng.standard_cauchy(20_000)
same = detector.predict((large, heavy)) == gm.local_maxima(large, heavy, 3)
print(f"on 20,000 nodes with heavy-tailed values: {(~same).sum()} errors")
