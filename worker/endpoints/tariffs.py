"""What the tokens of a model behind an endpoint cost on a date: what was entered by hand, else what the price list
says, else nobody knows."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from db import rates
from db.engine import Session
from db.types import Endpoint, Tariff

FREE = "free"
"""The provider of an endpoint on machines of one's own: their hours are what it costs, tokens cost nothing."""
_NOTHING = Tariff(Decimal(0), Decimal(0), Decimal(0), Decimal(0), Decimal(0), source="own machine")


def find(session: Session, endpoint: Endpoint, model: str, at: datetime | None = None) -> Tariff | None:
    """The tariff that holds at a time (None = now). None = unknown, which is not the same as free."""
    entered = rates.tariff(session, endpoint.name, model, at)
    if entered or not endpoint.provider:
        return entered
    if endpoint.provider == FREE:
        return _NOTHING
    return listed(endpoint.provider, model, (at or datetime.now(UTC)).date().isoformat())


def training(session: Session, endpoint: Endpoint, model: str, at: datetime | None = None) -> Decimal | None:
    """Dollars per million tokens that a model is tuned on, at a time (None = now). None = unknown, which is not the
    same as free: no price list says it, only who enters it by hand."""
    entered = rates.training(session, endpoint.name, model, at)
    return Decimal(0) if entered is None and endpoint.provider == FREE else entered


@lru_cache(maxsize=256)
def listed(provider: str, model: str, day: str) -> Tariff | None:
    """What genai-prices says for a day (ISO date); None when it does not know provider or model.

    It falls back to the plain price without a word where it knows no batch price, and so do we, knowingly: the batch
    price is then None, and what is booked is an upper bound. Prices that rise with the length of the prompt (tiers)
    are read at 1,000 tokens: a question for a price is short.
    """
    from genai_prices import Usage, calc_price

    when = datetime.fromisoformat(day).replace(tzinfo=UTC)

    def per_million(batch: bool, **usage: int) -> Decimal:
        context = {"processing": "batch"} if batch else None
        price = calc_price(
            Usage(**usage), model_ref=model, provider_id=provider, genai_request_timestamp=when, price_context=context
        )
        return (Decimal(price.total_price) * 1000).normalize()

    try:
        fresh = per_million(False, input_tokens=1000)
        cached = per_million(False, input_tokens=1000, cache_read_tokens=1000)
        output = per_million(False, output_tokens=1000)
        batch_input, batch_output = per_million(True, input_tokens=1000), per_million(True, output_tokens=1000)
    except LookupError:
        return None
    knows_batch = (batch_input, batch_output) != (fresh, output)
    return Tariff(
        input=fresh,
        output=output,
        cached=cached,
        batch_input=batch_input if knows_batch else None,
        batch_output=batch_output if knows_batch else None,
        source=f"genai-prices {_version()}",
        valid_from=_verified(provider, model),
    )


_DATE = re.compile(r"\b20\d\d-\d\d-\d\d\b")


def _verified(provider: str, model: str) -> datetime | None:
    """When the price list last looked at the provider's page, as far as its comments on the model say so."""
    from genai_prices.data_snapshot import get_snapshot

    _, found = get_snapshot().find_provider_model(model, None, provider, None)
    dates = _DATE.findall(found.price_comments or "")
    return datetime.fromisoformat(max(dates)).replace(tzinfo=UTC) if dates else None


def _version() -> str:
    from importlib.metadata import version

    return version("genai-prices")
