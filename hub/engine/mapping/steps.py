"""All steps that rules may use, by name."""

from hub.engine.mapping.step import StepKind
from hub.engine.mapping.steps_choice import CHOICE_STEPS
from hub.engine.mapping.steps_condition import CONDITION_STEPS
from hub.engine.mapping.steps_date import DATE_STEPS
from hub.engine.mapping.steps_list import LIST_STEPS
from hub.engine.mapping.steps_number import NUMBER_STEPS
from hub.engine.mapping.steps_source import SOURCE_STEPS
from hub.engine.mapping.steps_text import TEXT_STEPS

STEPS: dict[str, StepKind] = {
    kind.name: kind
    for kind in (
        *SOURCE_STEPS,
        *TEXT_STEPS,
        *NUMBER_STEPS,
        *DATE_STEPS,
        *LIST_STEPS,
        *CHOICE_STEPS,
        *CONDITION_STEPS,
    )
}
