"""Significance of peaks: against plain NumPy, under the null, with planted bumps."""

import numpy as np
import pytest
from scipy.stats import binomtest, false_discovery_control, ttest_1samp, ttest_ind

import graphmax as gm
from graphmax.generators import gaussian_field
from graphmax.significance import benjamini_hochberg

GRID = gm.grid_graph((8, 8))


def rough(rng):
    return rng.normal(size=64)


def smooth(rng):
    return gaussian_field(GRID, 0.4, 2, generator=rng)


def drawn(draw, count, seed):
    rng = np.random.default_rng(seed)
    return np.stack([draw(rng) for _ in range(count)], axis=1)


def test_heights_are_those_of_max_t_in_plain_numpy():
    """The highest node of a field is its highest peak, so that maxT needs no peaks at all."""
    y, nulls = smooth(np.random.default_rng(1)), drawn(smooth, 199, 2)
    found = gm.peak_significance(GRID, y, nulls)
    highest = nulls.max(axis=0)
    expected = [(1 + (highest >= height).sum()) / 200 for height in found.peaks.value]
    np.testing.assert_allclose(found.p_value, expected)
    assert found.draws == 199


def test_prominence_and_q_by_a_loop_over_tables():
    y, nulls = smooth(np.random.default_rng(1)), drawn(smooth, 49, 3)
    rule = gm.Rule(hops=2)
    for statistic, column in (("height", "value"), ("prominence", "prominence")):
        found = gm.peak_significance(GRID, y, nulls, statistic=statistic, rule=rule)
        tables = [getattr(gm.find_peaks(GRID, null, rule=rule), column) for null in nulls.T]
        score = getattr(gm.find_peaks(GRID, y, rule=rule), column)
        highest = np.array([table.max() for table in tables])
        np.testing.assert_allclose(
            found.p_value, (1 + (highest[:, None] >= score).sum(0)) / 50
        )  # fmt: skip
        pooled = np.concatenate(tables)
        single = (1 + (pooled[:, None] >= score).sum(0)) / (1 + pooled.size)
        np.testing.assert_allclose(found.q_value, false_discovery_control(single))


def test_a_plateau_is_one_peak_of_a_null():
    path, y = gm.grid_graph(6), np.array([0.0, 3.0, 0.0, 1.0, 0.0, 0.5])
    null = np.array([0.0, 1.0, 1.0, 0.0, 2.0, 0.0])
    found = gm.peak_significance(path, y, np.tile(null[:, None], 19))
    pooled = np.array([(null[[1, 4]] >= value).sum() for value in (3, 1, 0.5)]) * 19
    np.testing.assert_allclose(found.q_value, false_discovery_control((1 + pooled) / 39))


def test_minima_are_maxima_of_the_negative():
    y, nulls = smooth(np.random.default_rng(1)), drawn(smooth, 99, 2)
    for statistic in ("height", "prominence"):
        low = gm.peak_significance(
            GRID, -y, -nulls, statistic=statistic, rule=gm.Rule(extremum="min")
        )  # fmt: skip
        high = gm.peak_significance(GRID, y, nulls, statistic=statistic)
        np.testing.assert_array_equal(low.p_value, high.p_value)
        np.testing.assert_allclose(low.q_value, high.q_value)


def test_benjamini_hochberg():
    p = np.random.default_rng(0).uniform(size=50) ** 2
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p))
    assert benjamini_hochberg(np.zeros(0)).size == 0


def false_alarms(draw, statistic, repeats, draws=99):
    """In how many repeats without signal something is called significant at .05."""
    alarms = 0
    for repeat in range(repeats):
        fields = drawn(draw, draws + 1, (repeat, 7))
        found = gm.peak_significance(GRID, fields[:, 0], fields[:, 1:], statistic=statistic)
        alarms += bool(found.significant().any())
    return alarms


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("draw", [rough, smooth])
@pytest.mark.parametrize("statistic", ["height", "prominence"])
def test_family_wise_error_is_what_it_says(draw, statistic):
    """500 repeats: inside the binomial interval of .05 (no field here has ties)."""
    alarms = false_alarms(draw, statistic, 500)
    assert binomtest(alarms, 500, 0.05).pvalue > 0.01


def test_family_wise_error_in_few_repeats():
    assert binomtest(false_alarms(rough, "height", 60), 60, 0.05).pvalue > 0.01


def test_planted_bumps_are_found_and_few_others():
    """Power, and false discoveries among what is called at q = .1, over repeats."""
    rng = np.random.default_rng(0)
    grid = gm.grid_graph((16, 16))
    rows, columns = np.divmod(np.arange(256), 16)
    centers = [(3, 3), (3, 12), (12, 3), (12, 12)]
    squares = [(rows - r) ** 2 + (columns - c) ** 2 for r, c in centers]
    bumps = 4.5 * np.exp(-np.array(squares) / 3).sum(0)
    nulls = rng.normal(size=(256, 99))
    rates, found_at_all = [], []
    for _ in range(20):
        found = gm.peak_significance(grid, bumps + rng.normal(size=256), nulls)
        nodes = found.peaks.nodes[found.q_value <= 0.1]
        distance = np.min([square[nodes] for square in squares], axis=0)
        rates.append((distance > 9).mean() if nodes.size else 0.0)  # beyond the flank of any bump
        found_at_all.append((distance <= 4).sum())
        assert found.significant(0.2).sum() >= found.significant().sum()
    assert np.mean(rates) < 0.15
    assert np.mean(found_at_all) > 3


def maps(subjects, shift, seed=0):
    rng = np.random.default_rng(seed)
    fields = np.stack([smooth(rng) for _ in range(subjects)])
    fields /= fields.std()
    fields[:, 27] += shift
    return fields


def test_sign_flips_of_a_group():
    fields = maps(16, 4.0)
    found = gm.peak_significance(GRID, fields, "signflip", seed=1)
    np.testing.assert_allclose(found.peaks.value[0], ttest_1samp(fields, 0).statistic.max())
    assert found.peaks.nodes[0] == 27
    assert found.p_value[0] <= 0.01
    assert not gm.peak_significance(GRID, maps(16, 0.0, 3), "signflip").significant().any()


def test_labels_of_two_groups():
    fields = np.concatenate([maps(10, 0.0, 1), maps(12, 4.0, 2)])
    design = ["before"] * 10 + ["later"] * 12
    found = gm.peak_significance(GRID, fields, "permute-labels", design=design)
    expected = ttest_ind(fields[10:], fields[:10]).statistic
    np.testing.assert_allclose(found.peaks.value[0], expected.max())
    assert found.peaks.nodes[0] == 27
    assert found.significant()[0]
    assert found.significant().sum() == 1


def test_null_of_the_fitted_field():
    rng = np.random.default_rng(4)
    y = smooth(rng)
    y = y / y.std() + 0.3 * rng.normal(size=64)
    nothing = gm.peak_significance(GRID, y, "field", max_draws=199)
    assert not nothing.significant().any()
    y[27] += 8
    assert gm.peak_significance(GRID, y, "field", max_draws=199).peaks.nodes[0] == 27


def test_draws_end_when_decisions_stand():
    y = np.zeros(64)
    y[27] = 50.0
    y += 1e-3 * np.arange(64)
    easy = gm.peak_significance(GRID, y, rough)
    assert easy.draws < 500
    assert easy.p_value[0] == 1 / (1 + easy.draws)
    level = np.quantile(drawn(rough, 2000, 0).max(axis=0), 0.95)
    y[27] = level  # as close to .05 as can be
    hard = gm.peak_significance(GRID, y, rough, max_draws=999)
    assert hard.draws == 999
    again = gm.peak_significance(GRID, y, rough, max_draws=999)
    np.testing.assert_array_equal(hard.p_value, again.p_value)


def test_nodes_without_a_value_are_absent_in_nulls_too():
    y = smooth(np.random.default_rng(1))
    y[20:30] = np.nan
    nulls = drawn(smooth, 99, 2)
    found = gm.peak_significance(GRID, y, nulls)
    rest = ~np.isnan(y)
    highest = nulls[rest].max(axis=0)
    expected = [(1 + (highest >= height).sum()) / 100 for height in found.peaks.value]
    np.testing.assert_allclose(found.p_value, expected)
    where = gm.peak_significance(GRID, np.nan_to_num(y), nulls, where=rest)
    np.testing.assert_allclose(where.p_value, found.p_value)


def test_table():
    found = gm.peak_significance(GRID, smooth(np.random.default_rng(1)), rough, max_draws=19)
    table = found.to_pandas()
    assert {"node", "value", "prominence", "p_value", "q_value"} <= set(table.columns)
    assert len(table) == len(found)
    assert repr(found).startswith(f"PeakSignificance({len(found)} peaks, ")


@pytest.mark.parametrize(
    ("values", "nulls", "options", "error", "words"),
    [
        (rough, np.ones((64, 18)), {}, ValueError, "at least 19 draws for alpha=0.05, got 18"),
        (rough, np.ones((64, 50)), {"alpha": 0.01}, ValueError, "at least 99 draws"),
        (rough, np.ones((63, 50)), {}, ValueError, r"must have shape \(64, B\), got \(63, 50\)"),
        (rough, rough, {"max_draws": 10}, ValueError, "`max_draws` must be at least 19, got 10"),
        (rough, rough, {"alpha": 1.0}, ValueError, "`alpha` must be below 1"),
        (rough, rough, {"statistic": "mass"}, ValueError, "`statistic` must be"),
        (rough, "shuffle", {}, ValueError, "`nulls` must be"),
        (rough, lambda rng: np.ones(3), {}, ValueError, r"one entry per node \(64,\), got \(3,\)"),
        (rough, lambda rng: ["a"] * 64, {}, TypeError, "must draw real numbers"),
        (rough, object(), {}, TypeError, "a function of a Generator, or a word, got object"),
        (rough, rough, {"design": [0, 1]}, TypeError, "`design` must not be given"),
        (rough, "signflip", {}, ValueError, r"shape \(subjects, 64\)"),
        (lambda rng: maps(6, 0), rough, {}, ValueError, "`values` must have"),
        (lambda rng: maps(4, 0), "signflip", {}, ValueError, "only 16 ways to flip"),
        (lambda rng: maps(4, 0), "permute-labels", {"design": [0, 1, 1, 1]}, ValueError, "only 4"),
        (lambda rng: maps(4, 0), "permute-labels", {"design": [0, 1, 2, 1]}, ValueError, "3 groups"),
        (lambda rng: maps(4, 0), "permute-labels", {}, ValueError, "`design` must name"),
    ],
)  # fmt: skip
def test_what_is_refused(values, nulls, options, error, words):
    with pytest.raises(error, match=words):
        gm.peak_significance(GRID, values(np.random.default_rng(0)), nulls, **options)
