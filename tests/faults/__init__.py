"""The forty faults: one test or more for each, named by its number; `make prove NAME=faults` counts them."""
