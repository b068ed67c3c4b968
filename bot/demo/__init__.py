"""A NotPanel that is only simulated, and the bot at work on it in a browser."""
