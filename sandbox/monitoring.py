"""Answer the monitoring routes: Prometheus text, the dashboard's JSON and the cache's figures."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from sandbox.call import Call
from sandbox.control import Control
from sandbox.envelopes import Reply, iso


class _Exposition:
    """Collects the gauges at the moment of the scrape."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def collect(self) -> Iterator[Metric]:
        """Yield one family a figure."""
        gauges, truth = self._control.gauges, self._control.truth
        figures = {
            "marketplace_memory_usage_percent": ("Resident memory, % of the machine's", gauges.memory_percent),
            "marketplace_memory_usage_bytes": ("Resident memory", gauges.memory_bytes),
            "marketplace_cpu_usage_percent": ("CPU of the last seconds, 100 = one core", gauges.cpu_percent),
            "marketplace_uptime_seconds": ("Seconds since the server listens", self._control.chaos.elapsed_s),
            "marketplace_system_status": ("1 while the server answers", 1),
        }
        for name, (help_text, value) in figures.items():
            yield GaugeMetricFamily(name, help_text, value)
        yield CounterMetricFamily("marketplace_requests", "Workflow requests received", truth.received_count)


def prometheus(control: Control) -> bytes:
    """Return the Prometheus text, format 0.0.4."""
    registry = CollectorRegistry()
    registry.register(_Exposition(control))
    return bytes(generate_latest(registry))


def dashboard(control: Control, call: Call) -> Reply:
    """Return the current figures; CPU is cumulative, in microseconds (contract 9)."""
    gauges, times = control.gauges, control.gauges.now()
    requests = control.truth.received_count
    current = {
        "timestamp": iso(call.now_ms),
        "system": {"status": "healthy", "uptime": round(control.chaos.elapsed_s * 1000)},
        "performance": {
            "requestCount": requests,
            "errorRate": control.truth.error_percent,
            "throughput": round(requests / max(control.chaos.elapsed_s, 0.001), 3),
        },
        "resources": {
            "memory": {
                "used": gauges.memory_bytes,
                "total": gauges.memory_total_bytes,
                "usage": round(gauges.memory_percent, 4),
            },
            "cpu": {"user": round(times.user_s * 1e6), "system": round(times.system_s * 1e6)},
        },
        "alerts": [],
    }
    return Reply({"current": current, "summary": {"requests": requests}, "recentAlerts": [], "activeRules": []})


def cache_memory(control: Control, _call: Call) -> Reply:
    """Return the memory of the process; of the cache nothing is known (contract 9)."""
    rss_mb = round(control.gauges.memory_bytes / 2**20, 1)
    process = {"heapUsed": rss_mb, "heapTotal": rss_mb, "external": 0, "rss": rss_mb}
    return Reply({"redis": {"used": "N/A", "peak": "N/A", "fragmentation": 0}, "process": process})


def cache_stats(control: Control, _call: Call) -> Reply:
    """Return hits and misses of the page cache since the start."""
    cache = control.shop.cache
    total = cache.hits + cache.misses
    return Reply(
        {
            "hits": cache.hits,
            "misses": cache.misses,
            "hitRate": cache.hits / total if total else 0,
            "totalRequests": total,
            "avgResponseTime": 0,
            "memoryUsage": cache.size_bytes,
            "connectedClients": 0,
        },
    )
