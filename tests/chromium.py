"""Where Chromium is, and how it is started where there is no user to protect and no screen."""

from __future__ import annotations

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("DOLEN_CHROMIUM") or next(
    (found for name in NAMES if (found := shutil.which(name))), None
)
# Root may not have Chromium's own sandbox; the pages it opens here are ours.
FLAGS = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
