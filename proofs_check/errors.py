"""The one exception that the command line shows as a single line."""


class InputError(ValueError):
    """What is wrong with the user's input and how to mend it, in one line."""
