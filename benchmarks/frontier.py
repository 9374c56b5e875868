"""How often a technique that is said to be on the frontier with some probability is on it.

python -m benchmarks.frontier [--rounds 1000]
Techniques with known true errors and costs are drawn, measured on few rows, and asked about; the spread of the true
errors runs from less than the noise of a measurement to many times that.
"""

import argparse
import itertools

import numpy as np
from scipy.special import ndtr

from worker.evaluation import frontier, frontier_odds, resampling
from worker.evaluation.measures import DECIDING, USUAL
from worker.evaluation.resampling import Floats

ROWS = 385
N_BOOT = 400
# techniques, spread of how far they are off (in the logarithm), spread of their costs (in the logarithm)
CASES = [
    (jobs, spread, costs) for jobs in (2, 6, 12) for spread in (0.03, 0.1, 0.3) for costs in (0.2, 2.0)
]  # fmt: skip
EDGES = (0.0, 0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 1.001)

Draw = tuple[Floats, Floats]


def techniques(random: np.random.Generator, jobs: int, spread: float, costs: float) -> Draw:
    """What is true of techniques: the noise of each in the logarithm, and its $ per item."""
    return 0.5 * np.exp(random.normal(0, spread, jobs)), np.exp(random.normal(0, costs, jobs))


def true_errors(own: Floats) -> Floats:
    """Mean absolute error in $ of techniques with such noise, on the prices of `measured`."""
    whole = np.sqrt(0.5**2 + own**2)
    return np.asarray(np.exp(4.5 + whole**2 / 2) * (2 * ndtr(whole) - 1))


def measured(random: np.random.Generator, own: Floats, usd: Floats, n: int = ROWS, copies: int = 1) -> Draw:
    """Absolute errors and costs of techniques on n rows with skewed prices, both (n, jobs); what makes an item hard is
    shared."""
    groups = -(-n // copies)
    truth = np.exp(random.normal(4, 1, groups))
    noise = random.normal(0, 0.5, groups)[:, None] + random.normal(0, 1, (groups, len(own))) * own
    rows = np.repeat(np.arange(groups), copies)[:n]
    off = truth[:, None] * np.abs(np.exp(noise) - 1)
    return off[rows], (usd * random.gamma(4, 1 / 4, (groups, len(usd))))[rows]


def case(
    jobs: int, spread: float, costs: float, rounds: int, *, seed: int = 0, n: int = ROWS, n_boot: int = N_BOOT
) -> Draw:
    """What was said (rounds * jobs,) of techniques, and whether it is so."""
    random = np.random.default_rng([jobs, int(spread * 1000), int(costs * 10), seed])
    said, is_so = [], []
    for place in range(rounds):
        own, usd = techniques(random, jobs, spread, costs)
        errors, paid = measured(random, own, usd, n)
        groups = resampling.alone(n)
        said.append(frontier_odds.probabilities(errors, paid, groups, DECIDING[USUAL], n_boot, place))
        is_so.append(frontier.mask(usd, true_errors(own)).astype(float))
    return np.concatenate(said), np.concatenate(is_so)


def cell(said: Floats, is_so: Floats, low: float, high: float) -> str:
    inside = (said >= low) & (said < high)
    count = int(inside.sum())
    return f"{is_so[inside].mean():.0%} ({count})" if count >= 20 else "–"


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.frontier")
    parser.add_argument("--rounds", type=int, default=600)
    rounds = parser.parse_args().rounds
    print(f"{rounds:,} rounds each, {ROWS} rows, {N_BOOT} resamples; share that is on the frontier (cases)")
    heads = [f"{max(low, 0):.0%}-{min(high, 1):.0%}" for low, high in itertools.pairwise(EDGES)]
    print(f"{'techniques':>10} {'spread':>6} {'costs':>6}" + "".join(f"{head:>12}" for head in heads))
    every: list[Draw] = []
    for jobs, spread, costs in CASES:
        every.append(case(jobs, spread, costs, rounds))
        cells = [cell(*every[-1], *ends) for ends in itertools.pairwise(EDGES)]
        print(f"{jobs:10} {spread:6} {costs:6}" + "".join(f"{text:>12}" for text in cells), flush=True)
    said, is_so = (np.concatenate(each) for each in zip(*every, strict=True))
    cells = [cell(said, is_so, *ends) for ends in itertools.pairwise(EDGES)]
    print(f"{'all':>24}" + "".join(f"{text:>12}" for text in cells))
    inside = (said >= 0.75) & (said < 0.85)
    share, count = is_so[inside].mean(), inside.sum()
    print(f"said 75-85 %: right in {share:.1%} ± {np.sqrt(share * (1 - share) / count):.1%} of {count:,} cases")


if __name__ == "__main__":
    main()
