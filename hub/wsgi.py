"""The web server's entrance."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
_pages = get_wsgi_application()

from hub.api.webhook import with_hooks  # noqa: E402  needs Django to be set up

application = with_hooks(_pages)
