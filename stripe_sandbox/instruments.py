"""The well-known test cards and bank accounts, and how each behaves (docs.stripe.com/testing)."""

from typing import Literal, NamedTuple

from stripe_sandbox.errors import CardError

Authentication = Literal["never", "unless_set_up", "always"]
Later = Literal["", "dispute", "inquiry", "refund_succeeds", "refund_fails"]


class Decline(NamedTuple):
    code: str
    message: str
    decline_code: str | None = None


class Instrument(NamedTuple):
    """One way to pay. `number` is a card number, or the name of a test bank account."""

    number: str
    token: str  # its name in API calls, such as pm_card_visa
    label: str
    brand: str = "visa"
    kind: Literal["card", "us_bank_account"] = "card"
    decline: Decline | None = None
    authentication: Authentication = "never"
    later: Later = ""
    dispute_reason: str = "fraudulent"

    @property
    def last4(self) -> str:
        return self.number[-4:] if self.kind == "card" else "6789"


class UnknownInstrument(CardError):
    """Not a test card's number. Real cards are refused, as in Stripe's test mode."""


def _declines(
    number: str, token: str, code: str, message: str, decline_code: str | None
) -> Instrument:
    reason = (decline_code or code).replace("_", " ")
    label = "Declined" if reason == "generic decline" else f"Declined: {reason}"
    return Instrument(number, token, label, decline=Decline(code, message, decline_code))


DECLINED = "Your card was declined."
ACCOUNT_CLOSED = Decline("account_closed", "The customer's bank account has been closed.")
NOT_AUTHENTICATED = Decline(
    "payment_intent_authentication_failure",
    "We are unable to authenticate your payment method. "
    "Please choose a different payment method and try again.",
)
NEEDS_CUSTOMER = Decline(
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    "authentication_required",
)

ALL = (
    Instrument("4242424242424242", "pm_card_visa", "Succeeds"),
    Instrument("5555555555554444", "pm_card_mastercard", "Succeeds", brand="mastercard"),
    Instrument("378282246310005", "pm_card_amex", "Succeeds", brand="amex"),
    _declines(
        "4000000000000002",
        "pm_card_chargeDeclined",
        "card_declined",
        DECLINED,
        "generic_decline",
    ),
    _declines(
        "4000000000009995",
        "pm_card_chargeDeclinedInsufficientFunds",
        "card_declined",
        "Your card has insufficient funds.",
        "insufficient_funds",
    ),
    _declines(
        "4000000000000069",
        "pm_card_chargeDeclinedExpiredCard",
        "expired_card",
        "Your card has expired.",
        "expired_card",
    ),
    _declines(
        "4000000000000127",
        "pm_card_chargeDeclinedIncorrectCvc",
        "incorrect_cvc",
        "Your card's security code is incorrect.",
        "incorrect_cvc",
    ),
    _declines(
        "4000000000000119",
        "pm_card_chargeDeclinedProcessingError",
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
        "processing_error",
    ),
    Instrument(
        "4000002500003155",
        "pm_card_authenticationRequiredOnSetup",
        "3-D Secure required",
        authentication="unless_set_up",
    ),
    Instrument(
        "4000002760003184",
        "pm_card_authenticationRequired",
        "3-D Secure always required",
        authentication="always",
    ),
    Instrument("4000000000000259", "pm_card_createDispute", "Disputed later", later="dispute"),
    Instrument(
        "4000000000002685",
        "pm_card_createDisputeProductNotReceived",
        "Disputed later: not received",
        later="dispute",
        dispute_reason="product_not_received",
    ),
    Instrument(
        "4000000000001976", "pm_card_createDisputeInquiry", "Inquiry later", later="inquiry"
    ),
    Instrument(
        "4000000000007726", "pm_card_pendingRefund", "Refunds are slow", later="refund_succeeds"
    ),
    Instrument(
        "4000000000005126", "pm_card_refundFail", "Refunds fail later", later="refund_fails"
    ),
    Instrument(
        "bank_succeeds",
        "pm_usBankAccount_success",
        "Bank debit, succeeds later",
        kind="us_bank_account",
    ),
    Instrument(
        "bank_fails",
        "pm_usBankAccount_accountClosed",
        "Bank debit, fails later",
        kind="us_bank_account",
        decline=ACCOUNT_CLOSED,
    ),
)

_BY_NAME = {name: one for one in ALL for name in (one.number, one.token)}


def find(name: str) -> Instrument:
    """By card number (blanks and dashes allowed), test bank account or token."""
    instrument = _BY_NAME.get(name) or _BY_NAME.get(name.replace(" ", "").replace("-", ""))
    if instrument:
        return instrument
    digits = name.replace(" ", "").replace("-", "")
    if digits.isdecimal() and len(digits) >= 12 and _passes_luhn(digits):
        raise UnknownInstrument(
            "Your card was declined. This is a sandbox: use a test card.",
            param="number",
            code="card_declined",
            more={"decline_code": "test_mode_live_card"},
        )
    raise UnknownInstrument(
        "Your card number is incorrect.", param="number", code="incorrect_number"
    )


def _passes_luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0
