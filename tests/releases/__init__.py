"""Ledgers as each release has left them, by `python -m tests.releases`; `make upgrade` opens them with today's code."""
