"""Copy the old grants under keyed digests, and delete the plain ones.

A wallet that got several keeps their credits; all but its first are marked as extra. Processes of
the release before may write a plain row again: no credits move, because the ledger knows its
reference. Those rows are read until the table is dropped.
"""

from django.conf import settings
from django.db import migrations

from accounts.one_person import person_digest
from billing.ledger.welcome import keyed_plain_digest, plain_digest


def copy_grants(apps, schema_editor):
    """Move every row; of an address that an account still has, the normalised form is kept."""
    plain_rows = apps.get_model("billing", "WelcomeGrant").objects
    keyed_rows = apps.get_model("billing", "WelcomeCredits").objects
    addresses = {
        plain_digest(address): address
        for address in apps.get_model("accounts", "User")
        .objects.values_list("email", flat=True)
        .iterator()
    }
    people = {bytes(person) for person in keyed_rows.values_list("person", flat=True)}
    wallets = set(keyed_rows.filter(is_extra=False).values_list("wallet_id", flat=True))
    for row in list(plain_rows.order_by("granted_at", "wallet_id")):
        plain = bytes(row.email_digest)
        person = keyed_plain_digest(plain)
        if plain in addresses:
            normalised = person_digest(addresses[plain], key=settings.WELCOME_HASH_KEY)
            person = person if normalised in people else normalised
        keyed_rows.create(
            person=person,
            wallet_id=row.wallet_id,
            is_extra=row.wallet_id in wallets,
            granted_at=row.granted_at,
        )
        people.add(person)
        wallets.add(row.wallet_id)
        plain_rows.filter(pk=row.pk).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_first_run_closed"),
        ("billing", "0013_welcome_once"),
    ]

    operations = [
        # The addresses are not kept, so there is no way back; the table itself stays.
        migrations.RunPython(copy_grants, migrations.RunPython.noop),
    ]
