"""A figure of a benchmark, and whether it reaches its target."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the benchmark; `holds` says whether it reaches its target."""

    name: str
    value: float
    target: str
    holds: bool

    @property
    def line(self) -> str:
        """The figure as `name = value`."""
        return f"{self.name} = {self.value:.3f}" if isinstance(self.value, float) else f"{self.name} = {self.value}"
