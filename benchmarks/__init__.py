"""Measurements of the application against a floor, never timed tests: `.venv/bin/python -m benchmarks` (README.md)."""
