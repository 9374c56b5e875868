"""Races: how often equal techniques are told apart at any time, how soon different ones are, and what that saves.

`python -m benchmarks.race` simulates. `python -m benchmarks.race DATASET` replays what the finished jobs of a dataset
priced, with and without planted prices per call, beside the verdict on all rows.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl

from benchmarks.verdicts import errors
from db import datasets, jobs, predictions
from db.engine import begin
from db.types import JobKind, Split
from worker import specs
from worker.evaluation import metrics, pairs, race, resampling
from worker.evaluation.race import Rule
from worker.evaluation.resampling import Floats, Groups
from worker.pricing import comparison
from worker.race import planning
from worker.server.up import running_stack

ROUNDS = 1_000
ORDERS = 100
MARGIN = 0.02
BOUNDS = (0.75, 0.9, 0.99)
PRICES = np.exp(np.random.default_rng(0).normal(4, 1, 10_000))  # the train prices of the simulated tables

PLANTED = (0.0, 0.02, 0.1, 0.6)
"""Dollars per 1,000 rows, the cheapest technique first: a baseline, a small, a middle and a large model with a prompt
of some 300 tokens at usual tariffs."""


class Run(NamedTuple):
    """One race."""

    left: tuple[int, ...]
    rows: int  # priced by the last
    share_paid: float  # of what all rows with all techniques cost


def run(sample: Floats, groups: Groups, order: Sequence[Sequence[int]], rule: Rule, prices: Floats) -> Run:
    """A race on what is known already: `order` are blocks of places in `sample` (n, k); prices (k,) per row."""
    k = sample.shape[1]
    known, alive, out, paid, rows = sample.copy(), list(range(k)), list[int](), 0.0, list[int]()
    for block in order:
        rows += block
        paid += len(block) * float(prices[alive].sum())
        seen = np.unique(groups[rows], return_index=True, return_inverse=True)
        numbers = np.argsort(np.argsort(seen[1]))[seen[2]]
        now = race.standing(known[rows], numbers, alive, out, rule)
        later = np.setdiff1d(np.arange(len(sample)), rows)
        for left in now.exits:
            alive.remove(left.place)
            out.append(left.place)
            known[later, left.place] = np.nan
        if len(alive) == 1:
            break
    return Run(tuple(alive), len(rows), paid / (len(sample) * float(prices.sum())))


def blocks(n: int, seed: int, groups: Groups | None = None) -> list[list[int]]:
    return planning.blocks(range(n), (resampling.alone(n) if groups is None else groups).tolist(), seed)


def told(wrong: int, of: int) -> str:
    """A share with its standard error."""
    share = wrong / of
    inside = min(max(share, 0.5 / of), 1 - 0.5 / of)
    return f"{share:.1%} ± {np.sqrt(inside * (1 - inside) / of):.1%}"


def equal() -> None:
    print(f"equal techniques, {ROUNDS:,} races each: any of them called worse after any row, had one looked")
    bound = float(np.quantile(PRICES, planning.BOUND_SHARE))
    for k, n in ((2, 385), (6, 385), (12, 385), (12, 1_000)):
        rounds = ROUNDS if n < 1_000 else ROUNDS // 4
        rule = Rule(bound=bound, groups=n, margin=0.0, is_share=False)
        random = np.random.default_rng([k, n])
        wrong = sum(
            bool(race.settled(errors(random, k, n, 1).errors, resampling.alone(n), rule).any()) for _ in range(rounds)
        )
        print(f"  {k:2} techniques, {n:5,} rows: {told(wrong, rounds)}", flush=True)


def equal_by_weight() -> None:
    print(f"equal by the weighted mean, one $30 better on heavy rows, worse on others: {ROUNDS // 4} races each")
    for k, n, spread in ((2, 385, 0.5), (12, 385, 0.5), (2, 385, 1.0), (12, 385, 1.0), (2, 385, 1.5)):
        random = np.random.default_rng([k, n, round(10 * spread)])
        weights = random.lognormal(0, spread, (ROUNDS // 4, n))
        heavy = weights > np.exp(spread)
        makes_up = 30 * weights[heavy].sum() / weights[~heavy].sum()
        wrong = unweighted = 0
        for worth, is_heavy in zip(weights, heavy, strict=True):
            sample = errors(random, k, n, 1).errors
            sample[:, 0] += np.where(is_heavy, -30, makes_up)
            shares = worth / worth.max()
            rule = Rule(bound=float(np.quantile(PRICES, planning.BOUND_SHARE)), groups=n, margin=0.0, is_share=False)
            own = replace(rule, heaviest=float(worth.max()), typical=float((shares**2).mean()))
            wrong += bool(race.settled(sample, resampling.alone(n), own, worth).any())
            unweighted += bool(race.settled(sample, resampling.alone(n), rule).any())
        print(
            f"  {k:2} techniques, {n:5,} rows, log weights spread {spread}: {told(wrong, len(weights))}; had rows "
            f"counted alike, {told(unweighted, len(weights))}",
            flush=True,
        )


def planted() -> None:
    print(f"one technique is $ better than the others, margin {MARGIN:.0%}, {ORDERS} races each, equal prices per row")
    print("  techniques   rows   better by   chosen alone   wrong one dropped   rows used   paid of the whole")
    for k, n, better in ((2, 385, 8), (2, 385, 20), (4, 385, 20), (12, 385, 20), (12, 385, 40), (4, 2_000, 8)):
        random = np.random.default_rng([k, n, better])
        bound = float(np.quantile(PRICES, planning.BOUND_SHARE))
        rule = Rule(bound=bound, groups=n, margin=MARGIN, is_share=True)
        runs = []
        for seed in range(ORDERS):
            sample = errors(random, k, n, 1, own=0.35).errors
            sample[:, :-1] += better
            runs.append(run(sample, resampling.alone(n), blocks(n, seed), rule, np.ones(k)))
        alone = sum(each.left == (k - 1,) for each in runs)
        wrong = sum(k - 1 not in each.left for each in runs)
        used, paid = np.mean([each.rows for each in runs]), np.mean([each.share_paid for each in runs])
        print(
            f"  {k:10} {n:6,} {better:8} $ {told(alone, ORDERS):>16} {told(wrong, ORDERS):>18} {used:10.0f} "
            f"{paid:12.0%}",
            flush=True,
        )


def replayed(name: str) -> None:
    """The finished jobs of a dataset, raced in other orders of their rows."""
    with running_stack(worker=False), begin() as session:
        dataset = datasets.find(session, name)
        chosen = comparison.comparable(jobs.all(session, dataset.id, JobKind.PRICE))
        frame = predictions.of_jobs(session, [job.id for job in chosen])
        bounds = [float(datasets.price_quantile(session, dataset.id, Split.TRAIN, share) or 1) for share in BOUNDS]
    labels = [specs.describe(specs.parse(job.spec)) for job in chosen]
    measured = metrics.errors(frame.filter(pl.col("truth").is_not_null())).sort("job_id", "row")
    wide = measured.pivot("job_id", index=["row", "group_id"], values="absolute").sort("row")
    sample = wide.select(str(job.id) for job in chosen).cast(pl.Float64).fill_null(float("nan")).to_numpy()
    groups = resampling.number(wide["group_id"].to_numpy())
    k = len(chosen)
    print(f"{dataset.name}: {len(sample):,} rows, {groups.max() + 1:,} groups; mean errors:")
    for label, mean in zip(labels, np.nanmean(sample, axis=0), strict=True):
        print(f"  {mean:7.2f}  {label}")
    full = pairs.differences([pairs.Sample(sample, groups)], resampling.means, 1_000, 0)[0]
    first = int(np.nanargmin(np.nanmean(sample, axis=0)))
    losers = {job for job in range(k) if full.of(job, first)[1] > 0}
    print(f"on all rows at once {len(losers)} of {k - 1} are worse than {labels[first]}, 95 % for all pairs")
    booked = measured.group_by("job_id").agg((pl.col("usd") + pl.col("saved_usd")).mean()).sort("job_id")["usd"]
    per_row = dict(zip(sorted(job.id for job in chosen), booked, strict=True))
    as_booked = np.array([per_row[job.id] for job in chosen], dtype=float)
    for what, places in _fields(first, losers, k):
        kinds = [("prices as booked", as_booked[places]), *_prices(len(places), places.index(first))]
        for prices_name, prices in kinds:
            for share, bound in zip(BOUNDS, bounds, strict=True):
                rule = Rule(bound=bound, groups=int(groups.max()) + 1, margin=MARGIN, is_share=True)
                part = sample[:, places]
                runs = [run(part, groups, blocks(len(part), seed, groups), rule, prices) for seed in range(ORDERS)]
                same = sum(
                    places.index(first) in each.left
                    and {place for at, place in enumerate(places) if at not in each.left} == losers & set(places)
                    for each in runs
                )
                lost = sum(places.index(first) not in each.left for each in runs)
                saved = 1 - np.array([each.share_paid for each in runs])
                print(
                    f"  {what}; {prices_name}; bound ${bound:,.0f} ({share:.0%} of prices): same verdict "
                    f"{told(same, ORDERS)}, the one ahead dropped {told(lost, ORDERS)}, saved {saved.mean():.0%} "
                    f"({np.quantile(saved, 0.1):.0%} to {np.quantile(saved, 0.9):.0%} of orders)",
                    flush=True,
                )


def _fields(first: int, losers: set[int], k: int) -> list[tuple[str, list[int]]]:
    """All techniques, and the clear ones alone: what can't be told apart uses up the rows in any case."""
    fields = [("all techniques", list(range(k)))]
    if 0 < len(losers) < k - 1:
        fields.append(("those that all rows tell apart", sorted({first, *losers})))
    return fields


def _prices(k: int, first: int) -> list[tuple[str, Floats]]:
    steps = np.interp(np.linspace(0, 1, k), np.linspace(0, 1, len(PLANTED)), PLANTED)
    ranks = [first, *(place for place in range(k) if place != first)]
    cheap, dear = np.empty(k), np.empty(k)
    cheap[ranks], dear[ranks] = steps, steps[::-1]
    return [
        ("equal prices per call", np.ones(k)),
        ("planted prices, the best is cheapest", cheap),
        ("planted prices, the best is dearest", dear),
    ]


def main() -> None:
    if sys.argv[1:]:
        for name in sys.argv[1:]:
            replayed(name)
        return
    equal()
    equal_by_weight()
    planted()


if __name__ == "__main__":
    main()
