"""Tests of getting it out."""
