"""A user with several keys: each takes what names it, the default the rest; nothing goes to another by itself."""
