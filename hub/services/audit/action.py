"""Every action there is evidence of, by name, as people say it. A name that is not here cannot be recorded."""

SUBJECTS: dict[str, str] = {
    "integration": "integration",
    "mainswitch": "main switch",
    "recovery": "recovery",
    "replay": "replay",
    "mapping": "mapping",
    "mappingversion": "mapping version",
    "connection": "connection",
    "credential": "credential",
    "syncrun": "run",
    "change": "change",
    "reconciliationexception": "exception",
    "webhook": "webhook",
    "webhookroute": "route of a webhook",
    "delivery": "delivery",
    "auditevent": "audit trail",
    "seal": "seal",
    "export": "export of evidence",
    "accessreview": "review of access",
    "accessline": "line of a review of access",
    "capturedrow": "captured row",
    "user": "person",
    "group": "group",
    "integrationgrant": "access to an integration",
    "credentialgrant": "access to a credential",
    "egresszone": "egress zone",
}
EDITED = ("integration", "mapping", "mappingversion", "connection", "credential", "webhook", "webhookroute", "replay",
          "user", "group", "egresszone")  # fmt: skip
PAUSED = ("integration", "connection", "mainswitch")

ACTIONS: dict[str, str] = {
    **{f"{noun}.{deed}": verb for noun in EDITED for deed, verb in
       (("add", "added"), ("change", "changed"), ("delete", "deleted"))},
    **{f"{noun}.{deed}": verb for noun in PAUSED for deed, verb in (("pause", "paused"), ("resume", "resumed"))},
    "mappingversion.activate": "activated",
    "connection.check": "asked for a test of",
    "connection.held": "holds a connection of",
    "connection.works": "uses a connection again of",
    "credential.set_secret": "set the values of",
    "credential.stage": "staged new values of",
    "credential.activate": "put to use the staged values of",
    "credential.go_back": "went back to the values before of",
    "credential.revoke": "revoked a version of",
    "credential.retire": "removed, after the overlap, the values before of",
    "credential.rewrap": "wrapped anew the keys of",
    "credential.ask_consent": "asked for consent at the provider of",
    "credential.connect": "gave consent at the provider of",
    "credential.fail_consent": "got no consent at the provider of",
    "credential.consent_lost": "needs consent again at the provider of",
    "credential.use": "used the values of",
    "run.request": "asked for",
    "run.preview": "asked for the preview",
    "run.cancel": "cancelled",
    "run.approve": "released the held changes of",
    "run.discard": "discarded the held changes of",
    "exception.retry": "asked for another try of",
    "exception.acknowledge": "acknowledged",
    "exception.keep": "decided what to keep of",
    "exception.leave": "left an edit as it is there:",
    "exception.overwrite": "had an edit written over:",
    "change.happened": "said that it happened:",
    "change.not_happened": "said that it did not happen:",
    "change.stop": "gave up",
    "change.mapped_anew": "asked for another try of",
    "change.released": "released",
    "change.skipped": "skipped",
    "change.superseded": "started afresh instead of",
    "breaker.close": "closed the breaker of",
    "breaker.probe": "asked to try again",
    "recovery.start": "began",
    "recovery.review": "had both sides read in the",
    "recovery.leave": "left the",
    "replay.draft": "prepared",
    "replay.preview": "asked for a preview of",
    "replay.start": "started",
    "replay.pause": "paused",
    "replay.cancel": "cancelled",
    "webhook.secret": "replaced the signing secret of",
    "webhook.silent": "waits in vain for",
    "webhook.heard": "hears again from",
    "delivery.replay": "followed again deliveries of",
    "payload.view": "saw what is held by",
    "grant.give": "gave a group a right on",
    "grant.take": "took a right of a group on",
    "zone.open": "opened",
    "zone.close": "closed",
    "session.begin": "signed in:",
    "session.fail": "failed to sign in as",
    "session.refuse": "was not let in:",
    "session.end": "signed out:",
    "session.expire": "was signed out by the clock:",
    "session.end_other": "signed out elsewhere:",
    "session.end_all": "signed out everywhere",
    "session.prove": "proved to be",
    "session.unlock": "let try again to sign in",
    "factor.add": "set up a second factor of",
    "factor.remove": "removed a second factor of",
    "factor.renew": "renewed the recovery codes of",
    "factor.fail": "failed at a second factor of",
    "factor.remove_all": "removed all second factors of",
    "person.add": "made an account for",
    "person.roles": "set, by their groups at the provider, the roles of",
    "person.password": "changed the password of",
    "person.new_password": "set the password of",
    "person.join_provider": "joined an account of the provider to",
    "person.part_provider": "parted an account of the provider from",
    "audit.export": "exported evidence up to",
    "audit.view": "looked at the",
    "export.ask": "asked for",
    "export.done": "was given",
    "export.fetch": "fetched",
    "export.remove": "removed the file of the",
    "verification.fail": "could not verify the evidence up to",
    "review.start": "began the",
    "review.keep": "decided to keep",
    "review.revoke": "decided to revoke",
    "review.revoked": "revoked",
    "review.complete": "completed the",
    "review.export": "took along the",
    "person.take": "took a role or group from",
    "access.denied": "was refused",
}  # fmt: skip

# What some were called before: events keep the name under which they were written.
FORMER: dict[str, str] = {
    "add": "added",
    "change": "changed",
    "delete": "deleted",
    "activate": "activated",
    "pause": "paused",
    "resume": "resumed",
    "check": "asked for a test of",
    "set_secret": "set the values of",
    "slot.missed": "could not fill a slot of",
    "password": "set the password of",
}


class UnknownActionError(Exception):
    """Evidence of an action that the registry does not know. Add it there with the words people use for it."""


def known(name: str) -> str:
    """The name, if it is one. Raises UnknownActionError."""
    if name not in ACTIONS:
        raise UnknownActionError(f"“{name}” is not in the registry of actions.")
    return name


def verb(name: str) -> str:
    """What was done, in words."""
    return ACTIONS.get(name) or FORMER.get(name, name)


def former(name: str) -> tuple[str, str] | None:
    """(name, subject) under which events of this action were written before, if they were."""
    subject, _, deed = name.partition(".")
    return (deed, subject) if deed in FORMER and subject in SUBJECTS else None


def names(*deeds: str) -> list[str]:
    """Every name of these deeds, whatever they are done to, and what they were called before."""
    return [*(name for name in ACTIONS if name.partition(".")[2] in deeds), *deeds]


def family(name: str) -> list[str]:
    """Every action of this family (what stands before the dot), and what some of them were called before."""
    return [one for one in ACTIONS if one.partition(".")[0] == name]


def families() -> dict[str, str]:
    """The families there are, by name, as people call what they are about."""
    return {noun: SUBJECTS.get(noun, noun) for noun in sorted({name.partition(".")[0] for name in ACTIONS})}
