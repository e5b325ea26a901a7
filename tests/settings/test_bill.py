import pytest

from locustfiles._routes import ALLOWED
from runlog.workflows import WORKFLOWS
from settings.bill import BILL


def test_every_workflow_and_step_has_a_bill() -> None:
    assert {name: tuple(bill.steps) for name, bill in BILL.items()} == WORKFLOWS


@pytest.mark.parametrize("workflow", BILL)
def test_bill_holds_only_what_may_be_sent(workflow: str) -> None:
    unknown = [send for send in BILL[workflow].sends() if (send.method, send.route) not in ALLOWED]
    assert unknown == []


def test_every_route_that_may_be_sent_is_in_some_bill_but_a_day_s_refresh() -> None:
    billed = {(send.method, send.route) for bill in BILL.values() for send in bill.sends()}
    assert ALLOWED - billed == {("POST", "/api/auth/refresh")}  # a token lives 24 h, a run does not


def test_only_reads_are_unique_and_only_unique_reads_are_polled() -> None:
    sends = [send for bill in BILL.values() for send in bill.sends()]
    assert all(send.method == "GET" for send in sends if send.unique)
    assert all(send.unique for send in sends if send.polled)
    assert all(send.times > 0 for send in sends)
