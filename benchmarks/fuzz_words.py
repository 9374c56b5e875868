"""Fuzzing of what people write rather than upload: prompt templates and settings, put together at random.

`python -m benchmarks.fuzz_files --what templates|settings [--minutes 10] [--seed N]`. Templates are made of parts of
the language, nested and chained, and of broken ones; each is rendered with long values in this process, which may take
little memory. What is looked for: any error that is no sentence for a user, a sentence of more than one line, a
rendering that takes seconds, and one that needs more memory than there may be. Settings: any value of any variable
either holds or is refused in a sentence that repeats no secret.
"""

import os
import random
import resource
import time
import traceback
from collections import Counter
from collections.abc import Callable
from unittest.mock import patch

from db.errors import UserError

SLOW_SECONDS = 5.0
MEMORY = 3 << 30

Check = Callable[[random.Random], str]
"""Makes an input and tries it; what became of it, in a word. Raises Found."""


class Found(Exception):
    """Something that should not be."""


def run(what: str, minutes: float, seed: int) -> int:
    """Try inputs for so long; prints how many there were and what was found. The exit status: 1 = there are finds."""
    check = {"templates": _template, "settings": _setting}[what]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    chance = random.Random(seed)
    ends, finds, until = Counter[str](), dict[str, str](), time.monotonic() + 60 * minutes
    while time.monotonic() < until:
        try:
            ends[check(chance)] += 1
        except Found as found:
            place = str(found).rpartition("\n")[2]
            finds.setdefault(place, str(found))
    print(f"{sum(ends.values()):,} {what} (seed {seed}): " + ", ".join(f"{n:,} {end}" for end, n in ends.most_common()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{len(finds)} finds; {peak:,} MB at most" + "".join(f"\n\n{find}" for find in finds.values()))
    return 1 if finds else 0


_NAMES = ("title", "description", "category", "brand", "product", "examples", "neighbours", "stats", "attributes",
          "known", "loop", "loop.index", "known.product", "known.price", "stats.median", "nothing", "self",
          "examples[0]",
          "examples[:9]", "title[0]", "title[::-1]")  # fmt: skip
_FILTERS = ("tojson", "upper", "lower", "trim", "length", "join", "join(description)", "join(description, 'product')",
            "join(d=', ')", "default(description)", "truncate(9)", "truncate(999999999, True, description)", "round",
            "round(400)", "int", "int(0, 36)", "float", "abs", "reverse", "first", "last", "string", "title",
            "wordcount",
            "dollars", "map('upper')", "replace('a', description)", "center(99999999)", "list", "attr('__class__')",
            "count", "d", "safe", "e", "format", "pprint", "xmlattr", "batch(3)", "sort", "sum", "unique")  # fmt: skip
_BROKEN = ("{%", "%}", "{{", "}}", "{#", "#}", "{% raw %}", "{% endraw %}", "{% else %}", "{% endfor %}", "{% endif %}",
           "\x00", "\ud7ff", "\u2028", "{%- -%}", "'", '"', "\\", "{{ 9**9**9 }}", "{{ None.x }}", "{{ 1 if }}",
           "{{ __debug__ }}", "{{ True.real }}", "{{ f(**x) }}", "{{ {} }}", "{{ [] }}", "{{ () }}", "{{ 1e999 }}",
           "{{ 0x" + "f" * 999 + " }}", "{{ '%s' % title }}", "{% for a, b in examples %}", "{% set x = 1 %}",
           "{% block a %}", "{% break %}", "{{ loop(1) }}", "{{ é }}", "{{ title is in title }}")  # fmt: skip


_SIGNS = ("+", "-", "*", "/", "//", "%", "**", "~", "==", "<", "in", "and", "is")


def _expression(chance: random.Random, depth: int) -> str:
    kind = chance.random()
    if depth <= 0 or kind < 0.3:
        return chance.choice((*_NAMES, "1", "0", "1.5", "'text'", "''", "true", "none", "-1", "10**9"))
    inner = _expression(chance, depth - 1)
    if kind < 0.7:
        return f"({inner})" + "".join(f"|{chance.choice(_FILTERS)}" for _ in range(chance.randint(1, 6)))
    other = _expression(chance, depth - 1)
    if kind < 0.85:
        return f"({inner}) {chance.choice(_SIGNS)} ({other})"
    if kind < 0.95:
        return f"({inner})|join({other})"
    return f"({inner}) if ({other}) else ({_expression(chance, depth - 1)})"


def _part(chance: random.Random, depth: int) -> str:
    kind = chance.random()
    if kind < 0.5 or depth <= 0:
        return "{{ " + _expression(chance, chance.randint(0, 4)) + " }}"
    inner = "".join(_part(chance, depth - 1) for _ in range(chance.randint(1, 3)))
    if kind < 0.65:
        return (
            "{% for known in "
            + chance.choice(("examples", "neighbours", "examples[:3]", "title"))
            + " %}"
            + inner
            + "{% endfor %}"
        )
    if kind < 0.8:
        return "{% if " + _expression(chance, 2) + " %}" + inner + "{% endif %}"
    return inner + chance.choice(_BROKEN)


def _template(chance: random.Random) -> str:
    from db.types import PromptVersion
    from worker.prompts.rendering import SAMPLE, Values, check, render

    text = "".join(_part(chance, 3) for _ in range(chance.randint(1, 4))) + "\n{{ product }}\nPrice: $"
    if chance.random() < 0.2:
        place = chance.randrange(len(text))
        text = text[:place] + text[place + chance.randint(1, 5) :]
    known = [{"product": "x" * 4_000, "price": 1.0, "similarity": 0.0}] * 50
    texts = {"description": '"' * 9_000, "examples": known, "neighbours": known}
    values = Values(**{**SAMPLE, **texts})  # type: ignore[typeddict-item]
    started = time.perf_counter()
    try:
        check("", text)
        render(PromptVersion("p", 1, "", text), values)
        end = "rendered"
    except UserError as error:
        if "\n" in str(error) or len(str(error)) > 500:
            raise Found(f"{text!r}\nno sentence: {str(error)[:200]!r}") from error
        end = "refused"
    except BaseException as error:
        raised = traceback.extract_tb(error.__traceback__)[-1]
        raise Found(f"{text!r}\n{type(error).__name__} {error} in {raised.filename}:{raised.lineno}") from error
    if time.perf_counter() - started > SLOW_SECONDS:
        raise Found(f"{text!r}\nslow: {time.perf_counter() - started:.1f} s")
    return end


_SECRET = "marked-secret"
_HAVE_SECRETS = {"database_url", "broker_url", "secret_key", "endpoint_keys"}
_WITH_SECRET = (_SECRET, f"postgresql://u:{_SECRET}@h/d", f"redis://:{_SECRET}@h", f"mysql://u:{_SECRET}@h",
                f"{_SECRET}@https://h", f"{_SECRET},{_SECRET}", f"KEY@https://u:{_SECRET}@h/x")  # fmt: skip
_VALUES = ("", "0", "-1", "-3", "1", "99999", "1e400", "nan", "inf", "word", "yes", "no", "true", " ", "\t", "0.5",
           "1.5", "0x10", "１２", "9" * 400, "a" * 40, "a,b c;d", "/nowhere", "~", "~nobody-there",
           "http://x", "::1", "0.0.0.0",
           "10.0.0.0/99", "private none", "[::1]:8", "é", "\u202e", "cuda", "any, ~/x", "owner/*")  # fmt: skip


def _setting(chance: random.Random) -> str:
    from db.settings import PREFIX, Settings, settings
    from worker.endpoints import addresses, keys
    from worker.specs import allowed_models

    names = chance.sample(sorted(Settings.model_fields), chance.randint(1, 4))
    given = {f"{PREFIX}{name.upper()}": chance.choice(_VALUES) for name in names}
    for name in _HAVE_SECRETS.intersection(names):
        given[f"{PREFIX}{name.upper()}"] = chance.choice((*_VALUES, *_WITH_SECRET))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    with patch.dict(os.environ, kept | given, clear=True):
        settings.cache_clear()
        try:
            told = settings()
            _ = told.home, told.run_dir, told.database, told.broker, told.models_dir, told.is_shared
            addresses.check("h.example", "1.1.1.1")
            keys.check("PRICEWRIGHT_KEY_A", "https://h.example")
            allowed_models.check_hub("owner/name")
            end = "held"
        except UserError as error:
            if "\n" in str(error) or _SECRET in str(error):
                raise Found(f"{given}\nno sentence, or a secret in it: {error}") from error
            end = "refused"
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            raise Found(f"{given}\n{type(error).__name__} {error} in {place.filename}:{place.lineno}") from error
        finally:
            settings.cache_clear()
    return end
