"""What the inbox makes of a sample, against what the sample says of itself."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.api import Event
from connectors.inbox import read

from .shape import Expected, Sample, spaceless

AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


def mistakes(sample: Sample) -> list[str]:
    """What is read otherwise than it was meant; empty where all is right."""
    events = read(sample.raw, AT)
    if len(events) != len(sample.expected):
        return [f"{len(events)} events for {len(sample.expected)}"]
    return [
        f"{name}: {got!r} for {want!r}"
        for event, expected in zip(events, sample.expected, strict=True)
        for name, got, want in _compared(event, expected)
        if got != want
    ]


def is_dropped(sample: Sample) -> bool:
    """Whether a person who wrote this is not heard: no event is theirs, or words of theirs are missing in it."""
    wanted = [one for one in sample.expected if one.kind == "reply"]
    heard = [spaceless(event.text) for event in read(sample.raw, AT) if event.kind == "reply"]
    return not all(any(spaceless(one.words or "") in text for text in heard) for one in wanted)


def _compared(event: Event, expected: Expected) -> list[tuple[str, object, object]]:
    told = [
        ("kind", event.kind, expected.kind),
        ("about", event.about, expected.about),
        ("hard", event.hard, expected.hard),
        ("suspected", bool(event.meta.get("suspected")), expected.suspected),
        ("token", event.recipient_token, expected.token),
    ]
    if expected.words is None:
        return [*told]
    return [*told, ("words", spaceless(event.text), spaceless(expected.words))]
