"""Reviews of access: frozen lists of who may do what, each line kept or revoked by somebody else than its holder.

An auditor decides and may only mark: a Security admin carries out what is to be revoked. Whoever decides and may give
and take roles as well takes the right at once. So nobody who may not take a right takes one by reviewing.
"""

from hub.services.review.decide import carry, complete, keep, revoke
from hub.services.review.frozen import start
from hub.services.review.open import counts, overdue, rows

__all__ = ["carry", "complete", "counts", "keep", "overdue", "revoke", "rows", "start"]
