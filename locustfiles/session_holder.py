"""Only hold sessions: how many can a deployment keep at a time? Takes part when named: `locust … SessionHolder`."""

from locust import between, task

from locustfiles._checks import Lost
from locustfiles._seller import Seller
from locustfiles._sending import Account


class SessionHolder(Seller):
    """Keeps a session open, and sees now and then that somebody is still there at its other end."""

    workflow = "session_holder"
    steps = ("hold",)
    weight = 1
    wait_time = between(2.0, 4.0)  # a server that stands still for five seconds is seen by every session
    only_when_named = True

    def arrive(self) -> None:
        """Bring a wallet; a session asks for no sign-in (contract.md 8.3)."""
        self.account = Account(self.load.pool_wallet(self.workflow))

    @task
    def stay(self) -> None:
        """Look once."""
        self.iterate()

    def hold(self) -> None:
        """Ask for something small and take it back: an idle session tells nothing."""
        line = self.line
        if line is None or not line.live:
            raise Lost("there is no session")
        granted = line.ask(
            "subscribe", {"type": "global", "target": "global"}, "subscribed", "subscription_error", step="hold"
        )
        if granted is None:
            raise Lost("no answer to subscribe")
        body = {"subscriptionId": granted.get("subscriptionId")}
        if line.ask("unsubscribe", body, "unsubscribed", "subscription_error", step="hold") is None:
            raise Lost("no answer to unsubscribe")
