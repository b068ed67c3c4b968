"""The commands, one file each: read the interaction, call a use case, show a card."""
