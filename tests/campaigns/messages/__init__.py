"""Tests of what goes out, and when."""
