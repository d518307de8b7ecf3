"""Signing in by an OAuth server that nobody here wrote: a colleague by OpenID, and a connected account at its provider.

It comes with the tests' own packages, so the pages are proven by it whenever they are; here is each round once.
"""

from __future__ import annotations

from tests.service.pages.conftest import browser, browsers
from tests.service.pages.test_oidc import (
    ann,
    client,
    issuer,
    test_who_is_known_by_a_verified_address_comes_in_and_is_known_by_subject_from_then_on,
    wired,
)
from tests.service.pages.test_sign_in_at_provider import (
    installed,
    test_a_whole_round_with_an_authorization_server,
)

__all__ = [
    "ann",
    "browser",
    "browsers",
    "client",
    "installed",
    "issuer",
    "test_a_whole_round_with_an_authorization_server",
    "test_who_is_known_by_a_verified_address_comes_in_and_is_known_by_subject_from_then_on",
    "wired",
]
