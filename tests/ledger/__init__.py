"""Tests of the ledger alone: no bot around it, its file read past all of the bot's code."""
