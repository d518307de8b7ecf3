"""Whatever a page can do, /v1 can do: every form of every page with its operations, or why there is none.

Source: J1. A new form of a page gets a line here; a test names those that have none.
"""

from __future__ import annotations

from service.pages import inbox, messages, programmes, record, relations, strategies
from service.permissions import PAGES, PERMISSIONS

STAKEHOLDER, INVOLVED = "/v1/stakeholders/{id}", "/v1/stakeholders/{id}/involvements/{programme_id}"
VERSION = "/v1/strategies/{id}/versions/{n}"

# What is done at a browser alone, each with its reason.
ALONE = {
    "POST /sign-out": "a browser is signed out there; a token is revoked",
    "POST /me/password": "how somebody signs in is settled by them, with the password they know",
    "POST /me/second-step": "as the password",
    "POST /me/logins/<lgn:number>/end": "logins are of browsers; tokens have their own list",
    "POST /me/logins/end": "as one login",
    "POST /me/language": "the language of the pages, before anybody has signed in too",
    "POST /first/practice": "the practice account makes itself when a test token sends",
    "POST /first/year": "the sample year is for looking round on the pages",
    "POST /tour": "the tour of the demonstration",
    "POST /settings/accounts/<acc:number>/sign-in": "the provider's own page is shown at the browser that set out",
    "POST /settings/people/<usr:number>/link": "whoever holds the link is that person: no token may make itself one",
    "POST /settings/people/<usr:number>/second-step": "as the link: it opens an account",
    "POST /settings/policies/provider": "as the link: who says who people are",
}

# The operations that do what a form does.
SAME: dict[str, tuple[str, ...]] = {
    "POST /unsure": ("POST /v1/deliveries/{id}/decide",),
    "POST /missed/<occ:number>": ("POST /v1/missed_runs/{id}/decide",),
    "POST /me": ("PATCH /v1/me",),
    "POST /me/notices": ("PUT /v1/me/notices",),
    "POST /settings/accounts/new": ("POST /v1/connector_accounts",),
    "POST /settings/accounts/<acc:number>": ("PATCH /v1/connector_accounts/{id}",),
    "POST /settings/accounts/<acc:number>/state": ("PATCH /v1/connector_accounts/{id}",),
    "POST /settings/accounts/<acc:number>/delete": ("DELETE /v1/connector_accounts/{id}",),
    "POST /settings/accounts/<acc:number>/verify": ("POST /v1/connector_accounts/{id}/verify",),
    "POST /settings/accounts/<acc:number>/try": ("POST /v1/messages",),
    "POST /settings/people": ("POST /v1/users", "POST /v1/grants"),
    "POST /settings/people/<usr:number>": ("PATCH /v1/users/{id}",),
    "POST /settings/people/<usr:number>/roles": ("POST /v1/grants",),
    "POST /settings/people/<usr:number>/roles/<grt:grant>/take": ("DELETE /v1/grants/{id}",),
    "POST /settings/people/<usr:number>/state": ("PATCH /v1/users/{id}",),
    "POST /settings/tokens": ("POST /v1/tokens",),
    "POST /settings/tokens/<tok:number>/revoke": ("DELETE /v1/tokens/{id}",),
    "POST /settings/tokens/<tok:number>/rotate": ("POST /v1/tokens/{id}/rotate",),
    "POST /settings/policies/programmes/<prg:number>": ("PATCH /v1/programmes/{id}",),
    "POST /settings/policies/second-step": ("PUT /v1/installation",),
    "POST /settings/stops": ("POST /v1/stops",),
    "POST /settings/stops/<stp:number>/lift": ("POST /v1/stops/{id}/lift",),
    "POST /settings/work": ("POST /v1/batches/{id}/requeue", "POST /v1/batches/{id}/mark"),
    "POST /settings/webhooks": ("POST /v1/webhook_endpoints",),
    "POST /settings/webhooks/<whe:number>": ("PATCH /v1/webhook_endpoints/{id}",),
    "POST /settings/webhooks/<whe:number>/state": ("PATCH /v1/webhook_endpoints/{id}",),
    "POST /settings/webhooks/<whe:number>/secret": ("POST /v1/webhook_endpoints/{id}/rotate",),
    "POST /settings/webhooks/<whe:number>/test": ("POST /v1/webhook_endpoints/{id}/test",),
    "POST /settings/webhooks/<whe:number>/replay": ("POST /v1/webhook_endpoints/{id}/replay",),
    "POST /settings/webhooks/<whe:number>/remove": ("DELETE /v1/webhook_endpoints/{id}",),
    "POST /settings/do-not-contact": ("POST /v1/suppressions",),
    "POST /settings/do-not-contact/<sup:number>/lift": ("POST /v1/suppressions/{id}/lift",),
    "POST /settings/jobs": ("POST /v1/exports",),
    "POST /settings/jobs/<exp:number>": ("POST /v1/jobs/{id}/cancel",),
    "POST /people/new": ("POST /v1/stakeholders", "POST /v1/consents"),
    "POST /people/contact": ("POST /v1/interactions",),
    "POST /people/<stk:number>/export": ("POST /v1/stakeholders/{id}/export",),
    "POST /people/import/check": ("POST /v1/imports",),
    "POST /people/imports/<imp:number>": (
        "POST /v1/imports", "POST /v1/imports/{id}/confirm", "POST /v1/imports/{id}/cancel", "POST /v1/segments",
        "POST /v1/imports/{id}/lift_stops",
    ),
    "POST /people/<stk:number>/same": ("POST /v1/duplicates/distinct", "POST /v1/merges/{id}/undo"),
    "POST /people/<stk:number>/same/<stk:other_id>": ("POST /v1/merges",),
    "POST /people/<stk:number>/relations": (
        "POST /v1/relations", "POST /v1/relations/{id}/end", "DELETE /v1/relations/{id}",
    ),
    "POST /people/<stk:number>/edit": (
        f"PATCH {STAKEHOLDER}", f"POST {STAKEHOLDER}/addresses", f"DELETE {STAKEHOLDER}/addresses/{{address_id}}",
        f"PUT {STAKEHOLDER}/tags/{{name}}", f"DELETE {STAKEHOLDER}/tags/{{name}}",
        f"POST {STAKEHOLDER}/memberships", f"DELETE {STAKEHOLDER}/memberships/{{membership_id}}",
        f"PUT {INVOLVED}", f"DELETE {STAKEHOLDER}",
    ),
    "POST /people/<stk:number>/erase": (f"POST {STAKEHOLDER}/erase",),
    "POST /people/<stk:number>/permissions": (
        "POST /v1/consents", "POST /v1/consents/withdraw", "POST /v1/suppressions",
        "POST /v1/suppressions/{id}/lift",
    ),
    "POST /people/<stk:number>/in/<prg:programme_id>": (
        f"POST {INVOLVED}/roles", f"PUT {INVOLVED}/owners", f"POST {INVOLVED}/intents",
        f"POST {INVOLVED}/reviews", f"POST {INVOLVED}/commitments", "POST /v1/commitments/{id}/end",
    ),
    "POST /people/<stk:number>/contact": (
        "POST /v1/interactions", "POST /v1/interactions/{id}/attachments", f"POST {INVOLVED}/commitments",
        "POST /v1/tasks",
    ),
    "POST /people/<stk:number>/contact/<itr:contact_id>": (
        "POST /v1/interactions/{id}/correct", "POST /v1/interactions/{id}/attachments",
    ),
    "POST /people/<stk:number>/answer/<rsp:response_id>": ("POST /v1/responses/{id}/answer",),
    "POST /groups/new": ("POST /v1/segments",),
    "POST /groups/gather": ("POST /v1/segments", "POST /v1/segments/{id}/members"),
    "POST /groups/<seg:number>": (
        "POST /v1/segments/{id}/members", "DELETE /v1/segments/{id}/members/{stakeholder_id}",
        "DELETE /v1/segments/{id}",
    ),
    "POST /groups/<seg:number>/edit": ("PATCH /v1/segments/{id}",),
    "POST /programmes/new": ("POST /v1/programmes",),
    "POST /programmes/<prg:number>": (
        "PATCH /v1/programmes/{id}", "PUT /v1/programmes/{id}/policies", "POST /v1/programmes/{id}/risks",
        "PUT /v1/programmes/{id}/risks/{risk_id}", "POST /v1/programmes/{id}/priorities",
        "DELETE /v1/programmes/{id}/priorities/{priority_id}",
    ),
    "POST /programmes/<prg:number>/edit": ("PATCH /v1/programmes/{id}",),
    "POST /programmes/<prg:number>/wales": (
        "POST /v1/programmes/{id}/policies/wales", "POST /v1/quiet_periods",
    ),
    "POST /programmes/<prg:number>/objective": ("POST /v1/programmes/{id}/objectives",),
    "POST /objectives/<obj:number>": (
        "PATCH /v1/objectives/{id}", "DELETE /v1/objectives/{id}", "POST /v1/objectives/{id}/readings",
    ),
    "POST /strategies/new": ("POST /v1/strategies",),
    "POST /strategies/<str:number>": (
        f"POST {VERSION}/agreements", f"POST {VERSION}/links", f"POST {VERSION}/comments",
        f"POST {VERSION}/comments/{{comment_id}}/answer", f"POST {VERSION}/comments/{{comment_id}}/settle",
        "POST /v1/strategies/{id}/archive",
    ),
    "POST /strategies/<str:number>/edit": (
        "POST /v1/strategies/{id}/versions", "PUT /v1/strategies/{id}/draft", "DELETE /v1/strategies/{id}/draft",
    ),
    "POST /strategies/<str:number>/parties": ("PUT /v1/strategies/{id}/parties",),
    "POST /tasks": ("POST /v1/tasks/{id}/end",),
    "POST /tasks/new": ("POST /v1/tasks",),
    "POST /tasks/<tsk:number>": (
        "PUT /v1/tasks/{id}", "POST /v1/tasks/{id}/end", "POST /v1/tasks/{id}/reopen",
    ),
    "POST /templates/new": ("POST /v1/templates", "POST /v1/templates/{id}/versions"),
    "POST /templates/layout": ("PUT /v1/house_layouts", "DELETE /v1/house_layouts/{id}"),
    "POST /templates/<tpl:number>": ("POST /v1/templates/{id}/versions/{n}/approve",),
    "POST /templates/<tpl:number>/edit": (
        "POST /v1/templates/{id}/versions", "POST /v1/templates/{id}/render",
    ),
    "POST /write": ("POST /v1/messages", "POST /v1/messages/{id}/test"),
    "POST /messages/<msg:number>": (
        "POST /v1/messages/{id}/submit", "POST /v1/messages/{id}/approvals", "POST /v1/messages/{id}/urgent_go",
        "POST /v1/messages/{id}/schedule", "POST /v1/messages/{id}/unschedule", "POST /v1/messages/{id}/test",
        "POST /v1/messages/{id}/pause", "POST /v1/messages/{id}/resume", "POST /v1/messages/{id}/cancel",
        "POST /v1/messages/{id}/retry", "PATCH /v1/messages/{id}", "POST /v1/messages/{id}/readdress",
        "PUT /v1/messages/{id}/together", "POST /v1/messages/{id}/still_right",
        "POST /v1/messages/{id}/comments", "POST /v1/messages/{id}/comments/{comment_id}/settle",
    ),
    "POST /messages/<msg:number>/times": (
        "POST /v1/messages/{id}/occurrences/{occurrence_id}/move",
        "POST /v1/messages/{id}/occurrences/{occurrence_id}/cancel",
        "POST /v1/messages/{id}/occurrences/{occurrence_id}/go_on",
    ),
    "POST /messages/<msg:number>/words/<channel>/<tag>": (
        "PUT /v1/content_items/{id}/variants/{channel}/{language}",
        "PUT /v1/content_items/{id}/variants/{channel}/{language}/blocks",
        "DELETE /v1/content_items/{id}/variants/{channel}/{language}",
    ),
    "POST /messages/<msg:number>/look": ("POST /v1/messages/{id}/preview",),
    "POST /messages/<msg:number>/who": ("POST /v1/deliveries/{id}/decide", "POST /v1/messages/{id}/retry"),
    "POST /who": ("POST /v1/deliveries/{id}/decide",),
    "POST /by-hand/<dlv:number>": (
        "POST /v1/by_hand/{id}/done", "POST /v1/by_hand/{id}/not_done", "PUT /v1/by_hand/{id}/link",
        "DELETE /v1/by_hand/{id}/link",
    ),
    "POST /media/new": ("POST /v1/media", "POST /v1/media/links"),
    "POST /media/<med:number>": ("PATCH /v1/media/{id}", "DELETE /v1/media/{id}"),
    "POST /calendar/<msg:number>": (
        "POST /v1/messages/{id}/schedule", "POST /v1/messages/{id}/enqueue", "PUT /v1/messages/{id}/aim",
    ),
    "POST /calendar/file": ("POST /v1/content_calendar",),
    "POST /calendar/queue": ("POST /v1/queue_slots", "DELETE /v1/queue_slots/{id}"),
    "POST /calendar/promises": ("PUT /v1/cadence_promises", "DELETE /v1/cadence_promises/{id}"),
    "POST /calendar/hours": ("POST /v1/sending_hours", "DELETE /v1/sending_hours/{id}"),
    "POST /calendar/quiet": ("POST /v1/quiet_periods", "POST /v1/quiet_periods/{id}/end"),
    "POST /calendar/mix": ("PUT /v1/mix",),
    "POST /calendar/feed": ("PUT /v1/me/calendar_feed", "DELETE /v1/me/calendar_feed"),
    "POST /inbox": ("POST /v1/responses/many",),
    "POST /inbox/<rsp:number>": tuple(
        f"POST /v1/responses/{{id}}/{act}"
        for act in (
            "answer", "check", "take", "assign", "close", "reopen", "snooze", "wake", "urgent", "stop_as_asked",
            "labels", "notes", "match", "match_new", "match/undo",
        )
    ) + (
        "PUT /v1/responses/{id}/draft", "PUT /v1/responses/{id}/sentiment", "DELETE /v1/responses/{id}/urgent",
        "DELETE /v1/responses/{id}/labels/{tag}",
    ),
    "POST /inbox/<rsp:number>/draft": ("PUT /v1/responses/{id}/draft",),
    "POST /inbox/replies": (
        "POST /v1/saved_replies", "PUT /v1/saved_replies/{id}", "DELETE /v1/saved_replies/{id}",
    ),
    "POST /inbox/promise": ("PUT /v1/response_promises",),
    "POST /forms/new": ("POST /v1/forms",),
    "POST /forms/<frm:number>": ("PATCH /v1/forms/{id}",),
    "POST /topics": ("POST /v1/topics",),
    "POST /topics/<top:number>": ("PATCH /v1/topics/{id}",),
}  # fmt: skip

# The things that one form of a page does, by the buttons it has.
BUTTONS = {
    "POST /inbox/<rsp:number>": set(inbox.ACTS),
    "POST /messages/<msg:number>": set(messages.DOES),
    "POST /people/<stk:number>/relations": set(relations._DO),
    "POST /people/<stk:number>/edit": set(record._EDIT),
    "POST /people/<stk:number>/permissions": set(record._PERMISSIONS),
    "POST /people/<stk:number>/in/<prg:programme_id>": set(record._RELATION),
    "POST /programmes/<prg:number>": set(programmes._acts()),
    "POST /strategies/<str:number>": set(strategies._acts()),
}
# Buttons that share an operation with another, or need none.
FOLDED = {
    "POST /inbox/<rsp:number>": {"answer_open", "no_answer", "insert"},  # keep_open; why; the text of a draft
    "POST /messages/<msg:number>": {"refuse", "version"},  # a decision; nothing is done but to open a form
    "POST /programmes/<prg:number>": {"reopen"},  # the state of a risk, as closing it
    "POST /strategies/<str:number>": {"record"},  # an agreement with evidence
}
# Operations beside the one for each button: a time is taken away by the button that sets it.
BESIDE = {"POST /messages/<msg:number>": 1}


def test_every_form_of_every_page_has_its_operations_or_a_reason() -> None:
    """J1"""
    forms = {page for page in PAGES if not page.startswith("GET ")}
    assert forms == set(SAME) | set(ALONE)
    assert not set(SAME) & set(ALONE)


def test_every_operation_that_is_named_is_there() -> None:
    named = {operation for operations in SAME.values() for operation in operations}
    assert named <= set(PERMISSIONS)


def test_a_form_with_many_buttons_names_an_operation_for_each() -> None:
    for page, buttons in BUTTONS.items():
        folded = FOLDED.get(page, set())
        assert folded <= buttons, page
        assert len(set(SAME[page])) == len(buttons - folded) + BESIDE.get(page, 0), (page, buttons)
