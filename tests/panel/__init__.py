"""Tests of the NotPanel protocol."""
