"""Split what a buyer pays into goods, tax, shipping, fee and the seller's net revenue."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

TAX_RATIO = Decimal("0.08")
FEE_RATIO = Decimal("0.025")
SHIPPING_CENTS = 499
# Orders are settled in US dollars; the sandbox has one fixed rate a currency, so that figures can be checked by hand.
_CENTS_OF_ONE = {"ETH": Decimal(250_000), "USDC": Decimal(100), "DAI": Decimal(100), "USD": Decimal(100)}


@dataclass(frozen=True, slots=True)
class Bill:
    """Money of one order, in whole US cents.

    The rule: ``amount`` is all the buyer pays, goods + tax + shipping. Tax is 8 % of the goods and the platform keeps
    2.5 % of the goods, each rounded half up to the cent. Tax goes to the state and shipping to the carrier, so
    ``net_revenue = amount - platform_fee - tax - shipping`` = goods - platform_fee.
    """

    amount_cents: int
    fee_cents: int
    tax_cents: int
    shipping_cents: int

    @property
    def net_cents(self) -> int:
        """What is left for the seller."""
        return self.amount_cents - self.fee_cents - self.tax_cents - self.shipping_cents


def bill_of(price: Decimal, currency: str) -> Bill:
    """Return the bill for one piece at a listing's price; an unknown currency counts as dollars, at least one cent."""
    goods_cents = max(_cents(price * _CENTS_OF_ONE.get(currency, Decimal(100))), 1)
    tax_cents, fee_cents = _cents(goods_cents * TAX_RATIO), _cents(goods_cents * FEE_RATIO)
    return Bill(goods_cents + tax_cents + SHIPPING_CENTS, fee_cents, tax_cents, SHIPPING_CENTS)


def dollars(cents: int) -> str:
    """Write cents as text with two decimals."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _cents(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))
