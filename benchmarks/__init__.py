"""Benchmarks and long proofs, run by bin/bench on embedded servers of their own."""
