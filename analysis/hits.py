"""Tell hits of a cache from misses, as far as its headers are to be believed."""

import pandas as pd

from runlog.schema import Cache


def telling(frame: pd.DataFrame) -> "pd.Series[bool]":
    """Return which samples have a body that says whether it was computed for its own request."""
    return frame["computed"].notna()


def computed(frame: pd.DataFrame) -> "pd.Series[bool]":
    """Return which samples have a body that says it was computed for its own request."""
    return frame["computed"].eq(other=True)


def believed_hits(frame: pd.DataFrame) -> "pd.Series[bool]":
    """Return which samples are hits: their header says so, and their body does not say the contrary."""
    return (frame["cache"] == Cache.HIT) & ~computed(frame)


def believed_misses(frame: pd.DataFrame) -> "pd.Series[bool]":
    """Return which samples are misses: by header, or claimed hits whose body was computed for their own request."""
    lies = (frame["cache"] == Cache.HIT) & computed(frame)
    return (frame["cache"] == Cache.MISS) | lies
