"""Django settings. Every value an installation may change is read from the environment by name."""

import hashlib
import secrets
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from csp.constants import NONE, SELF, UNSAFE_EVAL
from django.templatetags.static import static
from django.urls import reverse_lazy

from hub import env, provider
from hub.vault import place

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
HUB_STATE = Path(env.text("HUB_STATE", str(BASE_DIR / "var"))).resolve()
HUB_STATE.mkdir(parents=True, exist_ok=True)

HUB_ENVIRONMENT = env.text("HUB_ENVIRONMENT", "demo", shape="a short name such as production or staging")
DEBUG = env.flag("HUB_DEBUG", default=False)


def _kept_secret(name: str, size: int = 32) -> str:
    """A random value made at the first start and kept in the state folder, readable by its owner only."""
    kept = HUB_STATE / name
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_hex(size))
    return kept.read_text().strip()


SECRET_KEY = env.text("HUB_SECRET_KEY", "") or _kept_secret("secret_key")
# What seals secrets (docs/credentials.md): a key pair, HashiCorp Vault, or one key that seals and opens alike.
HUB_SEAL_PUBLIC, HUB_SEAL_PRIVATE = env.names("HUB_SEAL_PUBLIC"), env.listed("HUB_SEAL_PRIVATE")
HUB_VAULT_TRANSIT, HUB_SEAL_KEYS = place.named(), env.listed("HUB_SEAL_KEYS")
HUB_KEYS_ARE_LOCAL = not (HUB_SEAL_KEYS or HUB_SEAL_PUBLIC or HUB_SEAL_PRIVATE or HUB_VAULT_TRANSIT)
if HUB_KEYS_ARE_LOCAL:
    HUB_SEAL_KEYS = [f"local:{_kept_secret('seal_key')}"]
HUB_INBOUND_KEYS = env.listed("HUB_INBOUND_KEYS") or HUB_SEAL_KEYS or [f"inbound:{_kept_secret('inbound_key')}"]

# `id:hex` pairs that sign the audit trail, newest first; the first one signs, all are trusted.
HUB_AUDIT_KEYS = env.names("HUB_AUDIT_KEYS") or [f"local:{_kept_secret('audit_key')}"]
# Where the newest seal is told to: file:///path, syslog://host:514, syslog+tcp://host:514, syslog:///dev/log.
HUB_AUDIT_ANCHORS = env.names("HUB_AUDIT_ANCHORS")

HUB_PORT = env.number("HUB_PORT", 8000, minimum=1, maximum=65535)
HUB_WORKERS = env.number("HUB_WORKERS", 2, minimum=1, maximum=64)
HUB_TOMBSTONE_DAYS = env.number("HUB_TOMBSTONE_DAYS", 400, minimum=1, maximum=36_500)
ALLOWED_HOSTS = env.names("HUB_HOSTS", ("127.0.0.1", "localhost", "[::1]", "testserver"))
HUB_HTTPS = env.flag("HUB_HTTPS", default=False)

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "simple_history",
    "guardian",
    "csp",
    "hub.apps.HubConfig",
]
# guardian makes no account for strangers, and adds no methods: services.access is the only one to ask.
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = GUARDIAN_MONKEY_PATCH_GROUP = False
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]  # its backend: nothing asks Django whether a person has a right on an object
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "hub.request.Provenance",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "hub.admin.session.gate.Gate",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]
ROOT_URLCONF = "hub.urls"
WSGI_APPLICATION = "hub.wsgi.application"
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
                "hub.admin.pause.banner",
                "hub.admin.credential.desk.banner",
                "hub.admin.session.page.frame",
            ]
        },
    }
]

# --- database: SQLite embedded, PostgreSQL when DATABASE_URL says so -------------------------------
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA busy_timeout=20000;"
    "PRAGMA cache_size=-32000;PRAGMA temp_store=MEMORY;",
}
DATABASE_SHAPE = "postgresql://user:password@host:5432/name or sqlite:////absolute/path.sqlite3"


def _database(url: str) -> dict[str, Any]:
    """Django's database settings for `url`; raises ValueError for anything but PostgreSQL and SQLite."""
    if not url.startswith(("postgres://", "postgresql://", "sqlite:///")):
        raise ValueError("only PostgreSQL and SQLite are supported")
    found: dict[str, Any] = environ.Env.db_url_config(url)
    if "sqlite" in found["ENGINE"]:
        return {**found, "OPTIONS": SQLITE_OPTIONS, "TEST": {"NAME": str(HUB_STATE / "test.sqlite3")}}
    if not found.get("NAME"):
        raise ValueError("the database name is missing")
    options: dict[str, Any] = {"options": "-c statement_timeout=60000 -c idle_in_transaction_session_timeout=60000"}
    if env.flag("HUB_DB_POOL", default=False):  # only the web process: a pool must not live through a fork
        return {**found, "OPTIONS": {**options, "pool": {"min_size": 1, "max_size": 8, "timeout": 10}}}
    return {**found, "OPTIONS": options, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}


HUB_EMBEDDED_DATABASE = not env.text("DATABASE_URL", "")
DATABASES = {
    "default": env.parsed(
        "DATABASE_URL", _database(f"sqlite:///{HUB_STATE / 'hub.sqlite3'}"), _database, DATABASE_SHAPE
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: embedded on a unix socket, a server when REDIS_URL says so ---------------------------
HUB_EMBEDDED_REDIS = not env.text("REDIS_URL", "")
# A socket's path may have 107 bytes at most, so it lives in the temporary folder under a name made from the state's.
HUB_REDIS_SOCKET = (
    Path(tempfile.gettempdir()) / f"hub-{hashlib.sha256(str(HUB_STATE).encode()).hexdigest()[:12]}" / "redis.sock"
)


REDIS_URL = env.parsed(
    "REDIS_URL", f"unix://{HUB_REDIS_SOCKET}", env.as_redis, "redis://host:6379/0, rediss://… or unix:///path/to.sock"
)

# --- people, language, time ------------------------------------------------------------------------
AUTH_USER_MODEL = "hub.User"
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- signing in: docs/signing-in.md -----------------------------------------------------------------
ACCOUNT_ADAPTER = "hub.admin.session.account.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = ACCOUNT_UNIQUE_EMAIL = False
ACCOUNT_SESSION_REMEMBER = False  # the browser forgets at its end, the hub at the latest after HUB_SESSION_HOURS
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
# Only failures count. Everything else is asked a little more often than people can type.
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "5/15m/ip,5/15m/key", "reauthenticate": "10/15m/user"}
ALLAUTH_TRUSTED_PROXY_COUNT = env.number("HUB_PROXIES", 0, maximum=10)
ALLAUTH_TRUSTED_CLIENT_IP_HEADER = env.text("HUB_CLIENT_ADDRESS_HEADER", "") or None
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Integration hub"
MFA_TOTP_TOLERANCE = 1
SOCIALACCOUNT_ADAPTER = "hub.admin.session.oidc.OidcAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = True  # a form could not lead to the provider: the content policy keeps forms at home
SOCIALACCOUNT_STORE_TOKENS = False
HUB_OIDC = provider.named()
SOCIALACCOUNT_PROVIDERS = HUB_OIDC.apps() if HUB_OIDC else {}
HUB_SECOND_FACTOR = env.choice("HUB_SECOND_FACTOR", "off", ("off", "writers", "all"))
HUB_SESSION_IDLE = timedelta(minutes=env.number("HUB_SESSION_IDLE_MINUTES", 30, minimum=1, maximum=1440))
HUB_SESSION_LONGEST = timedelta(hours=env.number("HUB_SESSION_HOURS", 8, minimum=1, maximum=168))
HUB_PROOF_HOLDS = timedelta(minutes=env.number("HUB_PROOF_MINUTES", 10, minimum=1, maximum=120))
SESSION_COOKIE_AGE = int(HUB_SESSION_LONGEST.total_seconds())
# What all web processes must agree on: failed sign-ins, used codes. In the database, which is asked for the person
# anyway: Redis may be away. Culling would forget failures, so there is room for far more than come in 15 minutes.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "hub_shared",
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    }
}

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = env.text("HUB_TIME_ZONE", "UTC")

# --- static files and headers -----------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = HUB_STATE / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise warns of a folder that is missing
STATICFILES_DIRS = [BASE_DIR / "hub" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# Unfold's Alpine needs eval; scripts and styles inline are refused all the same.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, UNSAFE_EVAL],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HUB_HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HUB_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HUB_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HUB_HTTPS else None
SECURE_REDIRECT_EXEMPT = [r"^(readyz|healthz)$"]
CSRF_TRUSTED_ORIGINS = env.names("HUB_TRUSTED_ORIGINS")

SIMPLE_HISTORY_HISTORY_CHANGE_REASON_USE_TEXT_FIELD = True
SIMPLE_HISTORY_ENABLED = True

INDIGO = {
    "50": "oklch(96.2% .018 272.314)",
    "100": "oklch(93% .034 272.788)",
    "200": "oklch(87% .065 274.039)",
    "300": "oklch(78.5% .115 274.713)",
    "400": "oklch(67.3% .182 276.935)",
    "500": "oklch(58.5% .233 277.117)",
    "600": "oklch(51.1% .262 276.966)",
    "700": "oklch(45.7% .24 277.023)",
    "800": "oklch(39.8% .195 277.366)",
    "900": "oklch(35.9% .144 278.697)",
    "950": "oklch(25.7% .09 281.288)",
}
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Integration hub",
    "SITE_HEADER": "Integration hub",
    "SITE_SYMBOL": "hub",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SITE_URL": None,
    "ENVIRONMENT": "hub.admin.home.environment",
    "DASHBOARD_CALLBACK": "hub.admin.home.dashboard",
    "BORDER_RADIUS": "8px",
    "COLORS": {"primary": INDIGO},
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("hub/icon.svg")},
    ],
    "GLOBAL_CALLBACK": "hub.admin.session.page.theme",
    "ACCOUNT": {"navigation": "hub.admin.session.page.links"},
    "STYLES": [lambda request: static("hub/theme.css"), lambda request: static("hub/hub.css")],
    "SCRIPTS": [lambda request: static("hub/hub.js")],
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": "hub.admin.home.navigation"},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("HUB_LOG_LEVEL", "INFO")},
}
