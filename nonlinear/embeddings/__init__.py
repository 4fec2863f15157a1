"""Real data that ship with the package, as trained networks see them: digits, and scenes with captions."""
