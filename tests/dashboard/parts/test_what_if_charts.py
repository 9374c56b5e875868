"""The chart of total cost against volume: every technique, its band, and the crossings within reach."""

from typing import Any

import numpy as np

from dashboard.parts.what_if import charts
from worker.evaluation import resampling
from worker.evaluation.break_even import Totals, Way

NAMES = {1: "Prompt", 2: "Fine-tuned", 3: "Free"}


def drawn(*ways: Way, items: int = 1000) -> dict[str, Any]:
    n = len(ways[0].per_item)
    return charts.totals(Totals(ways, resampling.alone(n), 12, n_boot=100), NAMES, items).to_dict()


def way(key: int, once: float, per_item: float, n: int = 40) -> Way:
    return Way(key, once, 0.0, np.full(n, per_item) * np.linspace(0.9, 1.1, n))


def lines(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [line for part in spec["datasets"].values() for line in part]


def test_every_technique_is_drawn_and_a_crossing_within_reach_is_marked_with_its_interval() -> None:
    found = lines(drawn(way(1, 0.0, 0.010), way(2, 12.0, 0.008)))
    assert {line["label"] for line in found if "label" in line} == {"Prompt", "Fine-tuned"}
    (crossing,) = [line for line in found if "sentence" in line]
    assert crossing["low"] <= crossing["items"] <= crossing["high"]
    assert crossing["text"] == "500"


def test_a_crossing_out_of_reach_is_not_drawn() -> None:
    assert not [line for line in lines(drawn(way(1, 0.0, 0.010), way(2, 1e9, 0.008))) if "sentence" in line]


def test_numbers_that_would_lie_on_each_other_are_written_once() -> None:
    spec = drawn(way(1, 0.0, 0.010), way(2, 12.0, 0.008), way(3, 12.1, 0.008001))
    texts = [line["text"] for line in lines(spec) if "sentence" in line]
    assert sorted(map(bool, texts)) == [False, True]


def test_what_costs_nothing_and_what_has_no_interval_are_drawn_too() -> None:
    for line in lines(drawn(way(3, 0.0, 0.0, n=5), way(1, 1.0, 0.01, n=5))):
        assert line.get("usd", 1) > 0
