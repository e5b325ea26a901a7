"""Name the error of processes we start ourselves."""


class BrokenToolError(Exception):
    """The load or the sandbox crashed by a bug of ours; the message is what it said last. Becomes exit 70."""
