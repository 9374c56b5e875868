"""How many dirty files are loaded with a wrong cell that nobody is told of.

`python -m benchmarks.dirty [--files 5000] [--seed N] [--only NOISE] [--keep FOLDER]`. Each file is a product table of
which every cell is known, in a dialect and with up to four noises (tests/worker/ingest/dirty); it is looked at and
loaded as an upload is, what is asked is answered with the truth, and every loaded cell is compared. A wrong cell is
silent when no warning and no question tells of it. Goal: 0 in 5,000. With `--seed` one file alone is made, shown and
judged.
"""

import argparse
import random
import time
from collections import Counter, defaultdict
from pathlib import Path

from tests.worker.ingest.dirty import dialects, judgement, noises
from tests.worker.ingest.dirty.drafts import Draft

_SHOWN = 25


def one(seed: int, only: str = "") -> tuple[bytes, Draft, tuple[str, ...], judgement.Verdict]:
    """The file of this seed, its truth, its noises, and what became of it."""
    rng = random.Random(seed)
    dialect = dialects.draw(rng)
    count = rng.choice((0, 1, 1, 1, 2, 2, 3, 4))
    names = (only,) if only else tuple(rng.sample(sorted(noises.NOISES), count))
    rows = 2_000 if rng.random() < 0.005 else rng.choice((1, 2, 3, 4, 6, 9, 12, 20, 30))
    data, draft, added = judgement.make(dialect, names, rows, seed)
    return data, draft, added, judgement.judge(data, draft)


def main() -> None:
    parser = argparse.ArgumentParser(prog="dirty", description=__doc__)
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--seed", type=int, help="only this file, in full")
    parser.add_argument("--only", choices=sorted(noises.NOISES), default="", help="this noise alone in every file")
    parser.add_argument("--keep", type=Path, help="write the files with silently wrong cells here")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        _show(arguments.seed, arguments.only)
    else:
        _run(arguments.files, arguments.only, arguments.keep)


def _show(seed: int, only: str) -> None:
    data, draft, added, verdict = one(seed, only)
    print(draft.dialect, f"\nnoises: {', '.join(added) or 'none'}\n{data[:3000]!r}")
    print(f"{verdict.outcome}: {verdict.stored} stored, {verdict.rejected} rejected, {verdict.lost} lost")
    for title, entries in (("told", verdict.sentences), ("rejects", verdict.reasons), ("wrong", verdict.wrong)):
        print(title, *entries[:20], sep="\n  ")
    print("silently wrong", *verdict.silent[:20], sep="\n  ")


def _run(files: int, only: str, keep: Path | None) -> None:
    started = time.perf_counter()
    outcomes: Counter[str] = Counter()
    told: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    with_noise: Counter[str] = Counter()
    silent_with: Counter[str] = Counter()
    failures: list[str] = []
    examples: dict[tuple[str, str, bool], list[tuple[int, str]]] = defaultdict(list)
    for seed in range(files):
        try:
            data, draft, added, verdict = one(seed, only)
        except Exception as error:  # a fault of ours, where every file should have a sentence; the rest goes on
            failures.append(f"seed {seed}: {type(error).__name__}: {error}")
            continue
        outcomes[verdict.outcome] += 1
        outcomes["whole"] += verdict.is_whole
        outcomes["wrong"] += bool(verdict.wrong)
        outcomes["silent"] += bool(verdict.silent)
        rows += Counter(stored=verdict.stored, rejected=verdict.rejected, lost=verdict.lost)
        told += judgement.clusters(verdict.sentences)
        rejected += judgement.clusters(verdict.reasons)
        left_out.update(verdict.left_out)
        for name in added or ("no noise",):
            with_noise[name] += 1
            silent_with[name] += bool(verdict.silent)
        for first in {(each.field, each.is_mapping): each for each in reversed(verdict.silent)}.values():
            kind = " + ".join(added) or "no noise"
            examples[(kind, first.field, first.is_mapping)].append((seed, str(first)))
        if keep and verdict.silent:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{seed}.{draft.dialect.kind}{'.gz' * draft.dialect.gzip}").write_bytes(data)
    seconds = time.perf_counter() - started
    print(f"files that ended in an error of ours: {len(failures):,}", *failures[:_SHOWN], sep="\n  ")
    print(f"{files:,} files in {seconds:.0f} s: {outcomes['whole']:,} loaded whole, {outcomes['asked']:,} asked, "
          f"{outcomes['refused']:,} refused; rows: {rows['stored']:,} stored, {rows['rejected']:,} rejected, "
          f"{rows['lost']:,} lost")  # fmt: skip
    print(f"files with a wrong cell: {outcomes['wrong']:,}; with a silently wrong cell: {outcomes['silent']:,} "
          f"({outcomes['silent'] / max(files, 1):.2%})")  # fmt: skip
    print("columns there and not taken: " + ", ".join(f"{field} {count}" for field, count in left_out.most_common()))
    _list("told before loading (files)", told)
    _list("rejects (files)", rejected)
    print("\nfiles with a silently wrong cell, of those with this noise (others may be in them)")
    for name, count in sorted(silent_with.items(), key=lambda pair: -pair[1] / with_noise[pair[0]]):
        print(f"  {count:5} of {with_noise[name]:5}  {name}")
    print("\nfirst examples, those of fewest noises first; --seed N shows a file")
    for (kind, _, _), found in sorted(examples.items(), key=lambda pair: (pair[0][0].count("+"), -len(pair[1])))[
        :_SHOWN
    ]:
        print(f"  {len(found):4} files  {kind}\n        seed {found[0][0]}: {found[0][1][:170]}")


def _list(title: str, counted: Counter[str]) -> None:
    print(f"\n{title}")
    for sentence, count in counted.most_common(_SHOWN):
        print(f"  {count:5}  {sentence}")


if __name__ == "__main__":
    main()
