"""Answer the deployment's monitoring routes: figures sampled once a minute, and the statistics of both cache layers."""

from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from sandbox.call import Call
from sandbox.control import Control
from sandbox.deployed.keeps import Keep
from sandbox.deployed.shapes import data_of
from sandbox.envelopes import Reply
from sandbox.monitoring import dashboard
from sandbox.shop import Shop

SAMPLED_EVERY_S = 60.0
_NEVER_MEASURED = {"average": 0, "p95": 0, "p99": 0}


class Monitor:
    """Figures as of the last sample; the first is taken when somebody asks."""

    def __init__(self, control: Control, keeps: Sequence[Keep], clock: Callable[[], float] = monotonic) -> None:
        self._control = control
        self._keeps = keeps
        self._clock = clock
        self._sampled_at_s: float | None = None
        self._sample: dict[str, Any] = {}

    def dashboard(self, _shop: Shop, call: Call) -> Reply:
        """Return the figures; response times are always 0 and CPU is cumulative, in microseconds (contract 9)."""
        return Reply(self._sampled(call))

    def prometheus(self, _shop: Shop, call: Call) -> Reply:
        """Return the Prometheus text of the same figures; it has no CPU."""
        registry = CollectorRegistry()
        registry.register(_Exposition(self._sampled(call)["current"]))
        content_type = "text/plain; version=0.0.4; charset=utf-8"
        return Reply(bytes(generate_latest(registry)), content_type=content_type)

    def cache_stats(self, _shop: Shop, _call: Call) -> Reply:
        """Return every lookup in either layer: one request can count twice."""
        hits, misses = sum(keep.hits for keep in self._keeps), sum(keep.misses for keep in self._keeps)
        total = hits + misses
        figures = {"hits": hits, "misses": misses, "hitRate": hits / total if total else 0, "totalRequests": total}
        return Reply(figures | {"avgResponseTime": 0, "memoryUsage": 0, "connectedClients": 0})

    def _sampled(self, call: Call) -> dict[str, Any]:
        now_s = self._clock()
        if self._sampled_at_s is None or now_s - self._sampled_at_s >= SAMPLED_EVERY_S:
            self._sampled_at_s = now_s
            self._sample = _figures(self._control, call)
        return self._sample


class _Exposition:
    def __init__(self, current: dict[str, Any]) -> None:
        self._current = current

    def collect(self) -> Iterator[Metric]:
        memory, performance = self._current["resources"]["memory"], self._current["performance"]
        figures = {
            "marketplace_system_status": 0,
            "marketplace_uptime_seconds": self._current["system"]["uptime"] / 1000,
            "marketplace_response_time_seconds": 0,
            "marketplace_error_rate": performance["errorRate"],
            "marketplace_throughput_requests_per_second": performance["throughput"],
            "marketplace_memory_usage_bytes": memory["used"],
            "marketplace_memory_usage_percent": memory["usage"],
            "marketplace_active_alerts": 0,
        }
        for name, value in figures.items():
            yield GaugeMetricFamily(name, name.removeprefix("marketplace_").replace("_", " "), value)


def _figures(control: Control, call: Call) -> dict[str, Any]:
    """Return the intended figures as the deployment shows them; it calls itself unhealthy without the internet."""
    figures = data_of(dashboard(control, call))
    current = figures["current"]
    current["system"]["status"] = "unhealthy"
    current["performance"]["responseTime"] = _NEVER_MEASURED
    current["resources"]["connections"] = 0
    current["services"] = [{"name": name, "status": "healthy"} for name in ("database", "cache")]
    current["services"].append({"name": "external_services", "status": "unhealthy"})
    current["dependencies"] = [{"name": name, "status": "healthy"} for name in ("postgresql", "redis")]
    return figures
