"""Which settings to try, when to stop, and who won."""
