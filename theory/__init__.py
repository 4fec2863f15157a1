"""What should be true: definitions, closed forms, bounds. NumPy and SciPy only."""
