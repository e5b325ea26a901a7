"""Tell the requests nobody may send: those that end the process, and those that cost or harm third parties."""

from dataclasses import dataclass

# One bad request to any of these ends the real process (contract 0.1); here every request does.
_CANARIES = (
    "/api/orders",
    "/api/marketplace/registration",
    "/api/enhanced-escrow",
    "/api/enhanced-fiat-payment",
)
BAD_SIGNATURE = "POST /api/auth/wallet-connect with a bad signature"


@dataclass(frozen=True, slots=True)
class _Never:
    """A path, and everything below it, that must not be sent with these methods; none: with any."""

    path: str
    methods: tuple[str, ...] = ()


# Contract 4.5, "Never send".
_NEVER = (
    _Never("/api/stripe/connect/onboard"),
    _Never("/api/stripe/connect/login-link"),
    _Never("/api/cache", ("POST", "DELETE")),
    _Never("/api/automation/process-all"),
    _Never("/api/performance/metrics"),
    _Never("/api/performance/stream"),
    _Never("/api/monitoring/metrics/realtime"),
    _Never("/api/auth/wallet-connect/verify-2fa"),
    _Never("/api/auth/2fa"),
)


def is_canary(path: str) -> bool:
    """Say whether the request ends the process; the real router takes paths of either case."""
    return any(_below(path.lower(), canary) for canary in _CANARIES)


def never_label(method: str, path: str) -> str | None:
    """Return the name under which a request nobody may send is counted, None for any other."""
    for never in _NEVER:
        if _below(path.lower(), never.path) and (not never.methods or method in never.methods):
            return f"{method} {never.path}"
    return None


def _below(path: str, top: str) -> bool:
    return path == top or path.startswith(f"{top}/")
