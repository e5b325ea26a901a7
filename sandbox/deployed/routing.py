"""Find a place for every request: nobody's paths answer HTML, and some must never be asked for."""

from html import escape

from sandbox.call import Call
from sandbox.deployed.forbidden import is_canary, never_label
from sandbox.envelopes import Reply
from sandbox.routing import Access, Match, Route, Router
from sandbox.shop import Shop

_HTML = "text/html; charset=utf-8"


def _not_mounted(_shop: Shop, call: Call) -> Reply:
    """Return the page the web framework has for paths nobody serves (contract 0.7)."""
    said = escape(f"Cannot {call.params['method']} {call.params['path']}")
    page = f'<!DOCTYPE html>\n<html lang="en"><head><title>Error</title></head><body><pre>{said}</pre></body></html>\n'
    return Reply(page.encode(), 404, content_type=_HTML)


UNMATCHED = Route("*", "(unmatched)", _not_mounted)
_UNMATCHED_SELLERS = Route("*", "(unmatched)", _not_mounted, Access.TOKEN)
CANARY = Route("*", "(canary)", _not_mounted)
FORBIDDEN = Route("*", "(forbidden)", _not_mounted)


class DeployedRouter(Router):
    """A router that always finds something."""

    def find(self, method: str, path: str) -> Match:
        """Return the route of a request; the token family asks for a token even where it has nothing (contract 6.9)."""
        if is_canary(path):
            return Match(CANARY, {"method": method, "path": path})
        label = never_label(method, path)
        if label is not None:
            return Match(FORBIDDEN, {"method": method, "path": path, "label": label})
        found = super().find(method, path)
        if found is not None:
            return found
        route = _UNMATCHED_SELLERS if path.startswith("/api/sellers/") else UNMATCHED
        return Match(route, {"method": method, "path": path})
