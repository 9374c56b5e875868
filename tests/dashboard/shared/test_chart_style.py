"""A log axis always has at least two ticks to read amounts by."""

import pytest

from dashboard.shared.chart_style import powers_axis


@pytest.mark.parametrize(("low", "high", "ticks"), [
    (0.9, 20_000, [1, 10, 100, 1_000, 10_000]),
    (10.95, 390, [20, 50, 100, 200]),  # one power of ten lies between
    (8, 150, [10, 20, 50, 100]),
    (2.5, 4, [2.5, 4]),
    (4, 9, [4, 9]),  # a single tick would say nothing of the scale
])  # fmt: skip
def test_a_log_axis_has_ticks_to_read_by(low: float, high: float, ticks: list[float]) -> None:
    assert powers_axis(low, high, "", "Price").to_dict()["values"] == ticks
