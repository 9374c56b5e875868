"""The distribution over prices is read rightly from token probabilities, whatever the tokenizer."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.llm.endpoint.logprob_reading import Floats, likeliest, quantile, quantiles, statistics
from worker.llm.endpoint.logprob_reading import distribution as maybe
from worker.specs.price_bounds import Bounds


def distribution(places: list[list[object]], price: float, bounds: Bounds) -> tuple[Floats, Floats]:
    found = maybe(places, price, bounds)
    assert found is not None
    return found


def _place(token: str, p: float, **others: float) -> list[object]:
    tops = [[token, math.log(p)], *[[name.replace("_", ""), math.log(q)] for name, q in others.items()]]
    return [token, math.log(p), tops]


def test_whole_numbers_in_one_token():
    places = [_place("40", 0.5, _45=0.3, _400=0.2)]

    prices, shares = distribution(places, 40, Bounds(1, 999))

    assert dict(zip(prices, shares)) == pytest.approx({40: 0.5, 45: 0.3, 400: 0.2})


def test_digits_one_by_one_are_spread_over_what_they_can_become():
    places = [_place("4", 0.8, _2=0.2), _place("0", 1.0)]

    prices, shares = distribution(places, 40, Bounds(1, 999))
    found = dict(zip(prices, shares))

    assert found[40] == pytest.approx(0.8)
    assert [found[p] for p in range(20, 30)] == pytest.approx([0.02] * 10)


def test_where_the_path_could_have_ended_so_can_its_branches():
    # After one digit the number ends in a quarter of the cases.
    places = [_place("4", 0.8, _2=0.2), _place("0", 0.75, **{".": 0.25})]

    prices, shares = distribution(places, 40, Bounds(1, 999))
    found = dict(zip(prices, shares))

    assert found[4] == pytest.approx(0.2)
    assert found[40] == pytest.approx(0.6)
    assert found[2] == pytest.approx(0.05)
    assert sum(found[p] for p in range(20, 30)) == pytest.approx(0.15)


@pytest.mark.parametrize(("tokens", "price"), [
    (["$", "24", ".", "99"], 24.99), (["$24", ".99"], 24.99), ([" 1", ",", "299", "."], 1299),
    (["The", " price", " is", " $", "40", "."], 40), (["1", "2", "9", ".", "5", "0"], 129.5), (["40\n"], 40),
])  # fmt: skip
def test_a_sure_answer_is_one_price_however_it_is_written(tokens, price):
    places = [_place(token, 0.999999) for token in tokens]

    prices, shares = distribution(places, price, Bounds(1, 9999))

    assert quantile(prices, shares, 0.5) == pytest.approx(price)
    assert shares.max() > 0.99


def test_branches_have_the_cents_of_the_path():
    prices, _ = distribution([_place("24", 0.6, _30=0.4), _place(".", 1.0), _place("99", 1.0)], 24.99, Bounds(1, 999))

    assert list(prices) == pytest.approx([24.99, 30.99])


def test_prices_out_of_bounds_do_not_count():
    prices, shares = distribution([_place("40", 0.5, _5000=0.5)], 40, Bounds(1, 999))

    assert list(prices) == [40]
    assert list(shares) == [1]


def test_tokens_that_do_not_hold_the_price_tell_nothing():
    assert maybe([_place("forty", 1.0)], 40, Bounds(1, 999)) is None


_alternatives = st.dictionaries(
    st.sampled_from([str(n) for n in (1, 2, 7, 9, 12, 45, 129, 450)] + [".", "\n", " dollars", "$", ",", "USD"]),
    st.floats(1e-6, 1.0), max_size=8,
)  # fmt: skip


@pytest.mark.slow
@given(
    st.integers(1, 99_999), st.integers(0, 99), st.booleans(), st.sampled_from([1, 2, 3]), st.data()
)  # fmt: skip
def test_any_answer_gives_a_distribution_or_none(dollars, cents, with_comma, digits, data):
    text = (f"{dollars:,}" if with_comma else str(dollars)) + (f".{cents:02}" if cents else "")
    pieces = list(_cut(text, digits))
    places = []
    for piece in ["$", *pieces, "."]:
        others = data.draw(_alternatives)
        total = sum(others.values()) + 1.0
        tops = [[piece, math.log(1 / total)], *[[k, math.log(v / total)] for k, v in others.items() if k != piece]]
        places.append([piece, math.log(1 / total), tops])

    found = maybe(places, float(text.replace(",", "")), Bounds(1, 99_999))

    if found is None:
        return
    prices, shares = found
    assert shares.sum() == pytest.approx(1)
    assert (shares > 0).all()
    assert (np.diff(prices) > 0).all()
    assert prices[0] >= 1
    assert prices[-1] < 100_000
    read = quantiles(prices, shares)
    assert list(read) == sorted(read)
    told = statistics(prices, shares)
    assert prices[0] - 1e-6 <= told["log-mean"] <= told["mean"] + 1e-6 <= prices[-1] + 2e-6
    assert sum(likeliest(prices, shares, Bounds(1, 99_999)).values()) <= 1.01


def _cut(text: str, digits: int) -> list[str]:
    """As a tokenizer with so many digits in a token at most writes a number."""
    out: list[str] = []
    for sign in text:
        if out and sign.isdigit() and out[-1].isdigit() and len(out[-1]) < digits:
            out[-1] += sign
        else:
            out.append(sign)
    return out


def test_cents_of_alternatives_are_kept_where_prices_have_cents():
    places = [_place("4", 1.0), _place(".", 1.0), _place("9", 0.6, _4=0.4), _place("9", 1.0)]

    prices, shares = distribution(places, 4.99, Bounds(0.01, 9.99))

    assert dict(zip(prices, shares)) == pytest.approx({4.99: 0.6, 4.49: 0.4})
    assert likeliest(prices, shares, Bounds(0.01, 9.99)) == {"4.99": 0.6, "4.49": 0.4}


def test_six_digits_and_cents_below_a_dollar_are_within_their_bounds():
    prices, _ = distribution([_place("350000", 0.7, _950=0.3)], 350_000, Bounds(1_000, 999_999))
    assert list(prices) == [350_000]
    prices, _ = distribution([_place("0", 1.0), _place(".", 1.0), _place("35", 1.0)], 0.35, Bounds(0.01, 9.99))
    assert list(prices) == [0.35]
