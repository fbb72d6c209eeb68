"""Which call takes which field: the table of the definition, spelled out once more."""

import pytest

from graphmax.calls import CALLS, rule_of
from graphmax.ties import TIES

# hops, radius, arrays for them, isolated, extremum, where, groups, columns: what a call takes.
TAKEN = {
    "local_maxima": "hops radius arrays isolated extremum where groups columns",
    "local_minima": "hops radius arrays isolated where groups columns",
    "explain": "hops radius arrays isolated extremum where groups",
    "isolation": "extremum where groups columns",
    "margin": "hops radius extremum where groups columns",
    "rivals": "hops radius extremum where groups columns",
    "find_peaks": "hops radius arrays isolated extremum where groups",
    "basins": "extremum where groups",
    "merge_tree": "extremum where groups",
    "non_maximum_suppression": "hops radius arrays where groups",
    "edge_maxima": "hops groups",
    "edge_peaks": "hops isolated extremum where groups",
    "neighborhoods": "hops radius isolated extremum where columns",
    "center_is_maximum": "hops isolated columns",
    "local_maxima_tables": "hops isolated extremum",
    "PeakDetector": "hops isolated extremum",
    "pixels": "extremum where",
}
ALL, LOCAL, PEAK = (
    ("strict", "weak", "plateau", "index"),
    ("strict", "weak", "index"),
    "plateau strict",
)
# ties, nan, absent in words, the default first; direction: all, undirected or both, none.
WORDS = {
    "local_maxima": (ALL, "raise omit", "pass block", "all"),
    "local_minima": (ALL, "raise omit", "pass block", "all"),
    "explain": (ALL, "raise omit", "pass block", "all"),
    "isolation": (ALL, "raise omit", "pass block", "all"),
    "margin": ((), "raise omit", "pass block", "all"),
    "rivals": ((), "raise omit", "pass block", "all"),
    "find_peaks": (PEAK, "omit raise", "block", "undirected"),
    "basins": ((), "omit raise", "block", "undirected"),
    "merge_tree": ((), "omit raise", "block", "undirected"),
    "non_maximum_suppression": ((), "omit raise", "block", "undirected"),
    "edge_maxima": ("strict weak", "", "", "none"),
    "edge_peaks": (PEAK, "raise", "block", "none"),
    "neighborhoods": (LOCAL, "raise omit", "pass", "all"),
    "center_is_maximum": ("strict weak", "", "", "none"),
    "local_maxima_tables": (LOCAL, "raise omit", "pass", "all"),
    "PeakDetector": ("strict weak", "raise", "pass", "all"),
    "pixels": (ALL, "raise omit", "pass", "none"),
}  # fmt: skip
GIVEN = {"hops": 2, "radius": 1.5, "isolated": False, "extremum": "min", "direction": "both"}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_takes_the_fields_of_the_table_and_no_others(call):
    record, taken = CALLS[call], TAKEN[call].split()
    names = ["hops", "radius", "arrays", "isolated", "extremum", "where", "groups", "columns"]
    assert [name for name in names if getattr(record, name)] == taken
    ties, nan, absent, direction = WORDS[call]
    words = [tuple(w.split()) if isinstance(w, str) else w for w in (ties, nan, absent)]
    assert [record.ties, record.nan, record.absent] == words
    assert record.direction == direction


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", GIVEN)
def test_a_field_that_is_not_taken_is_refused_with_the_way_out(call, name):
    is_taken = name in TAKEN[call] or (name == "direction" and WORDS[call][3] != "none")
    if is_taken:
        assert getattr(rule_of(call, **{name: GIVEN[name]}), name) == GIVEN[name]
    else:
        with pytest.raises(TypeError, match=rf"`{name}` must not be given to {call}; .{{8}}"):
            rule_of(call, **{name: GIVEN[name]})


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", ["ties", "nan", "absent"])
@pytest.mark.parametrize("word", ["strict", "plateau", "index", "omit", "raise", "block", "pass"])
def test_a_word_that_is_not_taken_is_refused(call, name, word):
    words = {"ties": ALL, "nan": ("raise", "omit"), "absent": ("pass", "block")}[name]
    taken = WORDS[call][("ties", "nan", "absent").index(name)]
    taken = taken.split() if isinstance(taken, str) else taken
    if word not in words:
        return
    if word in taken:
        assert getattr(rule_of(call, **{name: word}), name) == word
    else:
        with pytest.raises((TypeError, ValueError), match=rf"`{name}` must"):
            rule_of(call, **{name: word})


def test_a_network_learns_the_rules_that_treat_equal_nodes_alike():
    assert [name for name, record in TIES.items() if record.learnable] == ["strict", "weak"]
    assert [name for name, record in TIES.items() if record.by_plateau] == ["plateau"]


def test_a_mistyped_name_hints_at_fields_that_the_call_takes():
    with pytest.raises(TypeError, match=r"`radiu` must be a field of Rule .*did you mean 'radius'"):
        rule_of("local_maxima", radiu=2)
    with pytest.raises(TypeError, match=r"`radiu` must be a field of Rule") as told:
        rule_of("edge_maxima", radiu=2)
    assert "'radius'" not in str(told.value)
