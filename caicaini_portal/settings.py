"""Every setting, read from the environment in this one place; docs/configuration.md lists them.

An invalid one ends the process here with one sentence: see environment.py.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from caicaini_portal import beat_schedule, log_config, secret_key, server_addresses
from caicaini_portal import environment as env
from embedded import endpoints
from embedded.endpoints import Endpoints
from server import database_session
from web.bundles import IMMUTABLE

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Where we run ---------------------------------------------------------------------------------

DATA_DIR = Path(env.text("DATA_DIR") or BASE_DIR / ".local").absolute()
PORT = env.whole_number("PORT", default=8000, smallest=1, largest=65_535)
PUBLIC_URL = env.origin("PUBLIC_URL", default=f"http://localhost:{PORT}")

# Production sets SECRET_KEY; without it this is a developer's machine.
DEVELOPMENT = not env.text("SECRET_KEY")
DEBUG = env.switch("DEBUG")

ALLOWED_HOSTS = env.host_names("ALLOWED_HOSTS") or [
    urlsplit(PUBLIC_URL).hostname or "localhost",
    *(["localhost", "127.0.0.1", "[::1]"] if DEVELOPMENT else []),
]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# --- Servers --------------------------------------------------------------------------------------

_embedded = endpoints.load(DATA_DIR) or Endpoints()
DATABASE_URL = server_addresses.postgresql("DATABASE_URL", default=_embedded.database_url)
REDIS_URL = server_addresses.redis("REDIS_URL", default=_embedded.redis_url)
EMBEDDED_MODEL_URL = env.web_address("EMBEDDED_MODEL_URL", default=_embedded.model_url)
EMBEDDED_MODEL_API_KEY = env.text("EMBEDDED_MODEL_API_KEY", default=_embedded.model_api_key)

_address = server_addresses.django_database(DATABASE_URL or "postgresql://127.0.0.1:5432/caicaini")
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **_address,
        "OPTIONS": database_session.options(_address.get("OPTIONS", {})),
        # Under ASGI each request has a thread of its own: connections kept open for a thread's next
        # request would never be used again, and add up until the server refuses more.
        # server/pooled_postgresql/ pools them instead.
        "CONN_MAX_AGE": 0,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# In PostgreSQL, not in Redis: the cache holds the sign-in limits, which must survive a Redis that
# is flushed or unavailable. Redis holds nothing that may not be lost.
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
    "web",
    "accounts",
    "catalogue",
    "billing",
    "keys",
    "usage",
    "gateway",
    "console",
    "docs_site",
]
SITE_ID = 1

MIDDLEWARE = [
    "web.request_ids.request_id_middleware",
    "web.no_store.no_store_middleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "web.compression.Compression",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "server.content_type.content_type_middleware",
    "server.body_limit.body_limit_middleware",
    "server.sync_middleware.sync_middleware",  # stays the last
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
                "caicaini_portal.page_context.page_context",
            ],
            "builtins": ["web.templatetags.display"],
        },
    }
]

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "web"  # its package `en`

STATIC_URL = "/static/"
# Development serves files from the source folders, without collectstatic.
STATIC_ROOT = None if DEVELOPMENT else BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
BUNDLES_DIR = BASE_DIR / "static/bundles"
WHITENOISE_IMMUTABLE_FILE_TEST = rf"{IMMUTABLE}|\.[0-9a-f]{{12}}\.\w+$"  # ours, collectstatic's
WHITENOISE_USE_FINDERS = DEVELOPMENT
# Otherwise a file edited while the portal runs is served cut to its old length.
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
    json=not DEVELOPMENT,
    level=env.choice(
        "LOG_LEVEL", default="INFO", among=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    ),
)

# --- Mail -----------------------------------------------------------------------------------------

MAIL_DIR = DATA_DIR / "mail"
EMAIL_BACKEND = "caicaini_portal.file_mail_backend.EmailBackend"
EMAIL_FILE_PATH = str(MAIL_DIR)
EMAIL_TIMEOUT = 10.0  # seconds, per answer of the mail server: a person waits for the page
vars().update(server_addresses.mail("EMAIL_URL"))
DEFAULT_FROM_EMAIL = env.mail_sender("DEFAULT_FROM_EMAIL", default="Caicaini <no-reply@localhost>")

# --- Accounts -------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
SESSION_ENGINE = "accounts.session_store"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.NotOnlySpacesValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/developers/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "accounts.adapter.SocialAccountAdapter"
ACCOUNT_FORMS = {
    "signup": "accounts.forms.SignUpForm",
    "add_email": "accounts.forms.AddEmailForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
}
SOCIALACCOUNT_FORMS = {
    "disconnect": "accounts.forms.DisconnectForm",
    "signup": "accounts.forms.SocialSignUpForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a mail whenever the password or the address changes
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # only in the browser that signed up
ACCOUNT_CHANGE_EMAIL = True  # one address each; the old one counts until the new is confirmed
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # before credentials change, after five minutes
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
# How many trusted proxies are in front; without one, anybody can write X-Forwarded-For.
ALLAUTH_TRUSTED_PROXY_COUNT = env.whole_number("TRUSTED_PROXY_COUNT", default=0)


def _social_app(prefix: str) -> dict[str, Any]:
    """Return a provider's credentials from the environment; without them it has no button."""
    client_id = env.text(f"{prefix}_CLIENT_ID")
    secret = env.text(f"{prefix}_CLIENT_SECRET")
    return {"APPS": [{"client_id": client_id, "secret": secret}] if client_id else []}


def sign_in_providers() -> dict[str, dict[str, Any]]:
    """Return the services that people can sign in with; those without credentials are off."""
    return {
        "google": {**_social_app("GOOGLE"), "SCOPE": ["email"], "OAUTH_PKCE_ENABLED": True},
        "github": {**_social_app("GITHUB"), "SCOPE": ["user:email"], "OAUTH_PKCE_ENABLED": True},
    }


SOCIALACCOUNT_PROVIDERS = sign_in_providers()

# --- Payments -------------------------------------------------------------------------------------

# Empty: top-ups are switched off.
STRIPE_SECRET_KEY = env.secret("STRIPE_SECRET_KEY", prefixes=("sk_", "rk_"))
STRIPE_API_BASE = env.web_address("STRIPE_API_BASE", default="https://api.stripe.com")
if not STRIPE_SECRET_KEY and _embedded.stripe_secret_key:
    STRIPE_SECRET_KEY, STRIPE_API_BASE = _embedded.stripe_secret_key, _embedded.stripe_api_base
# Two while a secret is rolled: Stripe signs with both, or we accept the old one a day longer.
STRIPE_WEBHOOK_SECRETS = env.secrets("STRIPE_WEBHOOK_SECRETS", prefix="whsec_")
# Objects of the other mode are never booked; the key's prefix says which mode is ours.
STRIPE_LIVEMODE = STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
# The origin of Stripe's payment page; set it for a custom checkout domain.
STRIPE_CHECKOUT_ORIGINS = env.origins(
    "STRIPE_CHECKOUT_ORIGINS", default="https://checkout.stripe.com"
)
STRIPE_AUTOMATIC_TAX = env.switch("STRIPE_AUTOMATIC_TAX")
STRIPE_INVOICE_CREATION = env.switch("STRIPE_INVOICE_CREATION")

# --- Security -------------------------------------------------------------------------------------

# form-action also applies to redirects after a POST: hence the sign-in providers and Stripe's
# payment page.
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
CSRF_FAILURE_VIEW = "web.error_pages.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEVELOPMENT
SECURE_SSL_REDIRECT = not DEVELOPMENT
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # probed by IP address, without TLS
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
# A person may be waiting: do not retry an unavailable broker; periodic sweeps do the work later.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BEAT_SCHEDULE = beat_schedule.SCHEDULE

# --- Product --------------------------------------------------------------------------------------

CATALOGUE = Path(env.text("CATALOGUE") or BASE_DIR / "catalogue.toml")
WELCOME_CREDITS = env.whole_number("WELCOME_CREDITS", default=10_000)
WELCOME_AFTER_PAYMENT = env.switch("WELCOME_AFTER_PAYMENT")
# Per /24 or /64 network and day. Further accounts are made, and get theirs on a later day.
WELCOME_GRANTS_PER_NETWORK = env.whole_number("WELCOME_GRANTS_PER_NETWORK", default=5)
# For visitors' runs on the landing page. An operator pays for them, so production opts in.
DEMO_CREDITS_PER_DAY = env.whole_number(
    "DEMO_CREDITS_PER_DAY", default=10_000 if DEVELOPMENT else 0
)

# --- Operator -------------------------------------------------------------------------------------

# Nothing here has a default: a page says what is not set.
OPERATOR_NAME = env.text("OPERATOR_NAME")
SUPPORT_EMAIL = env.mailbox("SUPPORT_EMAIL")
SUPPORT_URL = env.web_address("SUPPORT_URL", default="")
STATUS_URL = env.web_address("STATUS_URL", default="")
TERMS_FILE = env.readable_file("TERMS_FILE")
PRIVACY_FILE = env.readable_file("PRIVACY_FILE")

# --- Losses ---------------------------------------------------------------------------------------

# What a workspace's calls may cost above their holds in a day before it is stopped; 0 never stops.
LOST_CREDITS_PER_DAY = env.whole_number(
    "LOST_CREDITS_PER_DAY", default=1_000_000, smallest=0, largest=10**15
)

# --- Retention ------------------------------------------------------------------------------------

# Ledger entries and roll-ups are never deleted.
HOLDS_KEPT_DAYS = env.whole_number("HOLDS_KEPT_DAYS", default=90, smallest=2, largest=36_500)
# Stripe lists events for 30 days; a shorter time would have old ones stored again.
STRIPE_EVENTS_KEPT_DAYS = env.whole_number(
    "STRIPE_EVENTS_KEPT_DAYS", default=35, smallest=30, largest=36_500
)
# An alert keeps its mail from being sent twice: days and hours are looked at for a week.
ALERTS_KEPT_DAYS = env.whole_number("ALERTS_KEPT_DAYS", default=400, smallest=31, largest=36_500)
# Records of the current month and the one before are always kept.
RECORDS_KEPT_DAYS = env.whole_number(
    "RECORDS_KEPT_DAYS", default=36_500, smallest=31, largest=36_500
)
ASIDE_FILES_KEPT_DAYS = env.whole_number(
    "ASIDE_FILES_KEPT_DAYS", default=180, smallest=1, largest=36_500
)

# --- Gateway --------------------------------------------------------------------------------------

MAX_BODY_BYTES = env.whole_number("MAX_BODY_BYTES", default=32 * 1024 * 1024, smallest=1)
# What large bodies of calls may take of a process's memory, and, while they arrive, of its disk.
# Beyond that a body waits.
BODY_MEMORY_BYTES = env.whole_number("BODY_MEMORY_BYTES", default=256 * 1024 * 1024, smallest=1)
BODY_DISK_BYTES = env.whole_number("BODY_DISK_BYTES", default=2 * 1024**3, smallest=1)
BODY_WAIT_S = env.seconds("BODY_WAIT_S", default=10.0, largest=600)
RATE_LIMITS = env.whole_numbers(
    "RATE_LIMITS", defaults={"requests": 600, "input_tokens": 2_000_000}
)
# Of GETs, and apart of counts of tokens, by a workspace in a process.
READ_LIMITS = env.whole_numbers("READ_LIMITS", defaults={"at_once": 120, "per_minute": 600})
MAX_KEYS_PER_WORKSPACE = env.whole_number("MAX_KEYS_PER_WORKSPACE", default=500, smallest=1)
MAX_CONCURRENT_CALLS = env.whole_number("MAX_CONCURRENT_CALLS", default=1000, smallest=1)
MAX_CONCURRENT_CALLS_PER_KEY = env.whole_number(
    "MAX_CONCURRENT_CALLS_PER_KEY", default=500, smallest=1
)
MAX_CONCURRENT_CALLS_PER_WORKSPACE = env.whole_number(
    "MAX_CONCURRENT_CALLS_PER_WORKSPACE", default=(MAX_CONCURRENT_CALLS + 1) // 2, smallest=1
)
FAULTY_AFTER_S = env.seconds("FAULTY_AFTER_S", default=60.0)
DRAIN_WINDOW_S = env.seconds("DRAIN_WINDOW_S", default=20.0, largest=1800)
CALLER_STALL_TIMEOUT_S = env.seconds("CALLER_STALL_TIMEOUT_S", default=30.0)
# Proxies close idle connections long before a slow model has answered.
KEEP_ALIVE_EVERY_S = env.seconds("KEEP_ALIVE_EVERY_S", default=15.0)
UPSTREAM_CONNECT_TIMEOUT_S = env.seconds("UPSTREAM_CONNECT_TIMEOUT_S", default=5.0)
UPSTREAM_FIRST_BYTE_TIMEOUT_S = env.seconds("UPSTREAM_FIRST_BYTE_TIMEOUT_S", default=300.0)
UPSTREAM_IDLE_TIMEOUT_S = env.seconds("UPSTREAM_IDLE_TIMEOUT_S", default=60.0)
UPSTREAM_TOTAL_TIMEOUT_S = env.seconds("UPSTREAM_TOTAL_TIMEOUT_S", default=900.0)
UPSTREAM_FAILURES_TO_OPEN = env.whole_number("UPSTREAM_FAILURES_TO_OPEN", default=5)

# --- Secret key -----------------------------------------------------------------------------------

# Last, because it may write a file: a start that is refused writes none.
SECRET_KEY = env.text("SECRET_KEY") or secret_key.stored(DATA_DIR / "secret_key")
# Keys the digests of people who have had welcome credits; set it before SECRET_KEY is replaced.
WELCOME_HASH_KEY = env.text("WELCOME_HASH_KEY") or SECRET_KEY
