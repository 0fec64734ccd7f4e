"""`python -m hub.supervisor`, which is what `manage.py up` becomes."""

import argparse
import os
import signal
import sys

from hub.env import SettingError
from hub.management.bond import die_with_parent

DEFAULTS = {
    "DJANGO_SETTINGS_MODULE": "hub.settings",
    "PGCONNECT_TIMEOUT": "5",  # a server that is not there must not hold anyone for minutes
}


def main() -> int:
    """Supervise until stopped; 0 when that was asked for, 1 with one line of reason otherwise."""
    parser = argparse.ArgumentParser(prog="manage.py up")
    parser.add_argument("--demo", action="store_true")
    parser.add_argument("--with-parent", action="store_true")
    options = parser.parse_args()
    if options.with_parent:
        die_with_parent(os.getppid(), by=signal.SIGTERM)
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    try:
        from hub.supervisor.house import House  # noqa: PLC0415  reads the settings, which may be wrong

        return House(demo=options.demo).run()
    except SettingError as error:
        sys.stderr.write(f"Setting: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
