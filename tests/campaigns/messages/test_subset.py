"""Tests of the template language: what may stand in it, and 60 published ways out that do not work."""

from __future__ import annotations

import pytest

from campaigns.errors import BadTemplate
from campaigns.messages import render

ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ name.__class__ }}",
    "{{ name|attr('__class__') }}",
    "{{ name|attr('format') }}",
    "{{ ('{0.__class__}'|attr('format'))(1) }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '%s'|format(name) }}",
    "{{ name.format_map(data) }}",
    "{{ data.x|map(attribute='__class__')|list }}",
    "{{ data.x|map('upper') }}",
    "{{ [1]|map(attribute='__class__') }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'] }}",
    "{{ lipsum(n=20000) }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ config }}",
    "{{ config.items() }}",
    "{{ request }}",
    "{{ request.application.__globals__ }}",
    "{{ g }}",
    "{{ url_for.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ range(99999) }}",
    "{{ dict(a=1) }}",
    "{{ data['x'] }}",
    "{{ data.x[0] }}",
    "{{ data.x[0:3] }}",
    "{{ [].append }}",
    "{{ {}.items }}",
    "{{ ().count }}",
    "{{ 1 + 1 }}",
    "{{ 7*7 }}",
    "{{ 'a'*200000000 }}",
    "{{ 9**9**9 }}",
    "{{ name ~ name }}",
    "{{ 10 // 3 }}",
    "{{ -1 }}",
    "{{ name is defined }}",
    "{{ name if name else name }}",
    "{{ 'a'|center(200000000) }}",
    "{{ '%0200000000d'|format(1) }}",
    "{{ name|safe }}",
    "{{ name|e }}",
    "{{ name|pprint }}",
    "{{ name|tojson }}",
    "{{ name|replace('a', 'b') }}",
    "{{ name|indent(999999) }}",
    "{{ name|each }}",
    "{{ name|upper() (1) }}",
    "{% include '../../config' %}",
    "{% import 'os' as os %}",
    "{% from 'os' import path %}",
    "{% extends 'base' %}",
    "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "{% call(x) name() %}{% endcall %}",
    "{% set x = name %}",
    "{% set x.y = 1 %}",
    "{% block a %}{% endblock %}",
    "{% filter upper %}x{% endfilter %}",
    "{% with a = name %}{{ a }}{% endwith %}",
    "{% autoescape false %}{{ name }}{% endautoescape %}",
    "{% for i in range(10) %}{% endfor %}",
    "{% for i in name %}{% for j in data.x %}{% endfor %}{% endfor %}",
    "{% for a, b in data.x %}{% endfor %}",
    "{% for a in data.x if a %}{% endfor %}",
    "{% for a in data.x recursive %}{{ loop(a) }}{% endfor %}",
    "{% for a in data.x %}{{ loop.index }}{% endfor %}",
    "{% for name in data.x %}{% endfor %}",
    "{% for data in data.x %}{% endfor %}",
    "{% for _x in data.x %}{% endfor %}",
    "{% for a in data.x %}{{ name|upper }}{% endfor %}",
    "{% if name in data.x %}{% endif %}",
    "{% if 'a' == name %}{% endif %}",
    "{% if name == data.x %}{% endif %}",
    "{% if 1 < name < 3 %}{% endif %}",
    "{% if name|upper == 'A' %}{% endif %}",
    "{% if name() %}{% endif %}",
    "{{ data }}",
    "{{ fields }}",
    "{{ password }}",
    "{{ name.first }}",
    "{{ name|default(data.x) }}",
    "{{ name|default('a', true) }}",
    "{{ name|join(between='x') }}",
    "{{ none }}",
    "{% debug %}",
    "{% do name %}",
    "{% break %}",
    "{% trans %}x{% endtrans %}",
]


@pytest.mark.parametrize("words", ESCAPES)
def test_no_way_out_is_in_the_language(words: str) -> None:
    """T3, T4, T6 to T11"""
    for subject, text, html in ((words, "x", ""), ("", words, ""), ("", "", words)):
        with pytest.raises(BadTemplate) as refused:
            render.check(subject, text, html)
        assert refused.value.facts["line"] == 1
        assert refused.value.pointer == ("/subject" if subject else "/text" if text else "/html")


def test_there_are_at_least_sixty_ways_out() -> None:
    assert len(set(ESCAPES)) >= 60


def test_slots_are_listed_in_order_of_first_use() -> None:
    """C1, T2"""
    slots = render.check(
        "{{ data.title }}",
        "{{ name }} {% for line in data.lines %}{{ line.what|upper }}{% for x in line.more %}{{ x }}{% endfor %}"
        "{% endfor %}{{ fields.nick|default('friend') }}{% if fields.town == 'Bangor' %}{{ data.bus }}{% endif %}",
        "{{ fields.nick }} {{ unsubscribe_url }}",
    )
    assert slots == [
        "data.title", "name", "data.lines", "fields.nick", "fields.town?", "data.bus?", "unsubscribe_url",
    ]  # fmt: skip


def test_an_error_says_where_it_is() -> None:
    """T1"""
    with pytest.raises(BadTemplate) as wrong:
        render.check("", "fine\nfine\n{{ name", "")
    assert (wrong.value.pointer, wrong.value.facts["line"]) == ("/text", 3)
    with pytest.raises(BadTemplate) as wrong:
        render.check("", "x", "a\n{{ password }}")
    assert (wrong.value.pointer, wrong.value.facts["line"]) == (
        "/html",
        2,
    ) and "password" in wrong.value.detail


@pytest.mark.parametrize(
    "words",
    [
        "{% if name %}" * 9 + "{% endif %}" * 9,
        "{% if name %}" * 5000 + "{% endif %}" * 5000,
        "{{ " + "(" * 5000 + "name" + ")" * 5000 + " }}",
        "{% if " + "not " * 5000 + "name %}{% endif %}",
        "{% for a in data.x %}{% for b in a.y %}{% for c in b.z %}{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in data.x %}{% for b in data.x %}{% endfor %}{% endfor %}",
        "{{ name }}" * 1001,
        "{{ name|upper }}" * 51,
        "{{ '" + "x" * 501 + "' }}",
        "x" * 100_001,
    ],
)
def test_what_would_be_much_work_is_refused(words: str) -> None:
    """T3, T6"""
    with pytest.raises(BadTemplate):
        render.check("", words, "")


def test_ordinary_words_with_braces_and_percent_signs_pass() -> None:
    assert (
        render.check("100 %", "{ } { name } 50% {{ '{{' }} {# note #}{% raw %}{{ x }}{% endraw %}", "") == []
    )
