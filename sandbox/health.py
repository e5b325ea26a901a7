"""Answer the six health checks truthfully."""

from time import perf_counter, process_time

from sandbox.call import Call
from sandbox.control import Control
from sandbox.envelopes import RefusalError, Reply, iso
from sandbox.realtime.service import TRANSPORTS

_CONSTRAINED_BELOW_MB = 1024
_CONNECTIONS_AT_MOST = 500  # what the product says of itself where no plan is known (contract 8.2)


def overview(control: Control, call: Call) -> Reply:
    """Return /health: always 200, whatever is down (contract 9)."""
    latency_ms = _database_ms(control)
    return Reply(
        {
            "status": "ok",
            "service": "LinkDAO Marketplace API (sandbox)",
            "environment": "sandbox",
            "timestamp": iso(call.now_ms),
            "uptime": round(control.chaos.elapsed_s, 3),
            "memory": {"used": round(control.gauges.memory_bytes / 2**20), "cpuSeconds": round(process_time(), 3)},
            "redis": {"enabled": control.cache_enabled, "connected": not control.chaos.is_down("cache")},
            "database": {
                "enabled": True,
                "connected": latency_ms is not None,
                "latency": latency_ms,
            },
        },
    )


def database(control: Control, _call: Call) -> Reply:
    """Query the database; 503 when it does not answer."""
    latency_ms = _database_ms(control)
    if latency_ms is None:
        return Reply({"success": False, "database": {"connected": False}}, 503)
    pool = {"total": 1, "idle": 1, "waiting": 0, "max": 1}
    return Reply({"success": True, "database": {"connected": True, "queryTime": latency_ms, "pool": pool}})


def cache(control: Control, _call: Call) -> Reply:
    """Return whether the cache is there; 503 when it is not."""
    if control.chaos.is_down("cache"):
        raise RefusalError(503, "CACHE_UNAVAILABLE", "Cache is not connected")
    return Reply({"connected": True, "enabled": control.cache_enabled, "latency": 0})


def websocket(control: Control, _call: Call) -> Reply:
    """Return who is connected; 503 while nobody can connect."""
    realtime = control.realtime
    if control.chaos.is_down("websocket") or not realtime.accepting:
        raise RefusalError(503, "WEBSOCKET_DISABLED", "WebSocket service is not available")
    sessions = realtime.sessions.everybody()
    counts = {
        "connectedClients": len(sessions),
        "activeUsers": len(realtime.sessions.wallets()),
        "totalSubscriptions": sum(len(session.subscriptions) for session in sessions),
        "rooms": realtime.rooms,
        "queuedMessages": realtime.publisher.waiting,
    }
    used_mb = round(control.gauges.memory_bytes / 2**20)
    constraints = {
        "isConstrained": realtime.terms.constrained,
        "memoryUsageMB": used_mb,
        "memoryThresholdMB": _CONSTRAINED_BELOW_MB,
        "maxConnections": realtime.terms.cap or _CONNECTIONS_AT_MOST,
        "heartbeatEnabled": True,
    }
    return Reply({"websocket": {**counts, "transports": TRANSPORTS, "resourceConstraints": constraints}})


def seller_api(control: Control, call: Call) -> Reply:
    """Read a table of the marketplace; 503 when that is not possible."""
    if control.chaos.is_down("seller_api"):
        raise RefusalError(503, "SERVICE_UNAVAILABLE", "Marketplace service is not available")
    listings = control.shop.db.number("SELECT count(*) FROM listings")
    return Reply({"status": "healthy", "timestamp": iso(call.now_ms), "listings": listings})


def _database_ms(control: Control) -> float | None:
    if control.chaos.is_down("database"):
        return None
    started_s = perf_counter()
    control.shop.db.number("SELECT count(*) FROM users")
    return round((perf_counter() - started_s) * 1000, 3)
