"""Every setting, read from the environment in this one place; docs/configuration.md lists them."""

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF

from caicaini_portal import log_config
from embedded import endpoints

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- Where we run ---------------------------------------------------------------------------------

DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / ".local"))).absolute()
PORT = env.int("PORT", default=8000)
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://localhost:{PORT}").rstrip("/")

# Production is what has a SECRET_KEY of its own; everything else is somebody's machine.
DEVELOPMENT = not env.str("SECRET_KEY", default="")
DEBUG = env.bool("DEBUG", default=False)


def _kept_secret(path: Path) -> str:
    """Return a random secret that is stable over restarts, so that sessions survive them."""
    try:
        return path.read_text()
    except FileNotFoundError:
        secret = secrets.token_urlsafe(48)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secret)
    except OSError:
        pass  # a read-only checkout (a linter's, say): the secret then lives as long as the process
    return secret


SECRET_KEY = env.str("SECRET_KEY", default="") or _kept_secret(DATA_DIR / "secret_key")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[]) or [
    urlsplit(PUBLIC_URL).hostname or "localhost",
    *(["localhost", "127.0.0.1", "[::1]"] if DEVELOPMENT else []),
]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# --- Servers --------------------------------------------------------------------------------------

_embedded = endpoints.load(DATA_DIR)
DATABASE_URL = env.str("DATABASE_URL", default="") or (_embedded.database_url if _embedded else "")
REDIS_URL = env.str("REDIS_URL", default="") or (_embedded.redis_url if _embedded else "")
EMBEDDED_MODEL_URL = env.str("EMBEDDED_MODEL_URL", default="") or (
    _embedded.model_url if _embedded else ""
)
EMBEDDED_MODEL_API_KEY = env.str("EMBEDDED_MODEL_API_KEY", default="") or (
    _embedded.model_api_key if _embedded else ""
)

DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **env.db_url_config(DATABASE_URL or "postgresql://127.0.0.1:5432/caicaini"),
        # Under ASGI each request has a thread of its own: a connection kept for the thread's next
        # request would be kept for nobody, until the server refuses more. See web_database.py.
        "CONN_MAX_AGE": 0,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# In PostgreSQL, not in Redis: sign-in limits live in the cache, and they must outlive a Redis that
# is flushed or away. Redis holds nothing that matters.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "portal_cache",
    }
}

# --- Django ---------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.sites",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.google",
    "csp",
    "django_htmx",
    "template_partials",
    "caicaini_portal",
    "accounts",
    "catalogue",
    "billing",
    "keys",
    "usage",
    "gateway",
    "docs_site",
]
SITE_ID = 1

MIDDLEWARE = [
    "caicaini_portal.request_ids.request_id_middleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "caicaini_portal.one_thread.one_thread_middleware",  # stays the last
]
ROOT_URLCONF = "caicaini_portal.urls"
ASGI_APPLICATION = "caicaini_portal.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "caicaini_portal.frame.frame",
            ],
            "builtins": ["caicaini_portal.templatetags.display"],
        },
    }
]

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
# In development files are served from where they stand, with nothing to collect.
STATIC_ROOT = None if DEVELOPMENT else BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = DEVELOPMENT
# A file that is edited while the portal runs would else be served with its old length, cut short.
WHITENOISE_AUTOREFRESH = DEVELOPMENT
WHITENOISE_MAX_AGE = 0 if DEVELOPMENT else 60
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEVELOPMENT
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

LOGGING = log_config.logging_config(
    json=not DEVELOPMENT, level=env.str("LOG_LEVEL", default="INFO")
)

# --- Mail -----------------------------------------------------------------------------------------

MAIL_DIR = DATA_DIR / "mail"
if env.str("EMAIL_URL", default=""):
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(MAIL_DIR)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Caicaini <no-reply@localhost>")

# --- Accounts -------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/developers/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "accounts.adapter.SocialAccountAdapter"
ACCOUNT_FORMS = {
    "signup": "accounts.forms.SignUpForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a mail whenever the password or the address changes
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up, and there only
ACCOUNT_CHANGE_EMAIL = True  # one address a person; the old one stays until the new is confirmed
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # to change how one signs in, after five minutes
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
# Numbers of trusted proxies in front; without them X-Forwarded-For is anybody's to write.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)


def _social_app(prefix: str) -> dict[str, Any]:
    """Return a provider's credentials from the environment, or none: its button is not shown."""
    client_id = env.str(f"{prefix}_CLIENT_ID", default="")
    secret = env.str(f"{prefix}_CLIENT_SECRET", default="")
    return {"APPS": [{"client_id": client_id, "secret": secret}] if client_id else []}


def sign_in_providers() -> dict[str, dict[str, Any]]:
    """Return the services that people can sign in with, as far as the environment names them."""
    return {
        "google": {**_social_app("GOOGLE"), "SCOPE": ["email"], "OAUTH_PKCE_ENABLED": True},
        "github": {**_social_app("GITHUB"), "SCOPE": ["user:email"], "OAUTH_PKCE_ENABLED": True},
    }


SOCIALACCOUNT_PROVIDERS = sign_in_providers()

# --- Payments -------------------------------------------------------------------------------------

STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")  # empty: nothing can be bought
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="https://api.stripe.com")
if not STRIPE_SECRET_KEY and _embedded and _embedded.stripe_secret_key:
    STRIPE_SECRET_KEY, STRIPE_API_BASE = _embedded.stripe_secret_key, _embedded.stripe_api_base
# Two while a secret is being rolled: Stripe signs with both, or we take the old one a day longer.
STRIPE_WEBHOOK_SECRETS = env.list("STRIPE_WEBHOOK_SECRETS", default=[])
# Objects of the other mode are never booked. The key says which mode is ours.
STRIPE_LIVEMODE = STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
# Where Stripe's payment page is; another one only with a domain of one's own for it.
STRIPE_CHECKOUT_ORIGINS = env.list(
    "STRIPE_CHECKOUT_ORIGINS", default=["https://checkout.stripe.com"]
)
STRIPE_AUTOMATIC_TAX = env.bool("STRIPE_AUTOMATIC_TAX", default=False)
STRIPE_INVOICE_CREATION = env.bool("STRIPE_INVOICE_CREATION", default=False)

# --- Security -------------------------------------------------------------------------------------

# form-action also guards the redirect that answers a form: hence the sign-in providers and
# Stripe's payment page, to which our own POST redirects.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [
            SELF,
            "https://accounts.google.com",
            "https://github.com",
            *STRIPE_CHECKOUT_ORIGINS,
        ],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "caicaini_portal.error_pages.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEVELOPMENT
SECURE_SSL_REDIRECT = not DEVELOPMENT
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked by address from inside the network
SECURE_HSTS_SECONDS = 0 if DEVELOPMENT else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEVELOPMENT
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if ALLAUTH_TRUSTED_PROXY_COUNT else None
)

# --- Celery ---------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A person may be waiting: give up on a broker that is away at once; sweeps pick the work up.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BEAT_SCHEDULE = {
    "usage-roll-up": {"task": "usage.tasks.roll_up", "schedule": 60.0},
    "usage-partitions": {"task": "usage.tasks.ensure_partitions", "schedule": 6 * 3600.0},
    # What expires unread has a successor under way: a worker that was away meets no backlog.
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
    "low-balances": {
        "task": "billing.tasks.watch_balances",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
}

# --- Product --------------------------------------------------------------------------------------

CATALOGUE = Path(env.str("CATALOGUE", default="") or BASE_DIR / "catalogue.toml")
WELCOME_CREDITS = env.int("WELCOME_CREDITS", default=10_000)

# --- Gateway --------------------------------------------------------------------------------------

MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", default=32 * 1024 * 1024)
RATE_LIMITS = env.str("RATE_LIMITS", default="requests=600,input_tokens=2000000")
MAX_CONCURRENT_CALLS = env.int("MAX_CONCURRENT_CALLS", default=1000)
MAX_CONCURRENT_CALLS_PER_KEY = env.int("MAX_CONCURRENT_CALLS_PER_KEY", default=500)
DRAIN_WINDOW_S = env.float("DRAIN_WINDOW_S", default=20.0)
CALLER_STALL_TIMEOUT_S = env.float("CALLER_STALL_TIMEOUT_S", default=30.0)
# An idle proxy between us and a caller gives up long before a slow model does.
KEEP_ALIVE_EVERY_S = env.float("KEEP_ALIVE_EVERY_S", default=15.0)
UPSTREAM_CONNECT_TIMEOUT_S = env.float("UPSTREAM_CONNECT_TIMEOUT_S", default=5.0)
UPSTREAM_FIRST_BYTE_TIMEOUT_S = env.float("UPSTREAM_FIRST_BYTE_TIMEOUT_S", default=120.0)
UPSTREAM_IDLE_TIMEOUT_S = env.float("UPSTREAM_IDLE_TIMEOUT_S", default=60.0)
UPSTREAM_TOTAL_TIMEOUT_S = env.float("UPSTREAM_TOTAL_TIMEOUT_S", default=900.0)
