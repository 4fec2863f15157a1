"""One file per numbered statement; its rows are the claims inside it."""
