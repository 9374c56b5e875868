"""The probability that a model gives each price: walks the trie of prices level by level, into likely branches only."""

import numpy as np
import numpy.typing as npt
import torch

from worker.llm.local.batches import Batch
from worker.llm.local.network import Network
from worker.llm.local.price_trie import PriceTrie
from worker.llm.price_reading import Floats
from worker.specs.price_bounds import Bounds

Ints = npt.NDArray[np.int64]

COVER = 0.9  # share of a level's mass that is looked into; the rest is told from what was seen
WIDEST = 24  # nodes of a level per item at most
STIFF = 0.5  # squared units of log mass that hold the slope of `Walk._told` at 0
_TINY, _NIL = 1e-4, 1e-300  # shares below the first count as this much; nothing has a logarithm with the second
FEW = 16  # so many first tokens ride along with the prompt's own pass


@torch.inference_mode()
def score(
    network: Network,
    batch: Batch,
    trie: PriceTrie,
    bounds: Bounds,
    cover: float = COVER,
    widest: int = WIDEST,
) -> tuple[Floats, int]:
    """(n, P) probabilities of the trie's first P prices, which are those up to the highest, none below the lowest, rows
    sum to 1 (to 0 where the model sees no price in the range); and how many nodes were scored per item."""
    size, scored = len(batch.own), 0
    rows = network.rows(batch.shared, batch.own)
    first = [i for i, node in enumerate(trie.following[0]) if node >= 0 and trie.goes_on[node]]
    if len(first) > FEW:  # a tokenizer with one token per number
        first = []
    nodes = torch.tensor([trie.more[i] for i in first], dtype=torch.long, device=network.device)
    last, hidden = rows.read(nodes.expand(size, -1))
    walk = Walk(trie, size)
    walk.step(np.zeros((size, 1), dtype=np.int64), network.going_on(last[:, None], trie.more))
    if first:
        walk.step(np.tile(np.arange(len(first)), (size, 1)), network.going_on(hidden, trie.more))
        scored = len(first)
    while (picked := walk.pick(cover, widest)).shape[1]:
        tokens = torch.as_tensor(walk.tokens(picked), device=network.device)
        parents = torch.as_tensor(walk.parents(picked), device=network.device)
        hidden = rows.grow(tokens, parents if scored else None)
        walk.step(picked, network.going_on(hidden, trie.more))
        scored += picked.shape[1]
    return walk.distribution(bounds), scored


class Walk:
    """The open nodes of every row at the current depth, and the mass that has ended in a price.

    `node`, `mass`, `seat` are (n, M). A seat is the number of the parent among the nodes that the network read;
    -1 = the parent was skipped, so this one can't be read either.
    """

    def __init__(self, trie: PriceTrie, size: int) -> None:
        self.trie = trie
        self.goes_on = trie.goes_on
        self.ended = np.zeros((size, len(trie.values) + 1))  # by place; column 0 takes what is no price
        self.node: Ints = np.zeros((size, 1), dtype=np.int64)
        self.column: Ints = np.zeros((size, 1), dtype=np.int64)
        self.seat: Ints = np.zeros((size, 1), dtype=np.int64)
        self.mass: Floats = np.ones((size, 1))
        self.seats = -1  # nodes read so far; the root is the prompt itself and has none

    def pick(self, cover: float, widest: int) -> Ints:
        """(n, W) places of the nodes to read next, likeliest first, -1 = nothing more in this row."""
        mass = np.where((self.node >= 0) & (self.seat >= 0) & self.goes_on[self.node], self.mass, 0.0)
        order = np.argsort(-mass, axis=1, kind="stable")[:, :widest]
        sorted_mass = np.take_along_axis(mass, order, 1)
        before = sorted_mass.cumsum(1) - sorted_mass
        wanted = (sorted_mass > 0) & (before < cover * mass.sum(1, keepdims=True))
        width = int(wanted.sum(1).max(initial=0))
        return np.where(wanted, order, -1)[:, :width]

    def tokens(self, picked: Ints) -> Ints:
        return np.asarray(self.trie.more)[np.take_along_axis(self.column, np.maximum(picked, 0), 1)]

    def parents(self, picked: Ints) -> Ints:
        return np.maximum(np.take_along_axis(self.seat, np.maximum(picked, 0), 1), 0)

    def step(self, picked: Ints, going_on: Floats) -> None:
        """Go one token deeper. `going_on` (n, W, S + 1): probabilities of each further token, then of an end."""
        size, width = picked.shape
        shape = np.zeros((size, self.node.shape[1], going_on.shape[2]))
        seats = np.full(self.node.shape, -1, dtype=np.int64)
        row, place = np.nonzero(picked >= 0)
        at = picked[row, place]
        shape[row, at] = self.trie.settled(self.node[row, at], going_on[row, place])
        seats[row, at] = np.maximum(self.seats, 0) + place
        if self.seats < 0:  # the root: its children hang on the prompt
            seats[:] = 0
        seen = np.zeros(self.node.shape, dtype=bool)
        seen[row, at] = True
        skipped = ~seen & (self.node >= 0) & self.goes_on[self.node]
        if skipped.any():
            decimals = self.trie.decimals[self.node]
            for kind in np.unique(decimals[skipped]):  # "4." goes on otherwise than "45"
                like = (self.node >= 0) & (decimals == kind)
                on, ends = self._told(seen & like, shape)
                row, at = np.nonzero(skipped & like)
                told = np.column_stack([on[row] * (1 - ends[row, at])[:, None], ends[row, at]])
                shape[row, at] = self.trie.settled(self.node[row, at], told)
        self.seats = 0 if self.seats < 0 else self.seats + width
        self._end(self.node, np.where(self.goes_on[self.node], self.mass * shape[:, :, -1], self.mass))
        node = np.where((self.node >= 0)[:, :, None], self.trie.following[self.node], -1)
        self.mass = (self.mass[:, :, None] * shape[:, :, :-1]).reshape(size, -1)
        self.column = np.broadcast_to(np.arange(node.shape[2]), node.shape).reshape(size, -1)
        self.seat = np.repeat(seats, node.shape[2], axis=1)
        self.node = node.reshape(size, -1)
        self._drop_impossible()

    def _told(self, seen: npt.NDArray[np.bool_], shape: Floats) -> tuple[Floats, Floats]:
        """The way nodes probably go on that were not read, told from those that were: (n, S) shares of the further
        tokens, and (n, M) how often a number ends.

        Which token follows is the average, by mass. Whether one follows is not: a beginning is likely because many
        prices go on from it, so those that were not read, the unlikely ones, end oftener. Log-odds of an end against
        log mass, a line through those that were read, says how often. What spells no price ("1,") never ends.
        """
        weight = np.where(seen, self.mass, 0.0)
        usual = np.einsum("nm,nms->ns", weight, shape[:, :, :-1])
        total = usual.sum(1, keepdims=True)
        on = np.divide(usual, total, out=np.zeros_like(usual), where=total > 0)
        is_price = self.trie.price[self.node] > 0
        fit = seen & is_price
        x = np.log(np.maximum(self.mass, _TINY * weight.sum(1, keepdims=True) + _NIL))
        end = np.clip(shape[:, :, -1], _TINY, 1 - _TINY)
        y = np.log(end) - np.log1p(-end)
        count = np.maximum(fit.sum(1, keepdims=True), 1)
        x = x - (x * fit).sum(1, keepdims=True) / count
        middle = (y * fit).sum(1, keepdims=True) / count
        slope = (x * (y - middle) * fit).sum(1, keepdims=True) / ((x**2 * fit).sum(1, keepdims=True) + STIFF)
        ends = 1 / (1 + np.exp(-(middle + slope * x)))
        ends = np.where(total > 0, ends, 1.0)  # nothing that was read goes on
        return on, np.where(is_price, ends, 0.0)

    def _drop_impossible(self) -> None:
        """Columns that are no node in any row go; leaves end at once."""
        leaf = (self.node >= 0) & ~self.goes_on[self.node]
        self._end(np.where(leaf, self.node, -1), self.mass)
        self.node = np.where(leaf, -1, self.node)
        keep = (self.node >= 0).any(0)
        self.node, self.mass = self.node[:, keep], self.mass[:, keep]
        self.column, self.seat = self.column[:, keep], self.seat[:, keep]

    def _end(self, node: Ints, mass: Floats) -> None:
        price = np.where(node >= 0, self.trie.price[node], 0)
        rows = np.broadcast_to(np.arange(len(node))[:, None], node.shape)
        np.add.at(self.ended, (rows, price), mass)

    def distribution(self, bounds: Bounds) -> Floats:
        """(n, P): what ended in a price that is considered, scaled to 1; P prices of the trie are not too dear."""
        self._end(self.node, self.mass)  # what no one looked into
        first, last = np.searchsorted(self.trie.values, [bounds.lowest, bounds.above])
        kept = self.ended[:, 1 : last + 1]
        kept[:, :first] = 0
        total = kept.sum(1, keepdims=True)
        shares: Floats = np.divide(kept, total, out=np.zeros_like(kept), where=total > 0)
        return shares
