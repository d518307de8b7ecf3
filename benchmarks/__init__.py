"""Proofs (prove_*.py) and benchmarks (bench_*.py): each ends with one line of JSON."""
