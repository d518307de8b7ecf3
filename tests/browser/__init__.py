"""Whole jobs and every page in a real browser: `make test-browser`. Needs Chromium, so `make test` leaves it out."""
