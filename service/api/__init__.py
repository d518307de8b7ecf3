"""The resources of /v1, one file each: schemas above, thin views below, which call `service.acts`."""

from . import audit_entries, programmes, stakeholders, tokens, users

RESOURCES = (
    programmes.resource,
    stakeholders.resource,
    users.resource,
    users.grants,
    tokens.resource,
    audit_entries.resource,
)

# Endpoints that take a multipart form instead of JSON, with the most bytes they take.
BODY_MAX: dict[str, int] = {}
