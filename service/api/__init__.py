"""The resources of /v1, one file each: schemas above, thin views below, which call `service.acts`."""

from . import (
    audit_entries,
    batches,
    connector_accounts,
    consents,
    content_items,
    deliveries,
    fields,
    imports,
    messages,
    programmes,
    responses,
    segments,
    stakeholders,
    stops,
    strategies,
    suppressions,
    templates,
    tokens,
    urgent_goes,
    users,
)

RESOURCES = (
    programmes.resource,
    stakeholders.resource,
    fields.resource,
    segments.resource,
    consents.resource,
    suppressions.resource,
    imports.resource,
    strategies.resource,
    templates.resource,
    content_items.resource,
    messages.resource,
    deliveries.resource,
    batches.resource,
    urgent_goes.resource,
    stops.resource,
    responses.resource,
    responses.interactions,
    responses.engagement,
    connector_accounts.connectors,
    connector_accounts.resource,
    users.resource,
    users.grants,
    tokens.resource,
    audit_entries.resource,
)

# Endpoints that take a multipart form instead of JSON, with the most bytes they take.
BODY_MAX: dict[str, int] = {"imports.Imports": imports.FORM_MAX}
