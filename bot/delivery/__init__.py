"""What is brought to Discord unasked: cards that are behind, and notices."""
