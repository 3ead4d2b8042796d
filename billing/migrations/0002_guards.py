"""Guards beyond Django's model options: an append-only ledger, holds in their wallet's pool."""

from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION billing_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % on % refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER billing_ledgerentry_append_only
    BEFORE UPDATE OR DELETE ON billing_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();
"""
REMOVE_APPEND_ONLY = """
DROP TRIGGER billing_ledgerentry_append_only ON billing_ledgerentry;
DROP FUNCTION billing_refuse_change();
"""
# With the check that a hold's pool is 'api', no hold can point to a subscription wallet.
POOL = """
ALTER TABLE billing_hold ADD CONSTRAINT hold_wallet_and_pool
    FOREIGN KEY (wallet_id, pool) REFERENCES billing_wallet (id, pool);
"""
# Wallet rows change with every call: free space in each page keeps the updates off the indexes.
ROOM = "ALTER TABLE billing_wallet SET (fillfactor = 50); ALTER TABLE billing_hold SET (fillfactor = 80);"


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [
        migrations.RunSQL(APPEND_ONLY, REMOVE_APPEND_ONLY),
        migrations.RunSQL(POOL, "ALTER TABLE billing_hold DROP CONSTRAINT hold_wallet_and_pool"),
        migrations.RunSQL(ROOM, migrations.RunSQL.noop),
    ]
