"""The kinds of database this connector speaks to. A new one is one module here and one line in DIALECTS."""

from collections.abc import Mapping

from connectors.sql.dialect import Dialect
from connectors.sql.dialects.postgresql import POSTGRESQL
from connectors.sql.dialects.sqlite import SQLITE

DIALECTS: Mapping[str, Dialect] = {"postgresql+psycopg": POSTGRESQL, "sqlite": SQLITE}

__all__ = ["DIALECTS"]
