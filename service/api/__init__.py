"""The resources of /v1, one file each: schemas above, thin views below, which call `service.acts`."""

from . import programmes

RESOURCES = (programmes.resource,)

# Endpoints that take a multipart form instead of JSON, with the most bytes they take.
BODY_MAX: dict[str, int] = {}
