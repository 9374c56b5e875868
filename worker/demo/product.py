"""A kind of product, a spec of it, and one product of the invented shop."""

import math
from dataclasses import dataclass

Value = float | str


@dataclass(frozen=True, slots=True)
class Amount:
    """A number that moves the price: factor = (value / usual) ** exponent."""

    options: tuple[Value, ...]
    usual: float  # the value whose factor is 1
    exponent: float
    short: tuple[str, ...]  # for titles; {v} is the value, {m} a thousand times it
    long: tuple[str, ...]  # sentences for descriptions

    def factor(self, value: Value) -> float:
        return math.pow(float(value) / self.usual, self.exponent)


@dataclass(frozen=True, slots=True)
class Choice:
    """A material or a feature with a factor of its own."""

    factors: dict[str, float]
    short: tuple[str, ...]
    long: tuple[str, ...]

    @property
    def options(self) -> tuple[Value, ...]:
        return tuple(self.factors)

    def factor(self, value: Value) -> float:
        return self.factors[str(value)]


Spec = Amount | Choice


@dataclass(frozen=True, slots=True)
class Kind:
    category: str
    names: tuple[str, ...]  # what people call it; synonyms
    base: float  # $ for a new one of a middle brand with usual specs
    specs: tuple[Spec, ...]
    uses: tuple[str, ...]  # ends of "made for ..."
    praise: tuple[str, ...]  # sentences that say nothing about the price
    series: tuple[str, ...]
    colours: tuple[str, ...]
    used: bool = True  # nobody sells used pillows


@dataclass(frozen=True, slots=True)
class Product:
    kind: Kind
    brand: str
    series: str
    model: str
    condition: str
    colour: str
    values: tuple[Value, ...]  # one for each spec of the kind
