"""What the user is told when a cluster cannot be had."""


class ClusterError(Exception):
    """A step failed. The text says which, why, and what to do next."""
