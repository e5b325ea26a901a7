"""Split amounts so that they agree to the cent."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.money import Bill, bill_of, dollars


@pytest.mark.parametrize(
    ("price", "currency", "bill"),
    [
        # goods 1234 c; tax 98.72 → 99; fee 30.85 → 31; amount 1234 + 99 + 499
        ("12.34", "USDC", Bill(1832, 31, 99, 499)),
        # 0.02 ETH = 5000 c; tax 400; fee 125
        ("0.02", "ETH", Bill(5899, 125, 400, 499)),
        # half a cent is rounded up: 0.205 USD = 20.5 → 21 c; tax 1.68 → 2; fee 0.525 → 1
        ("0.205", "USD", Bill(522, 1, 2, 499)),
        # never less than a cent of goods; tax and fee of one cent round to nothing
        ("0.00000001", "DAI", Bill(500, 0, 0, 499)),
        ("1", "MATIC", Bill(607, 3, 8, 499)),
    ],
)
def test_bill_follows_the_rule(price: str, currency: str, bill: Bill) -> None:
    assert bill_of(Decimal(price), currency) == bill


@given(st.decimals("0.00000001", "99999999", places=8), st.sampled_from(["ETH", "USDC", "DAI", "USD"]))
def test_parts_add_up_to_the_amount(price: Decimal, currency: str) -> None:
    bill = bill_of(price, currency)
    assert bill.net_cents + bill.fee_cents + bill.tax_cents + bill.shipping_cents == bill.amount_cents
    assert bill.net_cents > 0


@pytest.mark.parametrize(
    ("cents", "text"), [(0, "0.00"), (5, "0.05"), (100, "1.00"), (123456, "1234.56"), (-5, "-0.05"), (-150, "-1.50")]
)
def test_cents_are_written_with_two_decimals(cents: int, text: str) -> None:
    assert dollars(cents) == text
