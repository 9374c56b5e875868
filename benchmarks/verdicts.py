"""The share of equal techniques that are called worse, beside the plain rule of comparing with the
luckiest; and how often one that is worse is found."""

import itertools

import numpy as np

from worker.evaluation import pairs, resampling

ROUNDS = 1_000
N_BOOT = 500
# techniques, rows, copies of each row
CASES = ((2, 385, 1), (6, 385, 1), (12, 385, 1), (6, 385, 3), (12, 385, 3), (6, 40, 1), (12, 2_000, 1))


def errors(
    random: np.random.Generator, jobs: int, n: int, copies: int, *, own: float = 0.5, worse: float = 0.0
) -> pairs.Sample:
    """Absolute errors in $ of techniques that are equally good on skewed prices: what makes an item hard is shared,
    and each has noise of its own (`own`, in the logarithm). The last one is `worse` times $ 1 further off."""
    groups = -(-n // copies)
    truth = np.exp(random.normal(4, 1, groups))
    noise = random.normal(0, 0.5, groups)[:, None] + random.normal(0, own, (groups, jobs))
    off = truth[:, None] * np.abs(np.exp(noise) - 1)
    off[:, -1] += worse
    rows = np.repeat(np.arange(groups), copies)[:n]
    return pairs.Sample(off[rows], rows)


def losers(sample: pairs.Sample, seed: int) -> set[int]:
    """The techniques that our rule calls worse."""
    found = pairs.differences([sample], resampling.means, N_BOOT, seed)[0]
    first = int(sample.errors.mean(axis=0).argmin())
    return {job for job in range(sample.errors.shape[1]) if found.of(job, first)[1] > 0}


def plain_losers(sample: pairs.Sample, seed: int) -> set[int]:
    """The techniques that are called worse when each is compared with the luckiest in a paired bootstrap of its own."""
    first = int(sample.errors.mean(axis=0).argmin())
    gaps = sample.errors - sample.errors[:, [first]]
    figure = resampling.means(gaps)
    blocks = resampling.weights(resampling.alone(len(gaps)), N_BOOT, seed)
    low = np.quantile(np.concatenate([figure(block) for block in blocks]), 0.025, axis=0)
    return {job for job in range(gaps.shape[1]) if job != first and low[job] > 0}


def main() -> None:
    print(f"{ROUNDS:,} rounds each, {N_BOOT} resamples; 95 % level; ± is the standard error of the share")
    print("techniques   rows  copies   any false loser: ours   against the luckiest")
    for jobs, n, copies in CASES:
        random = np.random.default_rng([jobs, n, copies])
        wrong = np.zeros(2)
        for seed in range(ROUNDS):
            sample = errors(random, jobs, n, copies)
            wrong += bool(losers(sample, seed)), bool(plain_losers(sample, seed))
        ours, plain = wrong / ROUNDS
        print(f"{jobs:10} {n:6,} {copies:7}   {told(ours):>20}   {told(plain):>20}", flush=True)
    print("one of 12 techniques is $8 worse, 385 rows: how often it is found")
    for own in (0.2, 0.35, 0.5):
        random = np.random.default_rng(int(own * 100))
        found = sum(11 in losers(errors(random, 12, 385, 1, own=own, worse=8.0), seed) for seed in range(ROUNDS))
        print(f"  own noise {own:.2f}: {told(found / ROUNDS)}", flush=True)
    print("8 of 12 techniques are $2 to $40 worse, 385 rows:")
    missed, false = planted()
    print(
        f"  any interval of the 66 pairs misses its truth: {told(missed)}; any false loser among the 4 equal: "
        f"{told(false)}",
        flush=True,
    )
    print("rows planned from a sample of 200 for a true difference, power 80 %: how often they tell it")
    for worse in (2.0, 4.0, 8.0):
        rows, share = planned(worse)
        print(f"  ${worse:g}: {rows:,.0f} rows, {told(share)}", flush=True)


def told(share: float) -> str:
    """A share of ROUNDS with its standard error."""
    return f"{share:.1%} ± {np.sqrt(max(share, 0.5 / ROUNDS) * (1 - share) / ROUNDS):.1%}"


def planted() -> tuple[float, float]:
    """How often any interval misses its truth, and how often one of the equal techniques is called a loser."""
    shift = np.concatenate([np.zeros(4), np.linspace(2, 40, 8)])
    random = np.random.default_rng(12)
    missed = false = 0
    for seed in range(ROUNDS):
        sample = errors(random, 12, 385, 1)
        sample = pairs.Sample(sample.errors + shift, sample.groups)
        found = pairs.differences([sample], resampling.means, N_BOOT, seed)[0]
        ends = {(a, b): found.of(a, b)[1:] for a, b in itertools.combinations(range(12), 2)}
        missed += any(not low <= shift[a] - shift[b] <= high for (a, b), (low, high) in ends.items())
        false += any(not low <= 0 <= high for (a, b), (low, high) in ends.items() if shift[a] == shift[b])
    return missed / ROUNDS, false / ROUNDS


def planned(worse: float) -> tuple[float, float]:
    """The median of the rows that samples of 200 plan for a difference of $ `worse`, and how often samples of a size
    planned so, each by a sample of its own, tell it."""
    random = np.random.default_rng(int(worse * 10))
    sizes, found = [], 0
    for seed in range(ROUNDS):
        pilot = errors(random, 2, 200, 1, own=0.35)
        gap = (pilot.errors[:, 1] - pilot.errors[:, 0]).mean()
        pilot.errors[:, 1] += worse - gap  # as if just the true difference had been seen
        plan = pairs.differences([pilot], resampling.means, N_BOOT, seed)[0]
        sizes.append(200 * plan.times_rows(1, 0))
        found += 1 in losers(errors(random, 2, max(20, round(sizes[-1])), 1, own=0.35, worse=worse), seed)
    return float(np.median(sizes)), found / ROUNDS


if __name__ == "__main__":
    main()
