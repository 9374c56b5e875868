"""Runs a batch of token trees through the network: one shared beginning, one text per row, then answer tokens.

A row is: shared tokens (keys and values computed once, copied for each batch), its own tokens padded on the right,
then nodes: tokens of possible answers, which see the prompt and their ancestors but not each other. So several
answers are scored in one pass over one copy of the prompt.
"""

from typing import Any

import torch

from worker.llm.base import Pooling
from worker.llm.price_reading import Floats

Tensor = torch.Tensor

ENDERS = 64  # tokens that are taken to end a number; measured to hold more than 99 % of what is no digit


class Network:
    """A causal language model in evaluation mode. Not thread-safe: it keeps the last shared beginning."""

    def __init__(self, model: Any, device: torch.device, probes: list[list[int]]) -> None:
        """`probes`: tokenised answers that stand at the end of a whole number ("... Price: $12")."""
        self.probes = probes
        self._heads: dict[tuple[int, ...], Tensor] = {}
        self.model = model
        self.device = device
        self.config = model.config
        kinds = set(getattr(self.config, "layer_types", None) or [])
        self.kinds = kinds if len(kinds) > 1 else set()  # models that mix window and full layers take a mask of each
        self._shared: tuple[tuple[int, ...], list[tuple[Tensor, Tensor]]] = ((), [])

    def rows(self, shared: tuple[int, ...], own: list[tuple[int, ...]]) -> "Rows":
        """A batch that has read nothing yet."""
        return Rows(self, shared, own)

    def forget(self) -> None:
        """Drop the last shared beginning."""
        self._shared = ((), [])

    def shared_cache(self, shared: tuple[int, ...]) -> list[tuple[Tensor, Tensor]]:
        """Keys and values per layer, (1, heads, S, d)."""
        if shared and shared != self._shared[0]:
            from transformers import DynamicCache

            cache = DynamicCache()
            ids = torch.tensor([shared], device=self.device)
            places = torch.arange(len(shared), device=self.device)[None]
            seen = torch.ones(1, len(shared), len(shared), dtype=torch.bool, device=self.device).tril()
            self.forward(ids, places, seen, places, cache)
            self._shared = (shared, [(layer.keys, layer.values) for layer in cache.layers])
        return self._shared[1]

    def forward(self, ids: Tensor, places: Tensor, seen: Tensor, key_places: Tensor, cache: Any) -> Tensor:
        """Hidden states (B, Q, H) of tokens `ids` (B, Q) at positions `places`; `seen` (B, Q, K) says which keys
        each may look at, `key_places` (B, K) where those are."""
        window = getattr(self.config, "sliding_window", None)
        mask: Any = self._additive(seen)
        if window and (self.kinds or getattr(self.config, "use_sliding_window", True)):
            far = bool(key_places.max() - key_places.min() >= window)
            near = self._additive(seen & (places[:, :, None] - key_places[:, None, :] < window)) if far else mask
            mask = {"full_attention": mask, "sliding_attention": near} if self.kinds else near
        out = self.model.model(
            input_ids=ids, attention_mask=mask, position_ids=places, past_key_values=cache, use_cache=True
        )
        hidden: Tensor = out.last_hidden_state
        return hidden

    def _additive(self, seen: Tensor) -> Tensor:
        """(B, Q, K) -> (B, 1, Q, K): 0 where seen, else a number so low that nothing is left of it."""
        dtype = self.model.dtype
        lowest = torch.finfo(dtype).min
        return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill_(~seen, lowest)[:, None]

    def logits(self, hidden: Tensor) -> Tensor:
        """(R, H) -> (R, V) in float32."""
        return self.model.lm_head(hidden).float()  # type: ignore[no-any-return]

    def short_head(self, more: tuple[int, ...]) -> Tensor:
        """Rows (S + ENDERS, H) of the output head in float32: the tokens `more`, then those that usually end a number.

        The whole vocabulary is 50,000 to 260,000 rows, as much work as many layers. Which tokens end a number is
        asked once, of fixed prompts, so that answers don't depend on what was priced before.
        """
        if more not in self._heads:
            follow = torch.zeros(self.model.lm_head.weight.shape[0], device=self.device)
            for ids in self.probes:
                rows = self.rows((), [tuple(ids)])
                last, _ = rows.read(torch.zeros(1, 0, dtype=torch.long, device=self.device))
                follow += self.logits(last)[0].softmax(0)
            follow[list(more)] = -1
            chosen = [*more, *follow.topk(min(ENDERS, len(follow) - len(more))).indices.tolist()]
            self._heads[more] = self.model.lm_head.weight[chosen].float()
        return self._heads[more]

    def going_on(self, hidden: Tensor, more: tuple[int, ...]) -> Floats:
        """(B, N, H) -> (B, N, S + 1): probabilities of the tokens `more`, then of all that end the number."""
        share = (hidden.flatten(0, 1).float() @ self.short_head(more).T).softmax(1)
        out = torch.cat([share[:, : len(more)], share[:, len(more) :].sum(1, keepdim=True)], 1)
        probabilities: Floats = out.reshape(*hidden.shape[:2], -1).double().cpu().numpy()
        return probabilities


class Rows:
    """The state of one batch: what was read, and the nodes that were added."""

    def __init__(self, network: Network, shared: tuple[int, ...], own: list[tuple[int, ...]]) -> None:
        from transformers import DynamicCache

        self.network, device = network, network.device
        self.cache = DynamicCache()
        prefix, size, longest = len(shared), len(own), max(map(len, own))
        if prefix:
            for i, (keys, values) in enumerate(network.shared_cache(shared)):
                self.cache.update(keys.expand(size, -1, -1, -1), values.expand(size, -1, -1, -1), i)
        lengths = torch.tensor([len(tokens) for tokens in own], device=device)
        self.ids = torch.tensor([[*tokens, *[0] * (longest - len(tokens))] for tokens in own], device=device)
        self.start = prefix + lengths  # (B,) position of the first answer token
        self.text_end = prefix + longest  # first key column that is a node
        self.key_places = torch.arange(self.text_end, device=device).expand(size, -1)  # (B, keys)
        self.is_text = self.key_places < self.start[:, None]  # (B, T): shared or own token, not padding
        self.ancestors = torch.zeros(size, 0, 0, dtype=torch.bool, device=device)  # (B, N, N): node sees node
        self.prefix, self.longest = prefix, longest

    def read(self, nodes: Tensor) -> tuple[Tensor, Tensor]:
        """Read the prompts and, in the same pass, first answer tokens `nodes` (B, N).

        Returns the hidden states of the last prompt token (B, H) and of the nodes (B, N, H).
        """
        hidden = self._read(nodes)
        return self._last(hidden), hidden[:, self.longest :]

    def states(self, counts: list[int], pooling: Pooling) -> Tensor:
        """Read the prompts; (B, H) states of the last token, or the mean of each row's last `counts` tokens."""
        hidden = self._read(torch.zeros(len(counts), 0, dtype=torch.long, device=self.network.device))
        if pooling == "last":
            return self._last(hidden)
        ends = self.start - self.prefix  # (B,) own tokens, and the shared ones where they were read along
        first = ends - torch.tensor(counts, device=ends.device)
        places = torch.arange(self.longest, device=ends.device)
        inside = (places >= first[:, None]) & (places < ends[:, None])
        return (hidden.float() * inside[:, :, None]).sum(1) / inside.sum(1, keepdim=True)

    def _last(self, hidden: Tensor) -> Tensor:
        return hidden[torch.arange(len(hidden), device=hidden.device), self.start - self.prefix - 1]

    def _read(self, nodes: Tensor) -> Tensor:
        """(B, T + N, H) of all own tokens, padding included, and of nodes (B, N) after them."""
        size, n = nodes.shape
        device = nodes.device
        own_places = torch.arange(self.prefix, self.text_end, device=device).expand(size, -1)
        causal = (self.key_places[:, None, :] <= own_places[:, :, None]) & self.is_text[:, None, :]
        seen = torch.zeros(size, self.longest + n, self.text_end + n, dtype=torch.bool, device=device)
        seen[:, : self.longest, : self.text_end] = causal
        node_places = self._add(nodes, None)
        seen[:, self.longest :, : self.text_end] = self.is_text[:, None, :]
        seen[:, self.longest :, self.text_end :] = self.ancestors
        return self._forward(torch.cat([self.ids, nodes], 1), torch.cat([own_places, node_places], 1), seen)

    def grow(self, nodes: Tensor, parents: Tensor | None) -> Tensor:
        """Add answer tokens (B, N) after the nodes numbered `parents` (B, N), None = after the prompt.

        Returns their hidden states (B, N, H).
        """
        places = self._add(nodes, parents)
        size, n = nodes.shape
        text = self.is_text[:, None, :].expand(size, n, -1)
        return self._forward(nodes, places, torch.cat([text, self.ancestors[:, -n:]], 2))

    def keep(self, which: list[int]) -> None:
        """Go on with these rows only, renumbered from 0."""
        rows = torch.tensor(which, device=self.network.device)
        self.cache.batch_select_indices(rows)
        self.start, self.is_text = self.start[rows], self.is_text[rows]
        self.key_places, self.ancestors = self.key_places[rows], self.ancestors[rows]

    def _add(self, nodes: Tensor, parents: Tensor | None) -> Tensor:
        """Note new nodes: who sees whom, and where they stand. Returns their positions (B, N)."""
        size, n = nodes.shape
        old = self.ancestors.shape[1]
        grown = torch.zeros(size, old + n, old + n, dtype=torch.bool, device=nodes.device)
        grown[:, :old, :old] = self.ancestors
        if parents is None:
            places = self.start[:, None].expand(size, n)
        else:
            rows = torch.arange(size, device=nodes.device)[:, None]
            grown[:, old:, :old] = self.ancestors[rows, parents]
            places = self.key_places[rows, self.text_end + parents] + 1
        new = torch.arange(old, old + n, device=nodes.device)
        grown[:, new, new] = True
        self.ancestors = grown
        self.key_places = torch.cat([self.key_places, places], 1)
        return places

    def _forward(self, ids: Tensor, places: Tensor, seen: Tensor) -> Tensor:
        return self.network.forward(ids, places, seen, self.key_places, self.cache)
