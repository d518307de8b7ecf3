"""Tests of the outside world, whose wire alone is doubled."""
