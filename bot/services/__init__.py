"""The use cases that cogs call. No Discord, no SQL, no HTTP client."""
