"""A real OIDC provider in a process of its own: Django OAuth Toolkit (BSD), one application, a few people.

Usage: provider.py FOLDER PORT CALLBACK. Besides the provider's own pages it has /control, by which tests put people
into groups and have the provider say that it is somebody else.
"""

import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

CLIENT_ID, CLIENT_SECRET, PASSWORD = "the-hub", "what-only-the-hub-knows", "a-password-at-the-provider-1"
CONSENT = "http://testserver/admin/hub/consent/oauth/callback/"  # where the hub is told of a consent
FORM = """{% if form.errors %}wrong{% endif %}<form method="post">{% csrf_token %}{{ form.as_p }}
<input type="hidden" name="next" value="{{ next }}"><button>Sign in</button></form>"""


def main(folder: Path, port: int, callback: str) -> None:
    """Serve until somebody ends it."""
    issuer = f"http://127.0.0.1:{port}/o"
    (folder / "templates" / "registration").mkdir(parents=True)
    (folder / "templates" / "registration" / "login.html").write_text(FORM)
    configure(folder, issuer)
    django.setup()
    call_command("migrate", verbosity=0)
    populate(callback)
    with make_server("127.0.0.1", port, get_wsgi_application(), server_class=Threaded) as server:
        server.serve_forever()


class Threaded(ThreadingMixIn, WSGIServer):
    """Answers several at once."""

    daemon_threads = True
    request_queue_size = 128  # with the usual 5 some would be made to wait for seconds


def configure(folder: Path, issuer: str) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    settings.configure(
        DEBUG=False,
        SECRET_KEY="of-the-provider-of-the-tests-only",
        ALLOWED_HOSTS=["127.0.0.1", "0.0.0.0"],
        ROOT_URLCONF="doors",
        LOGIN_URL="/login/",
        USE_TZ=True,
        SESSION_COOKIE_NAME="at_provider",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "provider.sqlite3",
                               "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"}}},
        INSTALLED_APPS=[
            "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [folder / "templates"],
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_ISS_ENDPOINT": issuer,
            "OIDC_RSA_PRIVATE_KEY": pem,
            "PKCE_REQUIRED": True,
            "SCOPES": {"openid": "who you are", "profile": "your name", "email": "your address", "read": "things"},
            "ROTATE_REFRESH_TOKEN": True,
            "REFRESH_TOKEN_REUSE_PROTECTION": True,
            "OAUTH2_VALIDATOR_CLASS": "doors.Validator",
        },
    )  # fmt: skip


def populate(callback: str) -> None:
    from django.contrib.auth.models import User
    from oauth2_provider.models import Application

    for name in ("nora", "olga"):
        User.objects.create_user(name, f"{name}@example.com", PASSWORD, first_name=name.title(), last_name="There")
    Application.objects.create(
        name="hub", client_id=CLIENT_ID, client_secret=CLIENT_SECRET, client_type="confidential",
        authorization_grant_type="authorization-code", redirect_uris=callback, algorithm="RS256",
        skip_authorization=True,
    )  # fmt: skip
    for grant in ("authorization-code", "client-credentials"):
        Application.objects.create(
            name=grant, client_id=grant, client_secret=CLIENT_SECRET, client_type="confidential",
            authorization_grant_type=grant, redirect_uris=CONSENT if grant == "authorization-code" else "",
            skip_authorization=True,
        )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
