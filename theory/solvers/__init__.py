"""Closed forms of the linear lemmas and their corrections; one module for each problem."""
