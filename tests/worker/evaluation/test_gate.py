"""The gate's statistics: what is the same is kept, what is clearly worse fell, noise blocks hardly ever."""

import json
import math
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.evaluation import gate
from worker.evaluation.gate import FEWEST, Missing, Part, Report, Unit, judge, objection

UNITS: tuple[Unit, ...] = get_args(Unit)


def measured(unit: Unit, n: int = 60, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    if unit == "accuracy":
        return (random.random(n) < 0.85).astype(float)
    return random.gamma(4.0, 0.5, n)


def verdict(part: Part, worsening: float = 0.05, confidence: float = 0.95) -> str:
    return judge([part], worsening, confidence).findings[0].verdict


def test_every_unit_has_a_scale_with_words_for_readers_and_figures_that_can_be_written():
    assert set(gate.UNITS) == set(UNITS)
    for scale in gate.UNITS.values():
        assert scale.about.endswith(".")
        assert "prose" in scale.phrase.format("prose")
        assert scale.brief(0.5)
        assert scale.exact(0.5)


@pytest.mark.parametrize("unit", UNITS)
def test_an_adapter_that_answers_as_its_base_has_kept_everything(unit):
    report = judge([Part("prose", unit, measured(unit), measured(unit))], 0.05, 0.95)
    [finding] = report.findings
    assert (finding.verdict, finding.change, finding.low, finding.high) == ("kept", 0.0, 0.0, 0.0)
    assert objection(report) is None


@pytest.mark.parametrize("unit", UNITS)
def test_a_part_that_is_much_worse_fell(unit):
    base = measured(unit, 100)
    worse = np.where(np.arange(100) % 2 == 0, 0.0, base) if unit == "accuracy" else base * 1.5
    assert verdict(Part("prose", unit, base, worse)) == "fell"
    assert verdict(Part("prose", unit, worse, base)) == "kept", "better is no fall"


def test_perplexity_rises_by_what_the_logs_differ():
    base = measured("perplexity")
    [finding] = judge([Part("prose", "perplexity", base, base + math.log(1.38))], 0.05, 0.95).findings
    assert finding.change == pytest.approx(0.38)
    assert finding.adapted == pytest.approx(1.38 * finding.base)


def test_the_sentence_names_every_part_that_fell_by_how_much_and_what_is_allowed():
    base = measured("perplexity", 48)
    right = np.ones(100)
    fewer = np.where(np.arange(100) < 30, 0.0, 1.0)
    report = judge(
        [
            Part("neutral prose", "perplexity", base, base + np.log(1.38)),
            Part("general questions", "accuracy", right, fewer),
            Part("prices of other categories", "log-error", base, base),
        ],
        0.05,
        0.95,
    )
    questions = report.findings[1]
    assert questions.low is not None
    assert objection(report) == (
        "Perplexity on neutral prose rose by 38 % (at least 38 %) and the share of right answers to general questions "
        f"fell by 30 points (at least {100 * questions.low:.0f} points), more than the 5 % or 5 points that are "
        "allowed."
    )


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
def test_noise_around_no_change_is_blocked_at_most_as_often_as_the_confidence_allows(unit):
    """The hardest noise that is no fall: on average the adapter is worse by just what is allowed."""
    n, seeds, blocked = 100, 300, 0
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        if unit == "accuracy":
            base = np.ones(n)
            adapted = (random.random(n) >= 0.05).astype(float)
        elif unit == "perplexity":
            base = random.normal(3.5, 0.3, n)
            adapted = base + np.log(1.05) + random.normal(0, 0.1, n)
        else:
            base = random.gamma(2.0, 1.0, n)
            adapted = base * 1.05 * np.exp(random.normal(-0.125, 0.5, n))
        report = judge([Part("one", unit, base, adapted), Part("two", unit, base, base)], 0.05, 0.95)
        blocked += objection(report) is not None
    assert blocked <= 0.05 * seeds


def test_more_parts_ask_for_more_evidence_of_each():
    random = np.random.default_rng(5)
    base = random.normal(3.5, 0.3, 60)
    part = Part("prose", "perplexity", base, base + 0.08 + random.normal(0, 0.1, 60))
    alone, among = (judge([part] * n, 0.05, 0.95).findings[0] for n in (1, 8))
    assert among.low < alone.low < alone.change


def test_few_pairs_block_nothing():
    base = measured("perplexity", FEWEST - 1)
    report = judge([Part("prose", "perplexity", base, base + 5.0)], 0.05, 0.95)
    assert report.findings[0].verdict == "too few"
    assert objection(report) is None


def test_a_part_without_pairs_is_shown_and_blocks_nothing():
    nothing = np.array([])
    assert verdict(Part("prose", "perplexity", nothing, nothing)) == "too few"
    assert verdict(Part("prose", "dollars", np.full(40, np.nan), np.ones(40))) == "too few"


def test_what_was_not_measured_says_why_and_takes_no_share_of_the_error():
    base = measured("perplexity")
    part = Part("prose", "perplexity", base, base + np.linspace(0, 0.2, len(base)))
    alone = judge([part], 0.05, 0.95)
    beside = judge([part, Missing("questions", "The endpoint is gone.")], 0.05, 0.95)
    assert beside.findings[0] == alone.findings[0]
    assert (beside.findings[1].verdict, beside.findings[1].about) == ("not measured", "The endpoint is gone.")
    assert alone.is_measured
    assert not judge([Missing("questions", "The endpoint is gone.")], 0.05, 0.95).is_measured


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("wild", [np.nan, np.inf])
def test_an_adapter_that_gives_no_numbers_any_more_has_forgotten(unit, wild):
    base = np.ones(40)
    report = judge([Part("prose", unit, base, np.full(40, wild))], 0.05, 0.95)
    assert report.fell
    assert json.loads(json.dumps(report.as_json(), allow_nan=False))


@settings(max_examples=25)
@given(
    pairs=st.lists(st.tuples(st.floats(0, 50), st.floats(0, 50)), min_size=1, max_size=60),
    unit=st.sampled_from(["perplexity", "log-error", "dollars"]),
)
def test_bounds_hold_the_change_and_a_report_survives_being_stored(pairs, unit):
    base, adapted = np.array(pairs).T
    report = judge([Part("prose", unit, base, adapted), Missing("questions", "No.")], 0.05, 0.95)
    [finding, _] = report.findings
    assert finding.low <= finding.high
    assert (finding.verdict == "fell") == (finding.n >= FEWEST and finding.low > 0.05)
    assert Report.from_json(json.loads(json.dumps(report.as_json(), allow_nan=False))) == report
    assert (objection(report) is None) == (not report.fell)
