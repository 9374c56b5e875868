"""Templates do what they should, and can neither break out, hang nor grow."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import UserError
from db.types import PromptVersion
from worker.prompts.builtin import BUILT_IN
from worker.prompts.rendering import SAMPLE, Values, check, render
from worker.prompts.sandbox import MAX_RENDERED

END = "\n{{ product }}\nPrice: $"

ESCAPES = [
    "{{ title.__class__.__mro__[1].__subclasses__() }}",
    "{{ title.__class__ }}",
    "{{ ''['__class__'] }}",
    "{{ examples.__class__ }}",
    "{{ examples.append(1) }}",
    "{{ self._TemplateReference__context }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ lipsum() }}",
    "{{ namespace(a=1) }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% macro a() %}{% endmacro %}",
    "{{ title|attr('__class__') }}",
    "{{ title|map('upper')|list }}",
    "{{ loop }}",
]
FLOODS = [
    "{% for i in range(10 ** 9) %}x{% endfor %}",
    "{% for a in description %}{% for b in description %}x{% endfor %}{% endfor %}",
    "{% for a in examples %}{% for b in examples %}{% for c in examples %}x{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in examples recursive %}{{ loop(examples) }}{% endfor %}",
    "{{ 'a' * 1000000000 }}",
    "{{ title * 1000000000 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ '%0999999999d' % 1 }}",
    "{{ '{:0999999999d}'.format(1) }}",
    "{{ title|center(999999999) }}",
    "{{ 'a'|replace('a', 'aaaa') }}",
    "{% set a = title ~ title %}",
    "{{ title ~ title }}",
    "{{ 1.5|round(2, 'ceil') }}",
    "{" * 30_000,
    "{{" + "(" * 5_000 + "1" + ")" * 5_000 + "}}",
    "{% if a %}" * 3_000,
]


@pytest.mark.parametrize("text", ESCAPES + FLOODS)
def test_what_could_reach_out_or_grow_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(UserError) as refused:
        check("", text + END)
    assert len(str(refused.value)) < 400
    assert "\n" not in str(refused.value)


def test_a_long_list_in_a_nested_loop_stops_at_the_longest_prompt() -> None:
    known = [{"product": "x" * 4_000, "price": 1.0, "similarity": 0.0}] * 50
    prompt = PromptVersion(
        "p", 1, "", "{% for a in examples %}{% for b in examples %}{{ b.product }}{% endfor %}{% endfor %}" + END
    )
    with pytest.raises(UserError, match="grows beyond"):
        render(prompt, Values(**{**SAMPLE, "examples": known}))  # type: ignore[typeddict-item]


def test_a_prompt_can_loop_choose_count_and_round() -> None:
    text = (
        "{% for known in neighbours|reverse %}{{ loop.index }}/{{ loop.length }} {{ known.product|truncate(9) }} "
        "{{ known.price|dollars }} {{ (known.similarity * 100)|round }}%{{ '' if loop.last else ', ' }}{% endfor %};"
        "{% for known in examples[:1] %}{{ known.product|upper }}{% endfor %};"
        "{% if stats %}{{ stats.median|round(1) }}{% endif %} {{ brand|default('none') }} "
        "{{ attributes|length > 3 }} {{ examples|tojson }}" + END
    )
    check("", text)
    shown = render(PromptVersion("p", 1, "", text), SAMPLE).user
    assert shown.startswith("1/2 Beech... 120 78.0%, 2/2 Oak...")
    assert "STEEL GARDEN SPADE" in shown


# Short, and each takes all memory or hours where filters are not held back; filled in with long lists and texts.
HUNGRY = [
    "{{ examples" + "|tojson" * 24 + " }}",
    "{{ description" + "|tojson" * 30 + " }}",
    "{{ examples|join(examples|join(examples|join(examples|join(description)))) }}",
    "{{ description|join(description|join(description)) }}",
    "{{ (description|join(description|join(description)))|length }}",
    "{{ 'abcdefghij'|join('abcdefghij'|join('abcdefghij'|join('abcdefghij'|join(description)))) }}",
    "{{ title|truncate(9, True, description|join(description|join(description))) }}",
    "{{ title|default(description|join(description|join(description)))|upper|lower }}",
    "{% for a in examples %}{% for b in examples %}"
    "{{ examples|join(',', 'product')|upper|title|length }}{% endfor %}{% endfor %}",
    "{% for a in examples %}{% for b in examples %}{% if description in description %}{% endif %}"
    "{% endfor %}{% endfor %}" * 200,
    "{{ (" + " * ".join(["(brand|int(0, 16))"] * 35) + ")|length }}",
]

RENDER = """
import json, resource, sys, traceback
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
from db.errors import UserError
from db.types import PromptVersion
from worker.prompts.rendering import SAMPLE, Values, render
known = [{"product": "x" * 4_000, "price": 1.0, "similarity": 0.0}] * 50
texts = {"description": '"' * 9_000, "brand": "f" * 300_000}
values = Values(**{**SAMPLE, **texts, "examples": known, "neighbours": known})  # type: ignore[typeddict-item]
for text in json.load(sys.stdin):
    try:
        said = f"{len(render(PromptVersion('p', 1, '', text), values).user)} letters"
    except UserError as error:
        said = f"UserError {error}"
    except BaseException as error:
        said = f"{type(error).__name__} {error}"
    print(json.dumps(said), flush=True)
# Not getrusage: its peak begins with that of the process that started this one.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps(int(peak.split()[1]) // 1024))
"""


def test_short_templates_can_take_neither_all_memory_nor_hours() -> None:
    """In a process that may have 2 GB and a minute of the processor, so that a failure ends there."""
    done = subprocess.run(
        [sys.executable, "-c", RENDER],
        input=json.dumps([text + END for text in HUNGRY]),
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    *said, megabytes = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(said) == len(HUNGRY), done.stderr
    assert [text for text in said if not text.startswith("UserError")] == []
    assert megabytes < 400


@pytest.mark.parametrize(
    "text",
    [
        "{{ title|join(d='x', d='y') }}",  # SyntaxError of Python's compiler
        "{% if 1 %}" * 101 + "x" + "{% endif %}" * 101,  # IndentationError: more than 100 levels
        "{{ 1" + " + 1" * 3_000 + " }}",  # RecursionError
        "{{ title" + "|upper" * 3_000 + " }}",
        "{{ " + "9" * 5_000 + " }}",  # ValueError of int
        "{{ 1e400 }}",  # NameError: written into the code as inf
        "{{ (1e308 * 10)|int }}",
        "{{ 2 ** 3 }}",
        "{{ title.a.b }}",
        "{{ title|first(1, 2) }}",
        "{{ title|int(0, 99) }}{{ 1|round(examples) }}",
    ],
)
def test_what_jinja_or_python_choke_on_ends_in_a_sentence(text: str) -> None:
    with pytest.raises(UserError) as refused:
        check("", text + END)
    assert "\n" not in str(refused.value)


def test_prompts_that_come_along_can_be_filled_with_all_that_a_prompt_may_get() -> None:
    known = [{"product": "wide “oak” table\n" * 20, "price": 1.0, "similarity": 0.5}] * 50
    long = Values(**{**SAMPLE, "description": "words and words " * 2_000, "examples": known, "neighbours": known})  # type: ignore[typeddict-item]
    for prompt in BUILT_IN.values():
        assert render(prompt, long).user


_NAMES = st.sampled_from(["title", "description", "product", "stats", "examples", "neighbours", "brand", "a", "loop"])
_CONSTANTS = st.one_of(
    st.integers(-(10**40), 10**40).map(str),
    st.floats(allow_nan=False).map(str),
    st.sampled_from(["''", "'ab'", "True"]),
)
_FILTER = st.sampled_from(
    ["abs", "capitalize", "count", "default", "first", "float", "int", "join", "last", "length", "lower", "reverse",
     "string", "title", "trim", "truncate", "upper", "wordcount", "dollars", "round", "tojson", "center", "replace"]
)  # fmt: skip
_EXPRESSION = st.recursive(
    _NAMES | _CONSTANTS,
    lambda inner: st.one_of(
        st.tuples(inner, _FILTER).map("|".join),
        st.builds("({}|{}({}))".format, inner, _FILTER, inner),
        st.builds("({}|{}({}, {}))".format, inner, _FILTER, inner, inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", "in", "<", "and", "~"]), inner),
        st.builds("{}[{}:{}]".format, inner, inner, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("{}.{}".format, inner, st.sampled_from(["product", "price", "median", "index", "__class__"])),
        st.builds("-{}".format, inner),
    ),
    max_leaves=12,
)
_TEMPLATE = st.recursive(
    st.text(max_size=8) | _EXPRESSION.map("{{{{ {} }}}}".format),
    lambda inner: st.one_of(
        st.builds("{{% if {} %}}{}{{% endif %}}".format, _EXPRESSION, inner),
        st.builds("{{% for a in {} %}}{}{{% endfor %}}".format, _EXPRESSION, inner),
        st.lists(inner, max_size=4).map("".join),
    ),
    max_leaves=6,
)


@pytest.mark.slow
@given(_TEMPLATE)
def test_every_template_is_filled_in_or_refused_in_one_sentence(text: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    known = [{"product": 'x"\\' * 500, "price": 1.0, "similarity": 0.0}] * 50
    values = Values(**{**SAMPLE, "examples": known, "neighbours": known, "description": '"' * 9_000})  # type: ignore[typeddict-item]
    try:
        rendered = render(PromptVersion("p", 1, "", text + END), values)
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017 - most are filled in
    else:
        assert len(rendered.user) <= MAX_RENDERED
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024  # kilobytes


def test_values_are_never_read_as_template_language() -> None:
    wild = "{{ 7 * 7 }} {% for a in examples %}x{% endfor %} {# gone #}"
    item = Values(**{**SAMPLE, "product": wild})
    assert wild in render(PromptVersion("p", 1, "", END), item).user
