"""Say which pages the layer inside a route keeps, under which key and how long."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.deployed.keeps import base64

M = "/api/marketplace"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Key (with the placeholders of the path) and seconds; the query is in the keys of the public lists only."""

    key: str
    ttl_s: int

    def place(self, params: Mapping[str, str], path: str, query_text: str) -> str:
        """Return the key of one request."""
        url = f"{path}?{query_text}" if query_text else path
        return self.key.format(**params, url=url, query=base64(query_text))


# Contract 3.2: four routes share one key, so whichever was asked first answers for the others (0.4).
SHELVES = {
    f"{M}/seller/{{w}}": Shelf("seller:profile:{w}", 300),
    f"{M}/seller/onboarding/{{w}}": Shelf("seller:profile:{w}", 180),
    f"{M}/seller/{{w}}/tier": Shelf("seller:profile:{w}", 300),
    f"{M}/seller/{{w}}/tier/progress": Shelf("seller:profile:{w}", 300),
    f"{M}/seller/{{w}}/messaging-analytics": Shelf("seller:messaging_analytics:{w}", 300),
    f"{M}/seller/dashboard/{{w}}": Shelf("seller:dashboard:{w}", 60),
    f"{M}/seller/dashboard/notifications/{{w}}": Shelf("seller:notifications:{w}", 30),
    f"{M}/seller/dashboard/analytics/{{w}}": Shelf("seller:analytics:{w}", 300),
    f"{M}/seller/listings/{{w}}": Shelf("seller:listings:{w}", 60),
    f"{M}/seller/listings/detail/{{lid}}": Shelf("listing:detail:{lid}", 60),
    f"{M}/seller/orders/{{w}}": Shelf("seller:orders:{w}", 30),
    f"{M}/listings": Shelf("listings:{query}", 60),
    f"{M}/listings/categories": Shelf("GET:{url}", 600),
    f"{M}/listings/{{lid}}": Shelf("listing:{lid}", 300),
}
