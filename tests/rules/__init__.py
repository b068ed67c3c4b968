"""The rules of the house, read out of the sources."""
