"""What the shop in the demo sells: a seeded, synthetic catalogue with a documented price process.

Nothing in it is real: shop, brands, products and prices are invented, so that every page has something to show before
the first upload and so that the truth behind the prices is known. See `catalogue` for how a price comes about.
"""

import math
from pathlib import Path
from random import Random

import polars as pl

from worker.demo.product import Product
from worker.demo.shop import BRANDS, CONDITIONS, KINDS, TIERS
from worker.demo.wording import description, title

NOISE = 0.14  # standard deviation of the log of what no text explains
WITHOUT_PRICE = 0.05
WITHOUT_CATEGORY = 0.03
WITHOUT_BRAND = 0.08
COPIES = 0.04  # rows that repeat an earlier product

_SCHEMA = {**dict.fromkeys(("id", "title", "description", "category", "brand"), pl.String), "price": pl.Float64}


def catalogue(n: int = 2400, seed: int = 7) -> pl.DataFrame:
    """Columns id, title, description (40 to 120 words), category, brand, price ($, null for about 5 %).

    The price process: price = base(kind of product) x tier(brand) x the factor of each of its specs x condition x
    noise, ended like a shop ends prices (.99, .95 or .00).
    - base: $8 to $260; the three or four kinds of a category differ, so that a category alone says little.
    - tier: 0.6 budget, 1.0 middle, 1.55 premium, 2.3 luxury. A brand has one tier in all its categories.
    - specs: (value / usual value) ** exponent for a number (litres, watts, pieces in the pack, ...), a fixed factor
      for a material or a feature. Each is told in the text, in varying words and units, and one in twenty is left out.
    - condition: 1.0 new, 0.72 renewed, 0.5 used; told in the text only. Pillows, towels or food are always new.
    - noise: lognormal with sigma 0.14. It moves a price by 9 % in the median: no technique can be better than that.
    About 4 % of the rows repeat an earlier product: as it is, in another colour, or at a slightly other price. The
    brand's column is empty in 8 % of the rows and the category's in 3 %. Same n and seed = same rows.
    """
    random = Random(seed)  # noqa: S311 - invented goods need no secret
    rows: list[dict[str, str | float | None]] = []
    sold: list[tuple[Product, str, str, float]] = []
    for number in range(n):
        if sold and random.random() < COPIES:
            product, name, text, price = _copy(random, sold)
        else:
            product = _product(random)
            name, text, price = title(random, product), description(random, product), _price(random, product)
            sold.append((product, name, text, price))
        rows.append(
            {
                "id": f"DEMO-{number + 1:05d}",
                "title": name,
                "description": text,
                "category": "" if random.random() < WITHOUT_CATEGORY else product.kind.category,
                "brand": "" if random.random() < WITHOUT_BRAND else product.brand,
                "price": None if random.random() < WITHOUT_PRICE else price,
            }
        )
    return pl.DataFrame(rows, schema=_SCHEMA)


def write_csv(path: Path) -> None:
    """The catalogue as UTF-8 CSV; the same bytes each time."""
    catalogue().write_csv(path, line_terminator="\n")


def _product(random: Random) -> Product:
    kind = random.choice(KINDS)
    brand = random.choice([name for name, (_, categories) in BRANDS.items() if kind.category in categories])
    shares = [share for share, _, _ in CONDITIONS.values()]
    condition = random.choices(list(CONDITIONS), shares)[0] if kind.used else "new"
    return Product(
        kind=kind,
        brand=brand,
        series=random.choice(kind.series),
        model=random.choice("ACDEGKLMRSTVX") + random.choice(("", "-")) + str(random.randint(20, 989)),
        condition=condition,
        colour=random.choice(kind.colours),
        values=tuple(random.choice(spec.options) for spec in kind.specs),
    )


def _price(random: Random, product: Product) -> float:
    """The process of `catalogue`."""
    factor = TIERS[BRANDS[product.brand][0]] * CONDITIONS[product.condition][1]
    for spec, value in zip(product.kind.specs, product.values, strict=True):
        factor *= spec.factor(value)
    exact = product.kind.base * factor * math.exp(random.gauss(0, NOISE))
    ending = random.choices((0.99, 0.95, 0.0), (6, 2, 2))[0]
    return round(max(1, round(exact - ending)) + ending, 2)


def _copy(random: Random, sold: list[tuple[Product, str, str, float]]) -> tuple[Product, str, str, float]:
    """An earlier product once more: unchanged, at another price, or in another colour."""
    product, name, text, price = random.choice(sold)
    way = random.choice(("same", "price", "colour"))
    if way == "price":
        return product, name, text, round(price * random.uniform(0.93, 1.07), 2)
    if way == "colour":
        other = random.choice([colour for colour in product.kind.colours if colour != product.colour])
        return product, name.replace(product.colour, other), text.replace(product.colour, other), price
    return product, name, text, price
