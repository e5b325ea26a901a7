"""Name the one error of everything people write: one line with file, place, what was given, what is accepted."""


class UsageProblem(Exception):  # noqa: N818 - it is the user's, not an error of the program
    """Arguments, thresholds, profile or target are wrong; becomes exit 2 before any request is sent.

    The message is one line: `thresholds.toml: threshold 3: unknown key 'wran'; did you mean 'warn'?`
    """
