"""Every table of the domain in one import, for migrations and tests."""

from . import audit
from .base import Base
from .delivery import tables as delivery
from .messages import tables as messages
from .responses import tables as responses
from .stakeholders import tables as stakeholders
from .strategies import tables as strategies

metadata = Base.metadata

__all__ = ["audit", "delivery", "messages", "metadata", "responses", "stakeholders", "strategies"]
