"""Every row of bad input is a test: which file shows which rows, and that each of them names its row.

Rows are R (calls), C (files of people), T (templates), H (hooks), M (mail that comes in), D (media), U (addresses) and
A (signing in). Other lists number by some of these letters too, so a row is looked for where it is shown.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROWS = {"R": 44, "C": 21, "T": 16, "H": 16, "M": 21, "D": 12, "U": 15, "A": 14}
SHOWN = {
    "campaigns/delivery/test_compose.py": "T14",
    "campaigns/messages/test_approval.py": "R35 A10",
    "campaigns/messages/test_calendar.py": "R20-R27",
    "campaigns/messages/test_lengths.py": "R43",
    "campaigns/messages/test_media.py": "D1-D8 D10 D11",
    "campaigns/messages/test_post_pictures.py": "D10",
    "campaigns/messages/test_render.py": "T2 T5 T8 T12 T13",
    "campaigns/messages/test_render_helper.py": "T1 T3 T4 T9 T11",
    "campaigns/messages/test_subset.py": "T1-T4 T6-T11",
    "campaigns/messages/test_uneven.py": "T15 T16",
    "campaigns/responses/test_answers.py": "M1 M2 M17",
    "campaigns/responses/test_effects.py": "H6 H15 M6-M10 M19 U13",
    "campaigns/responses/test_intake.py": "H4 H5 H7 H8 H9 H13 M4 M5 M12 M20 M21",
    "campaigns/responses/test_match.py": "H8 M16 M17",
    "campaigns/stakeholders/test_addresses.py": "C10-C15 M18",
    "campaigns/stakeholders/test_imports.py": "C1-C10 C13 C15-C21",
    "campaigns/stakeholders/test_people.py": "R10 R11 R42 R44",
    "connectors/test_facebook.py": "H9 H12 H13",
    "connectors/test_http.py": "U1-U9",
    "connectors/test_inbox.py": "M1-M4 M6 M7 M9-M12 M14-M16 M19-M21",
    "connectors/test_linkedin.py": "H12",
    "connectors/test_mailgun.py": "H3 H4",
    "connectors/test_postmark.py": "H16",
    "connectors/test_ses.py": "H11 H15",
    "connectors/test_signatures.py": "H1-H3",
    "connectors/test_slack.py": "H4 H12 H13",
    "connectors/test_smtp.py": "M13 M18",
    "service/pages/test_calendar.py": "U10",
    "service/pages/test_frame.py": "U10 A5",
    "service/pages/test_inbox.py": "M15 M16 M19",
    "service/pages/test_oidc.py": "A9 U15",
    "service/pages/test_settings_page.py": "A11",
    "service/pages/test_sign_in_at_provider.py": "A9 U15",
    "service/pages/test_signin.py": "A1-A4 A8 A12-A14",
    "service/public/test_forms.py": "U11-U13",
    "service/public/test_hooks.py": "H1-H5 H7-H14 H16",
    "service/public/test_preferences.py": "U11-U13",
    "service/public/test_unsubscribe.py": "U12-U14",
    "service/test_access.py": "A4 A6 A7",
    "service/test_access_matrix.py": "R33 A6",
    "service/test_door.py": "R19 R28-R31 R37 R39-R41",
    "service/test_idempotency.py": "R36",
    "service/test_media_api.py": "D1-D12",
    "service/test_pages_matrix.py": "U10 U12 A5",
    "service/test_stakeholders.py": "R28 R29 R31 R32 R37 R38 R42",
    "service/test_strict_json.py": "R1-R18 R20-R23 R34",
    "service/test_webhooks.py": "U1 U2 U4 U5",
}
NAMED = re.compile(r"\b([RCTHMDUA])(\d{1,2})(?:(?:–|-| to )\1(\d{1,2}))?\b")


def rows(text: str) -> set[str]:
    """The rows a text names: one by one, or from one to another."""
    found = NAMED.findall(text)
    return {f"{group}{n}" for group, first, last in found for n in range(int(first), int(last or first) + 1)}


def named(path: Path) -> set[str]:
    """The rows that tests of a file name, in what they say of themselves or of what they are given."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    words = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return set().union(*(rows(one) for one in words if isinstance(one, str)))


@pytest.mark.parametrize("file", SHOWN)
def test_a_file_names_the_rows_it_shows(file: str) -> None:
    assert rows(SHOWN[file]) - named(HERE / file) == set()


def test_every_row_is_shown_somewhere() -> None:
    every = {f"{group}{n}" for group, count in ROWS.items() for n in range(1, count + 1)}
    shown = set().union(*(rows(one) for one in SHOWN.values()))
    assert len(every) == 159
    assert sorted(every - shown) == [] and sorted(shown - every) == []
