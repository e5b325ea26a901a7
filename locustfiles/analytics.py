"""Workflow: a seller studies the figures: what was counted, what it means, what to do about it."""

from datetime import datetime

from locust import between, task

from locustfiles._checks import CheckFailed, Data, accepted, expect, expect_rows, same_id
from locustfiles._routes import ANALYTICS_DASHBOARD, INSIGHTS, METRICS, RECOMMENDATIONS, TRACK, TRENDS
from locustfiles._seller import Seller


class AnalyticsSeller(Seller):
    """Reads reports."""

    workflow = "analytics"
    weight = 1
    wait_time = between(0.5, 1.5)

    def arrive(self) -> None:
        """Come with an open shop and something on the shelf."""
        super().arrive()
        self.open_shop()
        self.put_on_shelf()

    @task
    def study(self) -> None:
        """Study every report once."""
        self.iterate()

    def metrics_collection(self) -> None:
        """Have something counted, and see it in the sums, where they show it (a deployment's do not: contract 6.8)."""
        value = self.rng.randint(1, 500)
        body = {"metricType": "pageViews", "value": value}
        with self.step("metrics_collection", "POST", TRACK, json=body, uid=self.uid) as answer:
            accepted(answer, 200, 201)
        with self.step("metrics_collection", "GET", METRICS, uid=self.uid) as answer:
            data = expect(answer)
            data.number("totalSales")
            if "trackedMetrics" in data and data["trackedMetrics"]["pageViews"].number("total") < value:
                raise CheckFailed("what was tracked is not counted")

    def dashboard_display(self) -> None:
        """Open the analytics dashboard."""
        with self.step("dashboard_display", "GET", ANALYTICS_DASHBOARD, uid=self.uid) as answer:
            same_id(expect(answer), "sellerId", self.uid)

    def insights(self) -> None:
        """Read what the figures mean."""
        with self.step("insights", "GET", INSIGHTS, uid=self.uid) as answer:
            expect(answer).objects("insights")

    def trends(self) -> None:
        """Follow sales over the days."""
        query = "metricType=totalSales&period=day"
        with self.step("trends", "GET", TRENDS, query=query, uid=self.uid) as answer:
            _in_order(expect_rows(answer, "trends"))

    def recommendations(self) -> None:
        """Read what to do about it."""
        with self.step("recommendations", "GET", RECOMMENDATIONS, uid=self.uid) as answer:
            expect_rows(answer, "recommendations")


def _in_order(series: list[Data]) -> None:
    """Hold a time series to its order."""
    stamps = [datetime.fromisoformat(str(point.get("date") or point["timestamp"])) for point in series]
    if stamps != sorted(stamps):
        raise CheckFailed("the series is not in time order")
