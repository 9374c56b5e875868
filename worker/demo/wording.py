"""How the shop writes about a product: titles and descriptions from many phrasings, facts in varying order."""

from random import Random

from worker.demo.product import Product, Spec, Value
from worker.demo.shop import BRANDS, CONDITIONS, HOUSE, MANNERS

_UNTOLD = 0.05  # share of the specs that the text keeps quiet about
_FEWEST, _MOST = 40, 120  # words

_OPENINGS = (
    "The {brand} {series}: {a} made for {use}.",
    "Made for {use}: the {series} {name} by {brand}.",
    "Meet the {series} {model}, {a} by {brand} for {use}.",
    "Looking for {a}? {brand} designed this with {use} in mind.",
    "{brand} {series} {model}: {a} to rely on, whether for {use} or for everyday jobs.",
    "From the {series} range in {colour}: {a} for {use}.",
    "A favourite of our buyers: {a} by {brand}, at home with {use}.",
)


def title(random: Random, product: Product) -> str:
    """Brand, series, model, name and about half of the specs, in one of several orders."""
    facts = [_say(random, spec.short, value) for spec, value in _pairs(product) if random.random() < 0.55]
    random.shuffle(facts)
    name = random.choice(product.kind.names)
    brand = product.brand if random.random() < 0.92 else ""
    model = product.model if random.random() < 0.7 else ""
    named = [part for part in (product.series, model) if part]
    name = name.title() if random.random() < 0.6 else name
    orders = (
        [brand, *named, name, *facts],
        [brand, name, *named, *facts],
        [*facts, name, "by" if brand else "", brand, *named],
        [brand, *named, *facts, name],
    )
    text = " ".join(part for part in random.choice(orders) if part)
    if random.random() < 0.35:
        text += random.choice((f" – {product.colour}", f", {product.colour}", f" ({product.colour})"))
    mark = random.choice(CONDITIONS[product.condition][2])
    if product.condition != "new" and random.random() < 0.6:
        text += f" [{mark.split(',')[0].split(':')[0].strip('.')}]"
    return text[0].upper() + text[1:]


def description(random: Random, product: Product) -> str:
    """40 to 120 words: an opening, the facts in any order among praise, the condition, and the shop's small print."""
    kind, manner = product.kind, MANNERS[BRANDS[product.brand][0]]
    facts = [_say(random, spec.long, value) for spec, value in _pairs(product) if random.random() >= _UNTOLD]
    if product.condition != "new":
        facts.append(random.choice(CONDITIONS[product.condition][2]))
    elif random.random() < 0.2:
        facts.append(random.choice(CONDITIONS["new"][2]))
    if random.random() < 0.5:
        facts.append(random.choice(manner))
    if random.random() < 0.5:
        facts.append(random.choice((f"Colour: {product.colour}.", f"This one comes in {product.colour}.")))
    random.shuffle(facts)
    sentences = [_opening(random, product), *facts]
    filler = [*random.sample(kind.praise, len(kind.praise)), *random.sample(HOUSE, len(HOUSE))]
    goal = random.randint(_FEWEST + 5, _MOST - 25)
    while _words(sentences) < goal and filler:
        extra = filler.pop(0)
        if _words([*sentences, extra]) <= _MOST:
            sentences.insert(random.randint(1, len(sentences)), extra)
    return " ".join(sentences)


def _opening(random: Random, product: Product) -> str:
    name = random.choice(product.kind.names)
    return random.choice(_OPENINGS).format(
        brand=product.brand,
        series=product.series,
        model=product.model,
        name=name,
        a=_with_article(name),
        use=random.choice(product.kind.uses),
        colour=product.colour,
    )


def _with_article(name: str) -> str:
    """'A electric kettle' and 'a towels' read like a machine wrote them."""
    if name.endswith("s"):
        return name
    return f"an {name}" if name[0] in "aeioAEIO" else f"a {name}"


def _pairs(product: Product) -> list[tuple[Spec, Value]]:
    return list(zip(product.kind.specs, product.values, strict=True))


def _say(random: Random, ways: tuple[str, ...], value: Value) -> str:
    number = value if isinstance(value, str) else f"{value:g}"
    thousandfold = "" if isinstance(value, str) else f"{value * 1000:g}"
    text = random.choice(ways).format(v=number, m=thousandfold)
    return text[0].upper() + text[1:] if text.endswith(".") else text


def _words(sentences: list[str]) -> int:
    return sum(len(sentence.split()) for sentence in sentences)
