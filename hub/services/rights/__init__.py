"""Rights as of a moment: who could do what then, from the rows as they are now and all that was captured since."""

from hub.services.rights.past import Past, begins, past
from hub.services.rights.told import Held, ObjectRights, PersonRights, Reach, of_object, of_person

__all__ = ["Held", "ObjectRights", "Past", "PersonRights", "Reach", "begins", "of_object", "of_person", "past"]
