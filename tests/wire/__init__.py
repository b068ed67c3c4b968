"""The real process against a Discord on loopback, for what a simulation inside the process cannot show."""
