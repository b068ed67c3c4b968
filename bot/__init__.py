"""A Discord bot that cancels NotPanel orders and tells each reseller how every cancel ended."""

__version__ = "0.1.0"
