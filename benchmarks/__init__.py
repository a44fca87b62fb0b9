"""Figures, measured against peers in one run: `python -m benchmarks.NAME [--quick]`."""
