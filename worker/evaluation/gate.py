"""The gate before an adapter: paired measurements in, a report of what it forgot, with a verdict per part, out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from worker import amounts
from worker.evaluation import resampling
from worker.evaluation.resampling import Floats

Unit = Literal["perplexity", "accuracy", "log-error", "dollars"]
Verdict = Literal["fell", "kept", "too few", "not measured"]

FEWEST = 20  # pairs: with fewer, a resampled bound is too narrow to block anything
N_BOOT = 4_000
SEED = 20_261_123
_WILD = 50.0


def _risen(base: Floats, adapted: Floats) -> Floats:
    return np.where(adapted == base, 0.0, adapted / np.maximum(base, 1e-12) - 1)


@dataclass(frozen=True, slots=True)
class Scale:
    """All that follows from the unit of a part."""

    about: str  # what its figure means, in a sentence
    phrase: str  # a part of it in the middle of a sentence, around the part's name
    brief: Callable[[float], str]  # how its figure is written on a page
    exact: Callable[[float], str]  # and on a model card
    rises: bool = True  # it rises when a model gets worse; else it is a share of right answers, and falls
    worsening: Callable[[Floats, Floats], Floats] = _risen  # (b,) means of base and adapted -> (b,)
    figure: Callable[[float], float] = float  # a mean of pairs -> the figure that is written


UNITS: dict[str, Scale] = {
    "perplexity": Scale(
        about="How much ordinary text surprises it (perplexity): higher = it understands text worse.",
        phrase="perplexity on {}",
        brief="{:.2f}".format,
        exact="{:.2f}".format,
        # A difference of logs is a ratio; a model gone wild must not overflow.
        worsening=lambda base, adapted: np.expm1(np.minimum(adapted - base, _WILD)),
        figure=lambda mean: math.exp(min(mean, _WILD)),
    ),
    "accuracy": Scale(
        about="Share of questions it answers right: lower = it knows less.",
        phrase="the share of right answers to {}",
        brief="{:.0%}".format,
        exact="{:.1%}".format,
        rises=False,
        worsening=lambda base, adapted: base - adapted,
    ),
    "log-error": Scale(
        about="How far its prices are off in proportion: 0 = exact, 0.69 = half or twice the price, on average.",
        phrase="the price error on {}",
        brief="{:.2f}".format,
        exact="{:.2f}".format,
    ),
    "dollars": Scale(
        about="How much its prices are off, on average.",
        phrase="the price error on {}",
        brief=amounts.price,
        exact=amounts.price,
    ),
}
"""Unit, as a stored report has it -> what follows from it."""

_UNKNOWN = Scale(about="", phrase="{}", brief="{:.3g}".format, exact="{:.3g}".format)
"""Of a part that was not measured, and of a unit that only an earlier version knew."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something the base could do, measured pair by pair: a passage, a question, a row.

    perplexity: log perplexity of each passage; accuracy: 1.0 = right, 0.0 = wrong; log-error: |log price - log truth|;
    dollars: |price - truth|. NaN in `base`: nothing to compare, the pair is left out. NaN only in `adapted`: the
    adapter can't do it any more, which counts as twice the worst that either of the two did elsewhere.
    """

    name: str  # what people read: "neutral prose", "general questions", ...
    unit: Unit
    base: Floats
    adapted: Floats
    about: str = ""  # what it was measured on


@dataclass(frozen=True, slots=True)
class Missing:
    """A part that could not be measured. It blocks nothing, and is shown."""

    name: str
    why: str  # a sentence


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one part."""

    name: str
    unit: str
    n: int  # pairs
    base: float | None  # perplexity, share of right answers, mean |log price - log truth|, or $
    adapted: float | None
    change: float | None  # worsening: share of the base's figure; of accuracy, what it lost of 1.0. Below 0 = better
    low: float | None  # the change is at least this, and at most `high`, each as surely as the gate's part asks for
    high: float | None
    limit: float  # a change that is surely beyond it is a fall
    verdict: Verdict
    about: str = ""

    @property
    def scale(self) -> Scale:
        return UNITS.get(self.unit, _UNKNOWN)


@dataclass(frozen=True, slots=True)
class Report:
    """What the gate decides by; kept with the adapter."""

    findings: tuple[Finding, ...] = ()
    confidence: float = 0.95  # over all parts together
    rival: str = ""  # the adapter that was in production then; "" = none was

    @property
    def fell(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.verdict == "fell")

    @property
    def is_measured(self) -> bool:
        return any(finding.verdict != "not measured" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """As it is stored with an adapter."""
        findings = [asdict(finding) for finding in self.findings]
        return {"findings": findings, "confidence": self.confidence, "rival": self.rival}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Report":
        findings = tuple(Finding(**each) for each in values["findings"])
        return cls(findings, values["confidence"], values.get("rival", ""))


def judge(parts: Sequence[Part | Missing], worsening: float, confidence: float, rival: str = "") -> Report:
    """A part fell when its worsening is beyond `worsening` even at the bound that bootstrap over pairs puts under it.

    One-sided, and the error that `confidence` leaves is shared out over the parts that were measured (Bonferroni), so
    that an adapter that lost exactly as much as it may is blocked in less than one of 1 / (1 - confidence) cases.
    """
    measured = max(1, sum(isinstance(part, Part) for part in parts))
    error = (1 - confidence) / measured
    return Report(
        tuple(
            _finding(part, worsening, error)
            if isinstance(part, Part)
            else Finding(part.name, "", 0, None, None, None, None, None, worsening, "not measured", part.why)
            for part in parts
        ),
        confidence,
        rival,
    )


def objection(report: Report) -> str | None:
    """Why an adapter with this report should not be promoted, in a sentence; None when nothing fell."""
    if not report.fell:
        return None
    lost = [
        f"{finding.scale.phrase.format(finding.name)} {'rose' if finding.scale.rises else 'fell'} by "
        f"{_much(finding, finding.change)} (at least {_much(finding, finding.low)})"
        for finding in report.fell
    ]
    listed = f"{', '.join(lost[:-1])} and {lost[-1]}" if len(lost) > 1 else lost[0]
    limits = list(dict.fromkeys(_much(finding, finding.limit) for finding in report.fell))
    return f"{listed[0].upper()}{listed[1:]}, more than the {' or '.join(limits)} that are allowed."


def _much(finding: Finding, change: float | None) -> str:
    return f"{100 * (change or 0):,.0f} {'%' if finding.scale.rises else 'points'}"


def _finding(part: Part, worsening: float, error: float) -> Finding:
    pairs = _pairs(part)
    n = len(pairs)
    if not n:
        return Finding(part.name, part.unit, 0, None, None, None, None, None, worsening, "too few", part.about)
    figure = resampling.means(pairs)
    scale = UNITS[part.unit]
    change = _worsening(scale, figure(np.ones((1, n))))
    drawn = _worsening(scale, figure(_weights(n)))
    low, high = np.quantile(drawn, [error, 1 - error])
    base, adapted = (scale.figure(float(value)) for value in pairs.mean(axis=0))
    fell = low > worsening
    return Finding(
        name=part.name,
        unit=part.unit,
        n=n,
        base=base,
        adapted=adapted,
        change=float(change[0]),
        low=float(low),
        high=float(high),
        limit=worsening,
        verdict="too few" if n < FEWEST else "fell" if fell else "kept",
        about=part.about,
    )


@lru_cache(maxsize=4)
def _weights(n: int) -> Floats:
    """(N_BOOT, n): drawn once, as parts of the same size are common."""
    return np.concatenate(list(resampling.weights(resampling.alone(n), N_BOOT, SEED)))


def _pairs(part: Part) -> Floats:
    """(n, 2) of base and adapted, all finite."""
    both: Floats = np.column_stack([part.base, part.adapted]).astype(np.float64)
    both = both[np.isfinite(both[:, 0])]
    lost = ~np.isfinite(both[:, 1])
    if not UNITS[part.unit].rises:
        both[lost, 1] = 0.0
    elif lost.any():
        both[lost, 1] = 2 * np.nanmax(np.where(np.isfinite(both), both, np.nan))
    return both


def _worsening(scale: Scale, means: Floats) -> Floats:
    """(b, 2) mean figures of base and adapted -> (b,) worsening."""
    base, adapted = means.T
    return np.asarray(scale.worsening(base, adapted), dtype=np.float64)
