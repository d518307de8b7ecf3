"""Words as they are looked for: without capitals, accents, vowel marks and what stands between them.

Rules: PostgreSQL's own form of this stands in `responses/search.py`; a test compares the two.
"""

from __future__ import annotations

import re
import unicodedata

# What stands between words, in every script we write in.
BETWEEN = "-'’`\"“”.,;:!?()/@_·…،؛؟«»|<>"
_GAPS = re.compile(f"[{re.escape(BETWEEN)}\\s]+")
_ALIKE = str.maketrans({"ى": "ي", "ة": "ه", "ـ": None})


def plain(words: str) -> str:
    """The words bare: `Siân O’Dwyer` → `sian o dwyer`, `أحمد` → `احمد`."""
    apart = unicodedata.normalize("NFKD", words.lower())
    bare = "".join(letter for letter in apart if unicodedata.category(letter) != "Mn")
    return _GAPS.sub(" ", bare.translate(_ALIKE)).strip()
