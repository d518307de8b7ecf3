"""Dolen against servers that nobody here wrote: `make test-real` installs, starts and uses them."""
