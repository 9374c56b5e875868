"""The share of equal techniques that are called worse, beside the plain rule of comparing with the
luckiest; and how often one that is worse is found."""

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
    found = pairs.differences([sample], lambda values, _: resampling.means(values), N_BOOT, seed)[0]
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
        spread = [np.sqrt(max(share, 0.5 / ROUNDS) * (1 - share) / ROUNDS) for share in (ours, plain)]
        told = f"{ours:13.1%} ± {spread[0]:.1%}   {plain:12.1%} ± {spread[1]:.1%}"
        print(f"{jobs:10} {n:6,} {copies:7}   {told}", flush=True)
    print("one of 12 techniques is $8 worse, 385 rows: how often it is found")
    for own in (0.2, 0.35, 0.5):
        random = np.random.default_rng(int(own * 100))
        found = sum(11 in losers(errors(random, 12, 385, 1, own=own, worse=8.0), seed) for seed in range(ROUNDS // 4))
        print(f"  own noise {own:.2f}: {found / (ROUNDS // 4):.0%}", flush=True)


if __name__ == "__main__":
    main()
