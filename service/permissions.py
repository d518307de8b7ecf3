"""Who may do what: the roles with their scopes, and the one scope that each route needs.

Rules: a scope is `resource:verb`; a route without a line here stops the start; machine and test tokens never
agree or approve, whatever their role says.
"""

from __future__ import annotations

SCOPES = (
    "programmes:read",
    "programmes:write",
    "stakeholders:read",
    "stakeholders:write",
    "stakeholders:export",
    "stakeholders:erase",
    "segments:read",
    "segments:write",
    "consents:read",
    "consents:write",
    "strategies:read",
    "strategies:write",
    "strategies:agree",
    "messages:read",
    "messages:write",
    "messages:approve",
    "messages:send",
    "messages:test",
    "responses:read",
    "responses:write",
    "connectors:read",
    "connectors:admin",
    "tokens:own",
    "users:admin",
    "audit:read",
)
# What a token of this kind never has: a machine that could make users could make itself a person.
WITHHELD: dict[str, frozenset[str]] = {
    "person": frozenset(),
    "machine": frozenset({"strategies:agree", "messages:approve", "users:admin"}),
    "test": frozenset(
        {
            "strategies:agree",
            "messages:approve",
            "users:admin",
            "tokens:own",
            "connectors:admin",
            "stakeholders:export",
            "stakeholders:erase",
        }
    ),
}

_READ = frozenset(scope for scope in SCOPES if scope.endswith(":read") and scope != "audit:read") | {
    "tokens:own"
}
_RESPOND = _READ | {"responses:write"}
_WRITE = _RESPOND | {
    "stakeholders:write",
    "segments:write",
    "strategies:write",
    "messages:write",
    "messages:send",
    "messages:test",
}

ROLES: dict[str, frozenset[str]] = {
    "viewer": _READ,
    "responder": _RESPOND,
    "author": _WRITE,
    "approver": _READ | {"strategies:agree", "messages:approve", "messages:test"},
    "community_manager": _WRITE | {"strategies:agree", "messages:approve", "programmes:write"},
    "moderator": _RESPOND,
    "steward": _READ | {"stakeholders:write", "stakeholders:export", "stakeholders:erase", "consents:write"},
    "administrator": frozenset(SCOPES),
    "auditor": _READ | {"audit:read", "stakeholders:export"},
}

PERMISSIONS: dict[str, str] = {
    # programmes
    "GET /v1/programmes": "programmes:read",
    "POST /v1/programmes": "programmes:write",
    "GET /v1/programmes/{id}": "programmes:read",
    "PATCH /v1/programmes/{id}": "programmes:write",
    # stakeholders
    "GET /v1/stakeholders": "stakeholders:read",
    "POST /v1/stakeholders": "stakeholders:write",
    "PUT /v1/stakeholders/by-external-id/{external_id}": "stakeholders:write",
    "GET /v1/stakeholders/{id}": "stakeholders:read",
    "PATCH /v1/stakeholders/{id}": "stakeholders:write",
    "DELETE /v1/stakeholders/{id}": "stakeholders:write",
    "GET /v1/stakeholders/{id}/addresses": "stakeholders:read",
    "POST /v1/stakeholders/{id}/addresses": "stakeholders:write",
    "DELETE /v1/stakeholders/{id}/addresses/{address_id}": "stakeholders:write",
    "GET /v1/stakeholders/{id}/memberships": "stakeholders:read",
    "POST /v1/stakeholders/{id}/memberships": "stakeholders:write",
    "DELETE /v1/stakeholders/{id}/memberships/{membership_id}": "stakeholders:write",
    "GET /v1/stakeholders/{id}/tags": "stakeholders:read",
    "PUT /v1/stakeholders/{id}/tags/{name}": "stakeholders:write",
    "DELETE /v1/stakeholders/{id}/tags/{name}": "stakeholders:write",
    "GET /v1/stakeholders/{id}/involvements": "stakeholders:read",
    "PUT /v1/stakeholders/{id}/involvements/{programme_id}": "stakeholders:write",
    # fields
    "GET /v1/fields": "stakeholders:read",
    "POST /v1/fields": "stakeholders:write",
    "GET /v1/fields/{id}": "stakeholders:read",
    # strategies
    "GET /v1/strategies": "strategies:read",
    "POST /v1/strategies": "strategies:write",
    "GET /v1/strategies/{id}": "strategies:read",
    "GET /v1/strategies/{id}/parties": "strategies:read",
    "PUT /v1/strategies/{id}/parties": "strategies:write",
    "GET /v1/strategies/{id}/versions": "strategies:read",
    "POST /v1/strategies/{id}/versions": "strategies:write",
    "GET /v1/strategies/{id}/versions/{n}": "strategies:read",
    "GET /v1/strategies/{id}/versions/{n}/agreements": "strategies:read",
    "POST /v1/strategies/{id}/versions/{n}/agreements": "strategies:agree",
    "POST /v1/strategies/{id}/versions/{n}/links": "strategies:write",
    "GET /v1/strategies/{id}/versions/{n}/comments": "strategies:read",
    "POST /v1/strategies/{id}/versions/{n}/comments": "strategies:read",
    "POST /v1/strategies/{id}/versions/{n}/comments/{comment_id}/answer": "strategies:write",
    # words
    "GET /v1/templates": "messages:read",
    "POST /v1/templates": "messages:write",
    "GET /v1/templates/{id}": "messages:read",
    "GET /v1/templates/{id}/versions": "messages:read",
    "POST /v1/templates/{id}/versions": "messages:write",
    "POST /v1/templates/{id}/versions/{n}/approve": "messages:approve",
    "POST /v1/templates/{id}/render": "messages:read",
    "GET /v1/content_items": "messages:read",
    "POST /v1/content_items": "messages:write",
    "GET /v1/content_items/{id}": "messages:read",
    "PATCH /v1/content_items/{id}": "messages:write",
    "GET /v1/content_items/{id}/variants": "messages:read",
    "PUT /v1/content_items/{id}/variants/{channel}/{language}": "messages:write",
    "DELETE /v1/content_items/{id}/variants/{channel}/{language}": "messages:write",
    # messages and the ledger
    "GET /v1/messages": "messages:read",
    "POST /v1/messages": "messages:write",
    "GET /v1/messages/{id}": "messages:read",
    "PATCH /v1/messages/{id}": "messages:write",
    "POST /v1/messages/{id}/submit": "messages:send",
    "POST /v1/messages/{id}/schedule": "messages:write",
    "GET /v1/messages/{id}/approvals": "messages:read",
    "POST /v1/messages/{id}/approvals": "messages:approve",
    "POST /v1/messages/{id}/urgent_go": "messages:approve",
    "GET /v1/messages/{id}/blockers": "messages:read",
    "POST /v1/messages/{id}/rehearse": "messages:read",
    "POST /v1/messages/{id}/preview": "messages:read",
    "POST /v1/messages/{id}/test": "messages:test",
    "POST /v1/messages/{id}/pause": "messages:send",
    "POST /v1/messages/{id}/resume": "messages:send",
    "POST /v1/messages/{id}/cancel": "messages:send",
    "POST /v1/messages/{id}/retry": "messages:send",
    "GET /v1/messages/{id}/occurrences": "messages:read",
    "GET /v1/messages/{id}/deliveries": "messages:read",
    "GET /v1/deliveries": "messages:read",
    "GET /v1/deliveries/{id}": "messages:read",
    "GET /v1/deliveries/{id}/words": "messages:read",
    "POST /v1/deliveries/{id}/decide": "messages:send",
    "GET /v1/urgent_goes": "messages:read",
    "POST /v1/urgent_goes/{id}/review": "messages:approve",
    "GET /v1/stops": "messages:read",
    "POST /v1/stops": "messages:send",
    "POST /v1/stops/{id}/lift": "messages:approve",
    # what came back
    "GET /v1/responses": "responses:read",
    "GET /v1/responses/{id}": "responses:read",
    "POST /v1/responses/{id}/match": "responses:write",
    "POST /v1/responses/{id}/answer": "responses:write",
    "GET /v1/interactions": "responses:read",
    "POST /v1/interactions": "responses:write",
    "POST /v1/interactions/{id}/correct": "responses:write",
    "GET /v1/stakeholders/{id}/engagement": "stakeholders:read",
    # connectors
    "GET /v1/connectors": "connectors:read",
    "GET /v1/connectors/{name}/capabilities": "connectors:read",
    "GET /v1/connector_accounts": "connectors:read",
    "POST /v1/connector_accounts": "connectors:admin",
    "GET /v1/connector_accounts/{id}": "connectors:read",
    "PATCH /v1/connector_accounts/{id}": "connectors:admin",
    "POST /v1/connector_accounts/{id}/verify": "connectors:admin",
    # segments
    "GET /v1/segments": "segments:read",
    "POST /v1/segments": "segments:write",
    "GET /v1/segments/{id}": "segments:read",
    "PATCH /v1/segments/{id}": "segments:write",
    "DELETE /v1/segments/{id}": "segments:write",
    "GET /v1/segments/{id}/members": "stakeholders:read",
    "POST /v1/segments/{id}/members": "segments:write",
    "DELETE /v1/segments/{id}/members/{stakeholder_id}": "segments:write",
    "GET /v1/segments/{id}/members/{stakeholder_id}/explanation": "stakeholders:read",
    "GET /v1/segments/{id}/count": "segments:read",
    # consents
    "GET /v1/consents": "consents:read",
    "POST /v1/consents": "consents:write",
    "POST /v1/consents/withdraw": "consents:write",
    # suppressions
    "GET /v1/suppressions": "consents:read",
    "POST /v1/suppressions": "consents:write",
    "POST /v1/suppressions/{id}/lift": "consents:write",
    # imports
    "POST /v1/imports": "stakeholders:write",
    "GET /v1/imports/{id}": "stakeholders:read",
    "POST /v1/imports/{id}/confirm": "stakeholders:write",
    "GET /v1/imports/{id}/rows": "stakeholders:read",
    # users and grants
    "GET /v1/users": "users:admin",
    "POST /v1/users": "users:admin",
    "GET /v1/users/{id}": "users:admin",
    "PATCH /v1/users/{id}": "users:admin",
    "GET /v1/grants": "users:admin",
    "POST /v1/grants": "users:admin",
    "DELETE /v1/grants/{id}": "users:admin",
    # tokens
    "GET /v1/tokens": "tokens:own",
    "POST /v1/tokens": "tokens:own",
    "DELETE /v1/tokens/{id}": "tokens:own",
    "POST /v1/tokens/{id}/rotate": "tokens:own",
    # audit entries
    "GET /v1/audit_entries": "audit:read",
}

# What each page needs, "" where being signed in is enough. What its forms do is asked again by the acts.
PAGES: dict[str, str] = {
    # today and one's own account
    "GET /": "",
    "POST /unsure": "messages:send",
    "GET /live": "",
    "POST /sign-out": "",
    "GET /me": "",
    "POST /me": "",
    "GET /me/password": "",
    "POST /me/password": "",
    "GET /me/second-step": "",
    "POST /me/second-step": "",
    "POST /me/logins/<lgn:number>/end": "",
    "POST /me/logins/end": "",
    # the tour of the demo
    "GET /tour": "messages:read",
    "POST /tour": "messages:send",
    # media
    "GET /media": "messages:read",
    "GET /media/new": "messages:write",
    "POST /media/new": "messages:write",
    "GET /media/<med:number>": "messages:read",
    "POST /media/<med:number>": "messages:write",
    "GET /media/<med:number>/<name>": "messages:read",
}
