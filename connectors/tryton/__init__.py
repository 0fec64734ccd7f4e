"""Tryton: an ERP, spoken to over JSON-RPC. Any of its models can be a stream."""

from collections.abc import Mapping
from typing import Any

from connectors.tryton.connection import Connection
from hub.http import origin_of
from hub.sdk import ConfigField, Connector, FieldKind


def _origins(config: Mapping[str, Any]) -> tuple[str, ...]:
    return (origin_of(str(config["url"])),)


CONNECTOR = Connector(
    name="tryton",
    label="Tryton",
    summary="Parties, products, sales, invoices and any other model of a Tryton ERP, with optimistic locking.",
    fields=(
        ConfigField("url", "Address", "Where Tryton answers, such as https://erp.example.com:8000.", FieldKind.URL),
        ConfigField("database", "Database", "The name of the database, as in Tryton's own login."),
        ConfigField("user", "User", "The login of a user for the hub alone, with access to just what it needs."),
        ConfigField("password", "Password", "The password of that user.", FieldKind.SECRET),
        ConfigField(
            "streams",
            "Streams",
            "Further models by stream name, or changes to the streams that are there: "
            '{"products": {"model": "product.template", "fields": ["name", "code"], "external_id": "code", '
            '"unique": true, "archive_field": "active", "lookups": {"default_uom": {"model": "product.uom", '
            '"by": "symbol"}}}}. null leaves a stream out.',
            FieldKind.JSON,
            required=False,
        ),
        ConfigField(
            "context",
            "Context",
            'Values that go with every call, such as {"company": 1}. Prices are empty without a company.',
            FieldKind.JSON,
            required=False,
        ),
        ConfigField(
            "language",
            "Language",
            "The language of translated fields and of Tryton's messages, as its code.",
            required=False,
            default="en",
        ),
        ConfigField(
            "overlap",
            "Overlap",
            "Seconds an incremental read goes back: longer than the longest transaction in Tryton.",
            FieldKind.NUMBER,
            required=False,
            default=300,
        ),
        ConfigField(
            "batch",
            "Records a call",
            "How many records one call may write.",
            FieldKind.NUMBER,
            required=False,
            default=50,
        ),
    ),
    open=Connection,
    origins=_origins,
)
