"""The sample year and the tour."""
