"""WHAT GOES OUT, WHEN: content and variants, approval, blockers, calendar."""
