"""Answer order routes as deployed: seeded by an operator, read by anybody, broken where ids are parsed as numbers."""

from sandbox import fulfilment, orders
from sandbox.buyer import new_buyer, place_order
from sandbox.call import Call
from sandbox.deployed.population import outfit
from sandbox.deployed.shapes import data_of
from sandbox.deployed.state import Backstage
from sandbox.envelopes import RefusalError, Reply
from sandbox.sellers import find_seller
from sandbox.shop import Shop

_NOT_SHOWN = ("sellerAddress", "currency", "updatedAt")


def list_of_wallet(backstage: Backstage, shop: Shop, call: Call) -> Reply:
    """Return a seller's orders to anybody; null for a wallet without a profile."""
    _seed(backstage, shop, call.wallet, call.now_ms)
    if find_seller(shop, call.wallet) is None:
        return Reply(None)
    return _shown(orders.list_of_wallet(shop, call))


def list_of_caller(backstage: Backstage, shop: Shop, call: Call) -> Reply:
    """Return the caller's orders."""
    _seed(backstage, shop, call.signed_in.wallet, call.now_ms)
    return _shown(orders.list_of_caller(shop, call))


def ready(shop: Shop, call: Call) -> Reply:
    """Hand out a label for an own order, whatever its status."""
    row = orders.own_order(shop, call)
    if row is None:
        return Reply(None)
    fulfilment.move(shop, row, "ready_to_ship", call.now_ms)
    number = f"TRACK-{row['id'][:8].upper()}"
    return Reply({"labelUrl": f"https://labels.example/{row['id']}.pdf", "trackingNumber": number})


def ship(shop: Shop, call: Call) -> Reply:
    """Send an own order off, whatever its status; the tracking number must look like its carrier's."""
    number, carrier = fulfilment.read_tracking(call.body)
    row = orders.own_order(shop, call)
    if row is None:
        return Reply(None)
    fulfilment.send_off(shop, row, number, carrier, call.now_ms)
    return Reply({"success": True})


def broken_by_number(_shop: Shop, call: Call) -> Reply:
    """Fail for every real order: its id is read as a whole number (contract 0.12)."""
    if not call.params["oid"][:1].isdecimal():
        raise RefusalError(400, "VALIDATION_ERROR", "Invalid order ID")
    raise RefusalError(500, "ORDER_FETCH_ERROR", "Failed to fetch order")


def _seed(backstage: Backstage, shop: Shop, wallet: str, now_ms: int) -> None:
    """Write the orders an operator's SQL would have, the first time somebody who has signed in asks for theirs."""
    if not backstage.seed_orders or wallet in backstage.seeded:
        return
    outfit(shop, wallet, now_ms)
    shelf = shop.db.rows("SELECT * FROM listings WHERE wallet = ? AND status = 'active' LIMIT 100", wallet)
    if not shelf:
        return
    backstage.seeded.add(wallet)
    buyer = new_buyer(shop)
    for number in range(backstage.seed_orders):
        # one millisecond apart, the last one now: a list by age has an order
        place_order(shop, shelf[number % len(shelf)], buyer, now_ms - backstage.seed_orders + number + 1)


def _shown(reply: Reply) -> Reply:
    page = {name: value for name, value in data_of(reply).items() if name != "walletAddress"}
    page["orders"] = [
        {name: value for name, value in order.items() if name not in _NOT_SHOWN} for order in page["orders"]
    ]
    return Reply(page)
