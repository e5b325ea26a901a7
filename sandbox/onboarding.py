"""Answer the onboarding routes: where a new seller stands and which steps are done."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sandbox.call import Call
from sandbox.envelopes import RefusalError, Reply, invalid
from sandbox.profiles import read_fields
from sandbox.sellers import ONBOARDING_STEPS, Seller, find_seller, save_seller
from sandbox.shop import Shop

STEP_PATHS = tuple(step.replace("_", "-") for step in ONBOARDING_STEPS)
_BUSINESS_TEXTS = {
    "businessType": 50,
    "legalBusinessName": 255,
    "taxId": 50,
    "taxIdType": 20,
    "registeredAddressStreet": 500,
    "registeredAddressCity": 100,
    "registeredAddressState": 100,
    "registeredAddressPostalCode": 20,
    "registeredAddressCountry": 100,
    "websiteUrl": 500,
    "ensHandle": 255,
    "twitterHandle": 255,
    "linkedinHandle": 255,
    "facebookHandle": 255,
    "discordHandle": 255,
    "telegramHandle": 255,
}


def show(shop: Shop, call: Call) -> Reply:
    """Return the state of a wallet; nothing is done for a wallet without a profile."""
    seller = find_seller(shop, call.wallet)
    steps = seller.steps if seller else dict.fromkeys(ONBOARDING_STEPS, False)
    return Reply(_state(call.wallet, steps, completed=seller is not None and seller.onboarding_completed))


def set_step(path: str) -> Callable[[Shop, Call], Reply]:
    """Return the handler of one step's path."""
    return lambda shop, call: _set_step(shop, call, path.replace("-", "_"))


def _set_step(shop: Shop, call: Call, step: str) -> Reply:
    """Mark a step as done or not done and keep what came with it; data is null without a profile."""
    data = call.body.get("data", {})
    if not isinstance(data, dict):
        raise invalid("data", "data must be an object")
    completed = call.body.get("completed", data.get("completed"))
    if not isinstance(completed, bool):
        raise invalid("completed", "completed must be a boolean")
    fields = _fields_of(step, data)
    seller = find_seller(shop, call.wallet)
    if seller is None:
        return Reply(None)
    changed = _with_step(seller, step, fields, completed=completed, now_ms=call.now_ms)
    save_seller(shop, seller, changed)
    return Reply(_state(changed.wallet, changed.steps, completed=changed.onboarding_completed))


def _fields_of(step: str, data: dict[str, Any]) -> dict[str, Any]:
    if step == "business_info":
        return read_fields(data, _BUSINESS_TEXTS)
    return {"payoutSettings": data} if step == "payout_setup" else {}


def _with_step(seller: Seller, step: str, fields: dict[str, Any], *, completed: bool, now_ms: int) -> Seller:
    steps = seller.steps | {step: completed}
    return replace(seller, fields=seller.fields | fields, steps=steps, updated_ms=now_ms)


def _state(wallet: str, steps: dict[str, bool], *, completed: bool) -> dict[str, Any]:
    state: dict[str, Any] = {
        "walletAddress": wallet,
        "completed": completed,
        "steps": steps,
        "completionPercentage": 20 * sum(steps.values()),
    }
    left = [step for step in ONBOARDING_STEPS if not steps[step]]
    if left:
        state["nextStep"] = left[0]
    return state


def refuse_unknown_step(_shop: Shop, _call: Call) -> Reply:
    """Refuse a step that is not one of the five."""
    raise RefusalError(400, "VALIDATION_ERROR", f"step must be one of {', '.join(ONBOARDING_STEPS)}")
