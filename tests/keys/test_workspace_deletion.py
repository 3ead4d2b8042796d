"""A workspace is deleted together with its keys."""

from django.db import connection

from accounts.models import User, Workspace
from billing.models import Wallet
from keys import services
from keys.models import ApiKey


def test_deleting_a_workspace_deletes_its_keys_also_one_with_a_budget_of_the_release_before(
    person: User, workspace: Workspace
) -> None:
    key = services.mint(workspace=workspace, name="CI", created_by=person).key
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO keys_keybudget (key_id, period, starts_on, "limit")'
            " VALUES (%s, 'day', now(), 1)",
            [key.pk],
        )
    Wallet.objects.filter(workspace=workspace).delete()  # ledger entries would keep a wallet

    workspace.delete()

    connection.check_constraints()
    assert not ApiKey.objects.filter(pk=key.pk).exists()
