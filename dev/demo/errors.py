"""What the user is told when the demo cannot go on."""


class DemoError(Exception):
    """A step failed. The text says which, why, and what to do next."""
