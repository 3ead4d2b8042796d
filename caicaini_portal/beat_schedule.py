"""When Celery's beat queues which task."""

from typing import Any

from celery.schedules import crontab

SCHEDULE: dict[str, dict[str, Any]] = {
    "usage-roll-up": {"task": "usage.tasks.roll_up", "schedule": 60.0},
    "usage-partitions": {"task": "usage.tasks.ensure_partitions", "schedule": 6 * 3600.0},
    "old-records": {"task": "usage.tasks.drop_old_months", "schedule": crontab(hour=5, minute=11)},
    # A message that expires has a successor already, so a worker that was down finds no backlog.
    "ledger-audit": {
        "task": "billing.tasks.audit_recent",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "ledger-audit-full": {
        "task": "billing.tasks.audit_full",
        "schedule": crontab(hour=2, minute=41),
    },
    "stripe-inbox": {
        "task": "billing.tasks.sweep_inbox",
        "schedule": 5.0,
        "options": {"expires": 10},
    },
    "stripe-open-top-ups": {
        "task": "billing.tasks.converge_open_top_ups",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "stripe-recent-top-ups": {
        "task": "billing.tasks.converge_recent_top_ups",
        "schedule": crontab(hour=3, minute=17),
    },
    "old-holds": {
        "task": "billing.tasks.delete_old_holds",
        "schedule": 1800.0,
        "options": {"expires": 1800},
    },
    "old-stripe-events": {
        "task": "billing.tasks.delete_old_events",
        "schedule": crontab(hour=4, minute=7),
    },
    "old-alerts": {
        "task": "billing.tasks.delete_old_alerts",
        "schedule": crontab(hour=4, minute=22),
    },
    "expired-sessions": {
        "task": "accounts.tasks.delete_expired_sessions",
        "schedule": crontab(minute=23),
    },
    "old-aside-files": {
        "task": "gateway.tasks.delete_old_aside_files",
        "schedule": crontab(hour=4, minute=37),
    },
    # The day's first run fills the demo wallet: at midnight, or as soon as a worker is back.
    "demo-wallet": {
        "task": "billing.tasks.fill_demo_wallet",
        "schedule": crontab(minute="*/5"),
        "options": {"expires": 300},
    },
    "welcome-networks": {
        "task": "billing.tasks.forget_welcome_networks",
        "schedule": crontab(hour=0, minute=27),
    },
    "low-balances": {
        "task": "billing.tasks.watch_balances",
        "schedule": 20.0,
        "options": {"expires": 20},
    },
    "spend-alerts": {
        "task": "usage.tasks.watch_spend",
        "schedule": 20.0,
        "options": {"expires": 20},
    },
}
