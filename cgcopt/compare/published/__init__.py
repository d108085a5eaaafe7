"""Published figures, and the same computed again."""
