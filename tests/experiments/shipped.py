"""Train the detectors that come with the package, and write a card for each.

Floor and ceiling are those of `known_attribute` (0 errors) and `noisy_attribute` (raw rule, Bayes).

Run: python -m tests.experiments.shipped [attribute] [noisy]
"""

import sys

import graphmax as gm
from graphmax.nn.parts import SHIPPED
from tests.experiments import known_attribute, noisy_attribute

SIGMAS = (0.5, 1.0, 2.0)
CARD = """# {name}

{what}

- Trained on: {trained}
- Measured on: {measured}
- Load: `PeakDetector.from_pretrained("{name}")`; parameters: {parameters}
- Made by: `python -m tests.experiments.shipped`
"""


def ship(name, detector, **told):
    """Write a detector and its card."""
    detector.save_pretrained(SHIPPED / name)
    parameters = sum(parameter.numel() for parameter in detector.parameters())
    card = CARD.format(name=name, parameters=parameters, **told)
    (SHIPPED / name / "README.md").write_text(card, encoding="utf-8")


def ship_attribute(hops, *, train=100):
    """Ship a detector of a known attribute that learned its radius from labels."""
    detector = gm.PeakDetector(hops="learn")
    gm.fit(detector, known_attribute.training_graphs(hops, 0, train), progress=False)
    rng = known_attribute.np.random.default_rng((0, 9))
    errors = judged = 0
    for graph in known_attribute.test_graphs(100_000, 9).values():
        values = rng.normal(size=graph.num_nodes)
        wrong = detector.predict((graph, values)) != gm.local_maxima(graph, values, hops)
        errors, judged = errors + int(wrong.sum()), judged + graph.num_nodes
    ship(
        f"attribute-{hops}-hop{'s' * (hops > 1)}", detector,
        what=f"Is this node a strict maximum of a known attribute within {hops} hops? "
        "The radius was learned from labels; the decision is exact for any values.",
        trained=f"{train} Erdos-Renyi graphs of 30 nodes, mean degree 3, normal values.",
        measured=f"four other families, {judged:,} nodes: {errors} errors.",
    )  # fmt: skip
    return errors


def ship_noisy(sigma, *, graphs=200, nodes=50_000, samples=1600):
    """Ship a detector of an attribute that is seen with noise."""
    detector = noisy_attribute.trained(1, 1, sigma, 0, graphs=graphs)
    rng = noisy_attribute.np.random.default_rng((0, 9))
    measured = []
    for name, graph in noisy_attribute.families(nodes, rng).items():
        answers = noisy_attribute.judged(detector, graph, 1, 1, sigma, rng, samples=samples)
        raw, learned, best, *_ = noisy_attribute.shares(answers)
        measured.append(f"{name} {learned:.4f} (raw rule {raw:.4f}, Bayes {best:.4f})")
    ship(
        f"noisy-{sigma:g}", detector,
        what="Is this node a strict 1-hop maximum of a smooth attribute of which only values with "
        f"noise are given? The noise has {sigma:g} times the deviation of the attribute. Give values "
        "of mean 0 in units of the deviation of the attribute without noise: values of deviation "
        f"{(1 + sigma**2) ** 0.5:.3g} altogether.",
        trained=f"{graphs} Erdos-Renyi graphs of 300 nodes, mean degree 6, Gaussian fields of "
        "precision I / 4 + L.",
        measured=f"graphs of {nodes:,} nodes of other families, average precision: "
        + "; ".join(measured) + f". Bayes from {samples:,} posterior samples.",
    )  # fmt: skip
    return measured


def main():
    """Ship all, or the kinds that are named."""
    kinds = sys.argv[1:] or ["attribute", "noisy"]
    if "attribute" in kinds:
        for hops in (1, 2, 3):
            print(f"attribute, {hops} hops: {ship_attribute(hops)} errors", flush=True)
    if "noisy" in kinds:
        for sigma in SIGMAS:
            print(f"noisy, sigma {sigma}: {'; '.join(ship_noisy(sigma))}", flush=True)


if __name__ == "__main__":
    main()
