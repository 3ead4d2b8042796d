"""The money tables. Amounts are whole credits; 1 credit is 1/100,000 US dollar."""

from billing.models.alerts import Alert, AlertKind, AlertMail
from billing.models.audits import AuditKind, AuditRun, UsageDifference
from billing.models.entries import EntryKind, LedgerEntry
from billing.models.holds import Hold, HoldRetention, HoldState, Source
from billing.models.top_ups import OPEN_STATES, StripeCustomer, StripeEvent, TopUp, TopUpState
from billing.models.wallets import (
    LOW_BALANCE_CREDITS,
    BalanceLevel,
    DemoWallet,
    FrozenFor,
    LowBalanceThreshold,
    Pool,
    Wallet,
)
from billing.models.welcome import WelcomeCredits, WelcomeGrant, WelcomeNetwork

__all__ = [
    "LOW_BALANCE_CREDITS",
    "OPEN_STATES",
    "Alert",
    "AlertKind",
    "AlertMail",
    "AuditKind",
    "AuditRun",
    "BalanceLevel",
    "DemoWallet",
    "EntryKind",
    "FrozenFor",
    "Hold",
    "HoldRetention",
    "HoldState",
    "LedgerEntry",
    "LowBalanceThreshold",
    "Pool",
    "Source",
    "StripeCustomer",
    "StripeEvent",
    "TopUp",
    "TopUpState",
    "UsageDifference",
    "Wallet",
    "WelcomeCredits",
    "WelcomeGrant",
    "WelcomeNetwork",
]
