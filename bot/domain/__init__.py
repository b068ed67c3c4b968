"""What the words mean: orders, states, errors, how often to check. Pure: no room, no I/O, no library but pydantic."""
