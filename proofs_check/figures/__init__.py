"""Figures; each module draws one from a stored document."""
