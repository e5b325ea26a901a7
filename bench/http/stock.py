"""Locust's own FastHttpUser: the same request, the same look at its JSON; only Locust's statistics are kept."""

from locust import FastHttpUser, constant, task


class StockUser(FastHttpUser):
    """Asks for the same page again and again."""

    wait_time = constant(0)

    @task
    def read(self) -> None:
        """Ask for the page and look whether it is the right one."""
        headers = {"Authorization": f"Bearer {'t' * 180}"}
        with self.client.get("/api/sellers/tier/criteria", headers=headers, catch_response=True) as answer:
            if answer.status_code != 200 or answer.json()["success"] is not True:  # noqa: PLR2004  # status 200
                answer.failure("not the right answer")
