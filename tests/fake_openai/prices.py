"""What a product could cost: a log-normal guess from its words, without any model, and its tokens' odds."""

import hashlib
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from tests.fake_openai.brain import Token

TOP = 20  # entries of top_logprobs at most
END = "<|im_end|>"
MOST = 9_999  # dollars
_DOLLARS = np.arange(1, MOST + 1)
_LOG_DOLLARS = np.log(_DOLLARS)
# Models name the prices that shops like: 99 and 49, then round ones, then any 9; the dearer, the more so.
_LIKED = np.select(
    [_DOLLARS % 100 == 99, _DOLLARS % 50 == 49, _DOLLARS % 50 == 0, _DOLLARS % 10 == 9, _DOLLARS % 5 == 0],
    [40.0, 25.0, 12.0, 6.0, 3.0],
    1.0,
) ** np.clip(_LOG_DOLLARS / math.log(100) - 0.35, 0.15, 1.3)
_LIKED_LOG = np.log(_LIKED)

# What a product of this word costs, roughly, in dollars.
_WORDS = {
    "laptop": 550, "computer": 450, "monitor": 190, "tv": 400, "television": 400, "camera": 250, "phone": 220,
    "tablet": 180, "printer": 160, "router": 90, "headphones": 60, "earbuds": 35, "speaker": 55, "keyboard": 45,
    "mouse": 22, "cable": 11, "case": 16, "charger": 17, "adapter": 14, "battery": 25, "cover": 18, "film": 9,
    "sofa": 600, "table": 170, "chair": 130, "desk": 180, "bed": 320, "mattress": 380, "lamp": 40, "shelf": 60,
    "rug": 90, "curtain": 30, "pillow": 24, "towel": 18, "mug": 13, "bottle": 17, "knife": 28, "pan": 35,
    "blender": 70, "vacuum": 160, "refrigerator": 900, "washer": 700, "heater": 80, "fan": 45, "filter": 24,
    "drill": 95, "saw": 110, "hose": 35, "mower": 350, "tire": 120, "brake": 65, "bike": 380, "tent": 130,
    "shoes": 65, "boots": 90, "jacket": 70, "shirt": 24, "dress": 38, "jeans": 45, "socks": 13, "watch": 95,
    "ring": 60, "necklace": 40, "toy": 22, "puzzle": 18, "game": 35, "doll": 25, "book": 16, "guitar": 260,
    "piano": 700, "drum": 180, "microphone": 75, "pen": 9, "notebook": 11, "paper": 14, "ink": 30, "shampoo": 14,
    "cream": 20, "perfume": 55, "vitamin": 22, "sticker": 8, "screw": 9, "kit": 40, "set": 32, "pack": 20,
}  # fmt: skip
_WORD = re.compile(r"[a-z]+")
_DOLLAR = re.compile(r"\$ ?(\d{1,3}(?:,\d{3})+|\d{1,6})(\.\d{1,2})?")
_MEDIAN = re.compile(r"\"(?:median|price)\": ?(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Guess:
    """Prices are log-normal: `mu` and `sigma` of the logarithm of dollars."""

    mu: float
    sigma: float

    def quantile(self, level: float) -> float:
        return math.exp(self.mu + self.sigma * NormalDist().inv_cdf(level))


def guess(product: str, told: str) -> Guess:
    """From the product's own words, a hash of them as noise, and the prices it was `told` about others."""
    words = _WORD.findall(product.lower())
    known = [math.log(_WORDS[word]) for word in words if word in _WORDS]
    digest = hashlib.blake2b(" ".join(product.split()).lower().encode(), digest_size=8).digest()
    noise = NormalDist().inv_cdf((int.from_bytes(digest) + 1) / (2**64 + 2))
    mu = (sum(known) / len(known) if known else math.log(32)) + 0.5 * noise
    others = [float(whole.replace(",", "") + cents) for whole, cents in _DOLLAR.findall(told)]
    others += [float(price) for price in _MEDIAN.findall(told)]
    logs = [math.log(price) for price in others if price >= 1]
    if logs:
        mu = (mu + sum(logs) / len(logs)) / 2
    mu = min(max(mu, math.log(2)), math.log(5_000))
    return Guess(mu, 0.35 if logs else 0.5)


@lru_cache(maxsize=512)
def shares(guess: Guess) -> npt.NDArray[np.float64]:
    """(MOST,) probabilities of 1, 2, … dollars."""
    z = (_LOG_DOLLARS - guess.mu) / guess.sigma
    weights = np.exp(-0.5 * z * z - _LOG_DOLLARS + _LIKED_LOG)
    found: npt.NDArray[np.float64] = weights / weights.sum()
    return found


def number_tokens(
    odds: npt.NDArray[np.float64], group: int, temperature: float, random: np.random.Generator
) -> list[Token]:
    """A whole number of dollars, token by token, written from left to right: all digits that fit into a `group`.

    Each token's odds are those of all prices that begin with what is written, so that they are a true distribution.
    """
    out: list[Token] = []
    written = 0
    while True:
        following, mass = _following(odds, written, group)
        mass = mass / mass.sum()
        top = np.argsort(-mass, kind="stable")[:TOP] if len(mass) <= TOP else _largest(mass, TOP)
        chosen = int(top[0])
        if temperature > 0:
            heat = mass ** (1 / temperature)
            chosen = int(random.choice(len(mass), p=heat / heat.sum()))
        if following[chosen] < 0:
            return out
        pairs = [(int(following[i]), float(mass[i])) for i in top if mass[i] > 0]
        choices = tuple((str(number) if number >= 0 else END, math.log(share)) for number, share in pairs)
        out.append(Token(str(following[chosen]), math.log(float(mass[chosen])), choices))
        full = len(str(following[chosen])) == (group if not written else 1)
        written = written * 10 ** len(str(following[chosen])) + int(following[chosen])
        if not full or written * 10 > MOST:
            return out


def _largest(mass: npt.NDArray[np.float64], n: int) -> npt.NDArray[np.intp]:
    some = np.argpartition(-mass, n)[:n]
    found: npt.NDArray[np.intp] = some[np.argsort(-mass[some], kind="stable")]
    return found


def _following(
    odds: npt.NDArray[np.float64], written: int, group: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """What may stand next (a number; -1: the price ends) and the probability of all prices that each leaves open."""
    if written:  # MOST has one digit more than the longest group: at most one digit is left, or they come one by one
        open_ = [float(odds[written - 1]), *(_starting(odds, written * 10 + digit) for digit in range(10))]
        return np.arange(-1, 10), np.array(open_)
    last = 10**group
    if group == 1:
        return np.arange(1, last), np.array([_starting(odds, digit) for digit in range(1, last)])
    mass = odds[: last - 1].copy()
    mass[last // 10 - 1 :] += odds[last - 1 :].reshape(-1, 10).sum(1)
    return np.arange(1, last), mass


def _starting(odds: npt.NDArray[np.float64], beginning: int) -> float:
    """Probability of all prices whose digits begin so."""
    total, width = 0.0, 1
    while beginning * width <= MOST:
        total += float(odds[beginning * width - 1 : (beginning + 1) * width - 1].sum())
        width *= 10
    return total
