"""The items that go through the model together: same beginning, similar length, a bounded number of tokens."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Below this many items the pass over the shared part costs more than it saves, so it is read as part of each item.
WORTH_SHARING = 4


@dataclass(frozen=True, slots=True)
class Tokens:
    """A tokenised prompt."""

    shared: tuple[int, ...]
    own: tuple[int, ...]  # never empty: something has to be asked

    def __len__(self) -> int:
        return len(self.shared) + len(self.own)


@dataclass(frozen=True, slots=True)
class Batch:
    shared: tuple[int, ...]
    where: list[int]  # positions in the caller's list
    own: list[tuple[int, ...]]


def batches(prompts: Sequence[Tokens], budget: int, largest: int) -> Iterator[Batch]:
    """Every prompt exactly once. A batch, padded to its longest, holds at most `budget` tokens and `largest` items
    (one item may be longer than the budget; then it goes alone). Shortest first."""
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, prompt in enumerate(prompts):
        groups[prompt.shared].append(i)
    apart = [i for members in groups.values() if len(members) < WORTH_SHARING for i in members]
    shared = {key: members for key, members in groups.items() if len(members) >= WORTH_SHARING}
    for key, members in [*shared.items(), ((), apart)]:
        own = {i: prompts[i].own if key else prompts[i].shared + prompts[i].own for i in members}
        batch: list[int] = []
        for i in sorted(members, key=lambda i: len(own[i])):
            if batch and (len(batch) >= largest or (len(batch) + 1) * len(own[i]) > budget):
                yield Batch(key, batch, [own[j] for j in batch])
                batch = []
            batch.append(i)
        if batch:
            yield Batch(key, batch, [own[j] for j in batch])
