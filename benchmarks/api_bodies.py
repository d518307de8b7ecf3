"""Bodies that go through, by operation: what chance alone would not write in a thousand years.

An id that ends in zeros stands for one that exists, one that ends in 10 for another of the same kind, `DIGEST` for the
digest of what is decided on.
"""

from __future__ import annotations

from typing import Any

from campaigns.base import public_id

DIGEST = "sha256:"
COLLEAGUE = "prover@example.org"


def _one(prefix: str) -> str:
    return public_id(prefix, 0)


def _another(prefix: str) -> str:
    return public_id(prefix, 32)


_CONSENT = {"stakeholder_id": _one("stk"), "purpose": "survey", "channel": "email", "source": "a form"}

BODIES: dict[str, dict[str, Any]] = {
    "POST /v1/connector_accounts": {
        "connector": "simulator", "name": "Practice", "settings": {"url": "http://127.0.0.1:9"},
    },
    "PATCH /v1/connector_accounts/{id}": {"settings": {"url": "http://127.0.0.1:9", "repeats": "blind"}},
    "POST /v1/consents": {**_CONSENT, "basis": "consent", "wording_version": "1"},
    "POST /v1/consents/withdraw": _CONSENT,
    "PUT /v1/content_items/{id}/variants/{channel}/{language}": {
        "subject": "Hello {{ name }}", "text": "Dear {{ name }}", "html": "<p>Dear {{ name }}</p>",
    },
    "POST /v1/deliveries/{id}/decide": {"outcome": "failed", "evidence": "they told us"},
    "POST /v1/fields": {"name": "shoe_size", "type": "number"},
    "POST /v1/grants": {"programme_id": _one("prg"), "role": "viewer", "user_id": _one("usr")},
    "POST /v1/imports": {"file": b"name,email\nAnn,ann@example.org\nBo,bo@example.org\n"},
    "POST /v1/interactions": {"stakeholder": _one("stk"), "kind": "call", "at": "2026-01-02T10:00:00Z"},
    "POST /v1/messages": {"to": "ann@example.org", "subject": "Hello", "text": "Dear {{ name }}", "draft": True},
    "PATCH /v1/messages/{id}": {"send_at": {"local": "2030-06-01T09:00", "zone": "Europe/London"}},
    "POST /v1/messages/{id}/approvals": {"digest": DIGEST, "decision": "approved"},
    "POST /v1/messages/{id}/preview": {"stakeholder": _one("stk")},
    "POST /v1/messages/{id}/schedule": {"send_at": "2030-06-01T09:00:00+01:00"},
    "POST /v1/messages/{id}/test": {"stakeholder": _one("stk"), "to": [COLLEAGUE]},
    "POST /v1/messages/{id}/urgent_go": {"digest": DIGEST, "reason": "a flood"},
    "POST /v1/responses/{id}/answer": {"text": "Thank you"},
    "POST /v1/responses/{id}/match": {"stakeholder": _one("stk")},
    "POST /v1/segments": {"name": "Ann", "rule": {"field": "name", "op": "=", "value": "Ann"}},
    "POST /v1/segments/{id}/members": {"stakeholders": [_one("stk")]},
    "POST /v1/stakeholders": {
        "name": "Cai", "addresses": [{"channel": "email", "value": "cai@example.org"}], "zone": "Europe/London",
        "languages": ["cy", "en"], "tags": ["river"],
    },
    "PUT /v1/stakeholders/by-external-id/{external_id}": {"name": "Dai"},
    "POST /v1/stakeholders/{id}/memberships": {"body_id": _another("stk"), "role": "cox"},
    "POST /v1/stops": {"scope": "programme", "ref": _one("prg"), "reason": "a complaint"},
    "POST /v1/strategies": {"name": "The picked", "programme_id": _one("prg"), "segment_id": _one("seg")},
    "PUT /v1/strategies/{id}/parties": {
        "parties": [{"kind": "role", "ref": "approver"}, {"kind": "stakeholder", "ref": _one("stk")}],
    },
    "POST /v1/strategies/{id}/versions": {"aims": "To be heard", "purpose": "service", "key_messages": ["We listen"]},
    "POST /v1/strategies/{id}/versions/{n}/agreements": {
        "party": _one("pty"), "digest": DIGEST, "decision": "agreed", "by": "Ann", "evidence": "minutes of May",
    },
    "POST /v1/strategies/{id}/versions/{n}/comments": {"section": "aims", "text": "Why?"},
    "POST /v1/strategies/{id}/versions/{n}/links": {"party": _one("pty")},
    "POST /v1/suppressions": {
        "stakeholder_id": _one("stk"), "channel": "email", "reason": "manual", "origin": "admin",
    },
    "POST /v1/templates/{id}/render": {"stakeholder": _one("stk")},
    "POST /v1/templates/{id}/versions": {"subject": "Hi", "text": "Dear {{ name }}"},
    "POST /v1/templates/{id}/versions/{n}/approve": {"digest": DIGEST},
    "POST /v1/tokens": {"name": "report", "kind": "machine", "scopes": ["messages:read"]},
}  # fmt: skip
