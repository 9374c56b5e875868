"""Does a template do what it should, and can it neither break out, hang nor grow?"""

import pytest

from db.errors import UserError
from db.types import PromptVersion
from worker.templates.rendering import SAMPLE, Values, check, render

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
        render(prompt, Values(**{**SAMPLE, "examples": known}))


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


def test_values_are_never_read_as_template_language() -> None:
    wild = "{{ 7 * 7 }} {% for a in examples %}x{% endfor %} {# gone #}"
    item = Values(**{**SAMPLE, "product": wild})
    assert wild in render(PromptVersion("p", 1, "", END), item).user
