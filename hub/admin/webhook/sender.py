"""What to do at the sender, step by step, for each style of signature."""

from hub.models import SignatureStyle, Webhook
from hub.services import webhook as webhooks

FIRST = "Give it this address: {url}"
LAST = "Copy the signing secret it shows, and set it here with “Set signing secret”."
STEPS: dict[str, tuple[str, ...]] = {
    SignatureStyle.STANDARD: (
        "In the sender's settings, add a webhook endpoint.",
        FIRST,
        "Choose the events that your routes below take.",
        "Copy the signing secret (it begins with whsec_), and set it here with “Set signing secret”.",
    ),
    SignatureStyle.STRIPE: (
        "In Stripe's Workbench, open Webhooks and add a destination of the kind “Webhook endpoint”.",
        FIRST,
        "Choose the events that your routes below take.",
        "Reveal the signing secret of the endpoint (whsec_…), and set it here with “Set signing secret”.",
    ),
    SignatureStyle.SHOPIFY: (
        "In the shop's settings, under Notifications, open Webhooks and create one for each event; the format is JSON.",
        FIRST,
        "The line “Your webhooks will be signed with …” shows the secret. For an app it is the app's client secret.",
        "Set it here with “Set signing secret”.",
    ),
    SignatureStyle.GITHUB: (
        "In the repository's or organisation's settings, open Webhooks and add one; the content type is JSON.",
        FIRST,
        (
            "Make a secret of at least 32 random characters, write it into the field Secret there, "
            "and set the same here with “Set signing secret”."
        ),
        "Choose the events that your routes below take.",
    ),
    SignatureStyle.GENERIC: (
        "In the sender's settings, add a webhook or callback.",
        FIRST,
        (
            "It must sign the body with HMAC, as described in the settings here: header {header}, algorithm "
            "{algorithm}, written as {encoding}, over {template}."
        ),
        LAST,
    ),
    SignatureStyle.TOKEN: (
        "In the sender's settings, add a webhook or callback.",
        FIRST,
        (
            "Have it send a secret of at least 32 random characters in the header {header}. Whoever can read its "
            "traffic can read this secret: use it only where the sender cannot sign."
        ),
        "Set the same secret here with “Set signing secret”.",
    ),
}


def steps(webhook: Webhook, url: str) -> list[str]:
    """The steps for this webhook."""
    scheme = webhooks.scheme_of(webhook)
    known = {"url": url, "header": scheme.header, "algorithm": scheme.algorithm, "encoding": scheme.encoding}
    return [_filled(step, {**known, "template": scheme.template}) for step in STEPS[webhook.style]]


def _filled(step: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        step = step.replace(f"{{{name}}}", value)
    return step
