"""Proofs and benchmarks: each sets itself up, shows its progress and ends with one line of JSON."""
