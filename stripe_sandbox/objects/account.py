"""The sandbox's one Stripe account."""

from stripe_sandbox.objects.details import Json

ID = "acct_1SandboxSandbox01"
NAME = "Stripe sandbox"


def build(created: int) -> Json:
    return {
        "id": ID,
        "object": "account",
        "business_profile": {
            "mcc": "5734",
            "name": NAME,
            "support_email": None,
            "support_phone": None,
            "support_url": None,
            "url": None,
        },
        "business_type": "company",
        "capabilities": {"card_payments": "active", "us_bank_account_ach_payments": "active"},
        "charges_enabled": True,
        "country": "US",
        "created": created,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "sandbox@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "dashboard": {"display_name": NAME, "timezone": "Etc/UTC"},
            "payments": {"statement_descriptor": "STRIPE SANDBOX"},
        },
        "type": "standard",
    }
