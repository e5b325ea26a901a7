"""Name the one error of the run log."""


class RunLogError(Exception):
    """A run directory cannot be read or written as format 1; the message is one line: file, place, what is wrong."""
