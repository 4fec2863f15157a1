"""The closed forms of `theory` by simulation: a function of the same name in a module of the same name."""
