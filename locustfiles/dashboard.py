"""Workflow: a seller starts the day at the dashboard: what is new, what is due, how business goes."""

from typing import ClassVar

from locust import between, task

from locustfiles._checks import accepted, bare, expect, expect_rows
from locustfiles._routes import (
    DASHBOARD,
    DASHBOARD_ANALYTICS,
    DASHBOARD_NOTIFICATIONS,
    FULFILLMENT,
    NOTIFICATION_READ,
    NOTIFY,
    QUEUE,
    READ_ALL,
    UNREAD,
)
from locustfiles._seller import Seller


class DashboardSeller(Seller):
    """Looks at everything, changes little."""

    workflow = "dashboard"
    weight = 1
    wait_time = between(0.5, 1.5)
    needs: ClassVar = {"notifications": ("realtime_updates",)}

    posted: str | None = None

    def arrive(self) -> None:
        """Come with an open shop and something on the shelf."""
        super().arrive()
        self.open_shop()
        self.put_on_shelf()

    @task
    def start_the_day(self) -> None:
        """Look at the whole dashboard once."""
        self.iterate()

    def begin(self) -> None:
        """Forget the notification of the pass before."""
        self.posted = None

    def realtime_updates(self) -> None:
        """Have something to be told, and be told."""
        mark = f"sg-{self.load.run_id}-{self.number}-{self.iteration}."
        body = {"title": "Mentioned", "message": f"You were mentioned: {mark}", "type": "mention"}
        with self.step("realtime_updates", "POST", NOTIFY, json=body) as answer:
            accepted(answer, 201)
        self.posted = mark
        self.told("notification")

    def analytics_display(self) -> None:
        """Look at the figures of the month."""
        with self.step("analytics_display", "GET", DASHBOARD_ANALYTICS, query="period=30d", w=self.w) as answer:
            data = expect(answer)
            data["revenue"]["total"]
            data["orders"]["total"]

    def notifications(self) -> None:
        """Find the new notification in the list and read it."""
        mark = self.need(self.posted, "notification")
        found: list[str] = []

        def listed() -> bool:
            with self.step("notifications", "GET", DASHBOARD_NOTIFICATIONS, unique=True, w=self.w) as answer:
                rows = expect(answer).objects("notifications")
            found[:] = [str(row["id"]) for row in rows if mark in str(row.get("message"))]
            return bool(found)

        self.until_visible("notifications", listed, DASHBOARD_NOTIFICATIONS)
        with self.step("notifications", "PUT", NOTIFICATION_READ, id=found[0]) as answer:
            accepted(answer)

        def read() -> bool:
            with self.step("notifications", "GET", DASHBOARD_NOTIFICATIONS, unique=True, w=self.w) as answer:
                rows = expect(answer).objects("notifications")
            return any(str(row["id"]) == found[0] and row["read"] is True for row in rows)

        self.until_visible("notifications", read, DASHBOARD_NOTIFICATIONS)
        with self.step("notifications", "GET", UNREAD) as answer:
            bare(answer).number("count")

    def quick_actions(self) -> None:
        """See what is ready to ship; clear the bell."""
        with self.step("quick_actions", "GET", QUEUE) as answer:
            expect_rows(answer, "orders")
        with self.step("quick_actions", "POST", READ_ALL) as answer:
            accepted(answer)

    def performance_metrics(self) -> None:
        """Look at the numbers of the day, more than once."""
        for _ in range(self.rng.randint(2, 4)):
            with self.step("performance_metrics", "GET", DASHBOARD, w=self.w) as answer:
                data = expect(answer)
                data["sales"]["total"]
                data["orders"]["pending"]
        with self.step("performance_metrics", "GET", FULFILLMENT, query="period=30") as answer:
            expect(answer)
