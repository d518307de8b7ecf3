"""The prefix of every kind's ids, as people and programs see them."""

from __future__ import annotations

from campaigns.base import parse_id, public_id
from campaigns.errors import BadId, said

# A new kind gets a line here; `Id(kind)` in a schema and `<prefix:name>` in a route then take its ids.
PREFIXES = {
    "programme": "prg",
    "priority": "pri",
    "objective": "obj",
    "risk": "rsk",
    "stakeholder": "stk",
    "address": "adr",
    "membership": "mbr",
    "merge": "mrg",
    "relation": "rel",
    "field": "fld",
    "tag": "tag",
    "segment": "seg",
    "consent": "cns",
    "suppression": "sup",
    "import": "imp",
    "export": "exp",
    "job": "job",
    "strategy": "str",
    "strategy_version": "ver",
    "party": "pty",
    "agreement": "agr",
    "comment": "cmt",
    "template": "tpl",
    "template_version": "tpv",
    "media": "med",
    "content_item": "cnt",
    "variant": "var",
    "message": "msg",
    "occurrence": "occ",
    "approval": "apv",
    "urgent_go": "urg",
    "delivery": "dlv",
    "batch": "bat",
    "response": "rsp",
    "saved_reply": "rpl",
    "role": "rol",
    "review": "rvw",
    "intent": "itn",
    "commitment": "cmm",
    "interaction": "itr",  # not `int`, which routes know as a number
    "attachment": "att",
    "delivery_event": "dev",
    "account": "acc",
    "stop": "stp",
    "slot": "slt",
    "promise": "pms",
    "quiet_period": "qtp",
    "sending_hours": "shr",
    "topic": "top",
    "preference": "prf",
    "form": "frm",
    "signup": "sgn",
    "survey_answer": "sva",
    "task": "tsk",
    "user": "usr",
    "token": "tok",
    "grant": "grt",
    "audit_entry": "aud",
    "login": "lgn",
    "installation": "ins",
    "webhook_endpoint": "whe",
    "webhook_delivery": "whd",
}


def shown(kind: str, number: int | None) -> str | None:
    """The public id of a row of this kind; None for none."""
    return None if number is None else public_id(PREFIXES[kind], number)


def number(kind: str, text: str | None) -> int | None:
    """The number inside a public id of this kind that a form sent; None for none, BadId for anything else."""
    return parse_id(PREFIXES[kind], text) if text else None


def any_id(text: str) -> tuple[str, int]:
    """The kind and the number of an id of whatever kind; BadId for anything else."""
    for kind, prefix in PREFIXES.items():
        if text.startswith(f"{prefix}_"):
            return kind, parse_id(prefix, text)
    raise BadId(said("{text} is not an id", text=repr(text[:40])))
