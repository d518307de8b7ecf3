"""WHAT CAME BACK: intake, matching, effects, the engagement record."""
