"""Power laws are found again, the doubt is about right, and a crossing is said only where there is one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.evaluation import pairs, resampling
from worker.evaluation.data_curve import Crossing, Rung, crossing, forecasts, gain, lines
from worker.evaluation.data_verdict import report, sentence

ROWS = (125, 250, 500, 1000)
LABELS = {"finetuned": "Fine-tuning", "rag": "RAG", "ridge": "Ridge on words"}

BEHIND, AHEAD, EQUAL = (3.0, 1.0, 5.0), (-3.0, -5.0, -1.0), (0.5, -1.0, 2.0)  # measured: $ of the way less the other's


def law(way: str, level: float, slope: float, *, seed: int = 0, noise: float = 0.0, rows=ROWS, m: int = 100):
    """Rungs whose mean error is exactly level * n ** -slope, moved by `noise` (log scale); errors differ by row."""
    random = np.random.default_rng([seed, len(way)])
    shape = np.random.default_rng(seed).exponential(1.0, m)
    shape /= shape.mean()
    return [Rung(way, n, shape * level * n**-slope * np.exp(random.normal(0, noise))) for n in rows]


@given(st.floats(1, 1e5), st.floats(0.0, 0.9))
@settings(max_examples=25, deadline=None)
def test_an_exact_law_is_found_again(level, slope):
    line = lines(law("rag", level, slope))["rag"]
    assert line.slope == pytest.approx(slope, abs=1e-6)
    middle, low, high = line.at(5000)
    assert middle == pytest.approx(level * 5000**-slope, rel=1e-4)
    assert low <= middle <= high


def test_a_gain_is_the_difference_of_two_laws_and_what_moves_both_cancels_out():
    fitted = lines(law("finetuned", 200.0, 0.4) + law("rag", 100.0, 0.2))
    tuned, rag = fitted["finetuned"], fitted["rag"]
    middle, low, high = gain(tuned, 4000, rag, 4000)
    assert middle == pytest.approx(200 * 4000**-0.4 - 100 * 4000**-0.2, rel=1e-4)
    assert low < middle < high
    assert gain(rag, 1000, rag, 1000) == (0.0, 0.0, 0.0)
    alone = tuned.at(4000)
    twice = gain(tuned, 4000, tuned, 2000)
    assert twice[2] - twice[1] < alone[2] - alone[1]


def test_an_error_that_grows_with_rows_is_taken_for_one_that_stays():
    line = lines(law("rag", 100.0, -0.3))["rag"]
    assert line.slope == 0.0


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    held = [
        told.held
        for seed in range(60)
        for told in forecasts([r for way in LABELS for r in law(way, 300.0, 0.2, seed=seed, noise=0.04)])
    ]
    assert 0.6 <= np.mean(held) <= 0.97


def test_the_largest_part_is_foretold_without_being_looked_at():
    rungs = law("rag", 300.0, 0.2)
    changed = [*rungs[:-1], Rung("rag", 1000, rungs[-1].errors * 2)]
    [plain], [other] = forecasts(rungs), forecasts(changed)
    assert plain.off == pytest.approx(0.0, abs=1e-6)
    assert plain.held
    assert (other.foretold, other.was) == (plain.foretold, pytest.approx(plain.was * 2))
    assert not other.held


def test_a_steeper_law_crosses_where_arithmetic_says():
    found = lines([*law("finetuned", 900.0, 0.4, noise=0.001), *law("rag", 300.0, 0.2, noise=0.001)])
    met = crossing(found["finetuned"], found["rag"], 100, 1000)
    assert not met.is_ahead
    assert met.rows == pytest.approx(243.0, rel=0.05)  # (900 / 300) ** (1 / 0.2)
    assert met.low <= met.rows <= met.high
    assert sentence(met, LABELS, 100, 100, BEHIND).startswith("Fine-tuning passes RAG near 240 rows (80 % interval ")


def test_who_is_better_now_is_ahead_already():
    found = lines([*law("finetuned", 200.0, 0.3), *law("rag", 300.0, 0.2)])
    met = crossing(found["finetuned"], found["rag"], 1000, 10_000)
    assert met.is_ahead
    assert sentence(met, LABELS, 1000, 1000, AHEAD) == "Fine-tuning is ahead of RAG already, with 1,000 rows."


@pytest.mark.parametrize("measured", [(-3.0, -7.0, 1.0), (-3.0, np.nan, np.nan), (3.0, 1.0, 5.0)])
def test_curves_alone_call_nobody_ahead_whose_measured_errors_do_not_surely_differ(measured):
    found = lines([*law("finetuned", 200.0, 0.3), *law("rag", 300.0, 0.2)])
    met = crossing(found["finetuned"], found["rag"], 1000, 10_000)
    said = sentence(met, LABELS, 1000, 1000, measured)
    assert said.startswith("Fine-tuning and RAG are too close to call with 1,000 rows: ")
    assert ("too few rows to say" in said) is bool(np.isnan(measured[1]))


def test_two_ways_are_told_apart_by_the_rule_that_tells_techniques_apart():
    """All ways together, on the rows that all are measured on."""
    random = np.random.default_rng(3)
    errors = {way: random.gamma(2.0, 10.0 + place, 80) for place, way in enumerate(LABELS)}
    rungs = [Rung(way, n, each * (2000 / n) ** 0.2) for way, each in errors.items() for n in ROWS]
    made = report(rungs, {}, 1000, "finetuned", LABELS, 0.9)
    largest = np.stack([rung.errors for rung in rungs if rung.rows == 1000], axis=1)
    sample = pairs.Sample(largest, resampling.alone(80))
    (found,) = pairs.differences([sample], resampling.means, 2000, 0, 0.9)
    for each in made["crossings"]:
        asked = found.of(0, list(LABELS).index(each["over"]))
        assert (each["diff"], each["diff_low"], each["diff_high"]) == pytest.approx(asked)
    assert any("90 % interval" in each["sentence"] for each in made["crossings"])


@pytest.mark.slow
def test_equal_ways_are_hardly_ever_called_ahead_or_behind():
    """Six ways that err alike; curves alone called one of them ahead or behind much more often."""
    random = np.random.default_rng(4)
    labels = {f"way {number}": f"Way {number}" for number in range(6)}
    called, rounds = 0, 60
    for _ in range(rounds):
        hard = random.gamma(2.0, 20.0, 100)
        rungs = [Rung(way, n, hard * random.gamma(2.0, 0.5, 100) * n**-0.2) for way in labels for n in ROWS]
        made = report(rungs, {}, 1000, "way 0", labels)
        called += any("too close" not in each["sentence"] for each in made["crossings"])
    assert called <= 0.05 * rounds + 2 * np.sqrt(0.05 * 0.95 * rounds)


def test_a_lead_that_other_rows_might_undo_is_too_close_to_call_from_both_sides():
    found = lines([*law("finetuned", 299.0, 0.2, seed=1, noise=0.03), *law("rag", 300.0, 0.2, seed=2, noise=0.03)])
    met, back = (crossing(found[a], found[b], 1000, 10_000) for a, b in (("finetuned", "rag"), ("rag", "finetuned")))
    assert met.is_ahead != back.is_ahead
    assert 0.1 < met.share < 0.9
    for each, name in ((met, "Fine-tuning"), (back, "RAG")):
        said = sentence(each, LABELS, 1000, 1000, EQUAL)
        assert "too close to call with 1,000 rows" in said
        assert f"{name} is better in {100 * each.share:.0f} of 100 equally plausible readings of the curves" in said
        assert "does not pass" not in said


def test_what_is_too_close_now_is_told_with_its_crossing():
    close = Crossing("finetuned", "rag", False, 0.4, 1200.0, 1000.0, None)
    assert sentence(close, LABELS, 1000, 1000, EQUAL).endswith(
        "curves. Fine-tuning passes RAG near 1,200 rows (80 % interval 1,000 to more than 10,000)."
    )
    assert sentence(replace(close, rows=None), LABELS, 1000, 1000, EQUAL).endswith("of the curves.")
    sure = replace(close, share=0.1)  # 9 of 10 readings agree that it is behind
    assert sentence(sure, LABELS, 1000, 1000, BEHIND).startswith("Fine-tuning passes RAG near 1,200 rows")


def test_what_never_meets_or_too_far_away_is_not_promised():
    flat = lines([*law("finetuned", 400.0, 0.2), *law("rag", 300.0, 0.25)])
    far = lines([*law("finetuned", 900.0, 0.3), *law("rag", 300.0, 0.2)])
    for found in (flat, far):
        met = crossing(found["finetuned"], found["rag"], 1000, 10_000)
        assert met.rows is None
        assert sentence(met, LABELS, 1000, 1000, BEHIND).startswith(
            "Fine-tuning does not pass RAG within 10 times your 1,000 rows"
        )


def test_nothing_is_foretold_further_than_10_times_the_rows_measured_however_many_there_are():
    rungs = [*law("finetuned", 900.0, 0.3), *law("rag", 300.0, 0.2)]  # meet at 59,000 rows
    made = report(rungs, {}, 30_000, "finetuned", LABELS)
    assert (made["rows"], made["there"]) == (1000, 30_000)
    assert all(way["curve"][-1]["rows"] == pytest.approx(10_000) for way in made["ways"].values())
    [met] = made["crossings"]
    assert (met["rows"], met["high"]) == (None, None)
    assert "does not pass RAG within 10 times the 1,000 rows measured" in met["sentence"]
    assert met["sentence"].endswith("Ask with more rows to look further.")


def test_unanswered_rows_are_left_out_and_the_report_has_every_way():
    rungs = [*law("finetuned", 900.0, 0.4), *law("rag", 300.0, 0.2), *law("ridge", 250.0, 0.1)]
    rungs[0].errors[:7] = np.nan
    made = report(rungs, {("finetuned", 1000): 60.0}, 1000, "finetuned", LABELS)
    assert set(made["ways"]) == set(LABELS)
    assert made["ways"]["finetuned"]["points"][-1] == {
        "rows": 1000, "error": pytest.approx(900 * 1000**-0.4), "seconds": 60.0,
    }  # fmt: skip
    assert {each["over"] for each in made["crossings"]} == {"rag", "ridge"}
    assert {each["way"] for each in made["forecasts"]} == set(LABELS)
    curve = made["ways"]["rag"]["curve"]
    assert curve[0]["rows"] == pytest.approx(125)
    assert curve[-1]["rows"] == pytest.approx(10_000)
    assert all(point["low"] <= point["error"] <= point["high"] for point in curve)


def test_a_row_that_weighs_three_is_three_rows_in_points_forecasts_and_gaps():
    random = np.random.default_rng(3)
    counts = random.integers(1, 4, 80)
    hard = random.gamma(2.0, 20.0, 80)
    plain = [
        Rung(way, n, hard * random.gamma(2.0, 0.5, 80) * level * n**-0.2)
        for way, level in (("finetuned", 1.0), ("rag", 1.5))
        for n in (125, 250, 500, 1000)
    ]
    weighted = [Rung(each.way, each.rows, each.errors, counts.astype(float)) for each in plain]
    copies = [Rung(each.way, each.rows, np.repeat(each.errors, counts)) for each in plain]
    one, other, alike = (lines(rungs) for rungs in (weighted, copies, plain))
    for way in one:
        assert one[way].errors == pytest.approx(other[way].errors)
        assert one[way].errors != pytest.approx(alike[way].errors)
    assert [each.was for each in forecasts(weighted)] == pytest.approx([each.was for each in forecasts(copies)])
    (met,), (known,) = (report(rungs, {}, 1000, "finetuned", LABELS)["crossings"] for rungs in (weighted, copies))
    assert met["diff"] == pytest.approx(known["diff"])
    assert met["diff_low"] < known["diff_low"], "copies of a row are no rows more"
