"""Whatever two systems make of their values: merging is a fixed point, keeps authority, and loses no edit."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.engine.merge import Authority, Conflict, Images, Merged, Policy, Side, Unauthorised, Verdict, merge

FIELDS = ("a", "b")
Normal = Callable[[Any], Any]
FORMS: dict[str, Normal] = {
    "as it is": lambda value: value,
    "upper case": lambda value: value.upper() if isinstance(value, str) else value,
    "cut off": lambda value: value[:3] if isinstance(value, str) else value,
    "rounded": lambda value: round(value, -1) if isinstance(value, int) else value,
}
VALUES = st.one_of(st.sampled_from(["Kiel", "kiel", "Bonn am Rhein"]), st.integers(0, 99), st.none())
EDITS = st.lists(st.tuples(st.sampled_from(["source", "destination"]), st.sampled_from(FIELDS), VALUES), max_size=8)
CONFLICTS = st.sampled_from([Conflict.MANUAL, Conflict.HIGHEST, Conflict.AUTHORITY])
POLICY = st.builds(Policy, st.sampled_from(Authority), CONFLICTS, st.sampled_from(Unauthorised))
POLICIES = st.fixed_dictionaries(dict.fromkeys(FIELDS, POLICY))
KINDS = st.sampled_from(sorted(FORMS))


@dataclass
class World:
    """Two systems that keep values in forms of their own, and what the hub remembers of them."""

    forms: dict[str, Normal]
    policies: dict[str, Policy]
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    images: Images | None = None
    writes: list[tuple[str, str, Any]] = field(default_factory=list)
    is_shared: bool = False  # sabotage: one base for both sides

    def edit(self, side: str, name: str, value: Any) -> None:
        self.held[side][name] = self.forms[side](value)

    def side(self, name: str) -> Side:
        known = None
        if self.images is not None:
            known = self.images.agreed if self.is_shared else getattr(self.images, name)
        return Side(known, dict(self.held[name]))

    def plan(self) -> Merged:
        return merge(FIELDS, self.policies, self.side("source"), self.side("destination"))

    def apply(self, merged: Merged) -> None:
        """Write as the hub does: each side's own answer is what is acknowledged of it."""
        for target, fields in (("destination", merged.to_destination), ("source", merged.to_source)):
            for name, value in fields.items():
                self.edit(target, name, value)
                self.writes.append((target, name, value))
        sent = {**merged.to_destination, **merged.to_source}
        known = self.images or Images({})
        self.images = known.with_fields(
            [*sent, *merged.acknowledged], sent, self.held["source"], self.held["destination"]
        )


def world(policies: dict[str, Policy], here: str, there: str, *, is_shared: bool = False) -> World:
    """A record that both sides have agreed on."""
    made = World({"source": FORMS[here], "destination": FORMS[there]}, policies, is_shared=is_shared)
    made.held = {"source": dict.fromkeys(FIELDS, FORMS[here]("start")), "destination": dict.fromkeys(FIELDS)}
    made.apply(merge(FIELDS, {}, made.side("source"), made.side("destination")))
    return made


def is_fixed_after(made: World, edits: list[tuple[str, str, Any]]) -> bool:
    """Whether a second look, after the writes of the first, finds nothing more to write."""
    for edit in edits:
        made.edit(*edit)
    made.apply(made.plan())
    again = made.plan()
    return not again.to_destination and not again.to_source


@given(POLICIES, KINDS, KINDS, EDITS)
def test_plan_and_apply_is_a_fixed_point_whatever_the_systems_make_of_values(
    policies: dict[str, Policy], here: str, there: str, edits: list[tuple[str, str, Any]]
) -> None:
    """I11, I12."""
    assert is_fixed_after(world(policies, here, there), edits)


def is_calm(made: World) -> bool:
    """Whether the hub sees nothing to do."""
    return {one.verdict for one in made.plan().decisions} == {Verdict.SAME}


def test_one_base_for_both_sides_would_let_a_systems_own_form_flow_back() -> None:
    """Sabotage of I11: the properties of this page fail when both sides are compared with one shared image."""
    either = dict.fromkeys(FIELDS, Policy(Authority.EITHER))
    sabotaged = world(either, "as it is", "upper case", is_shared=True)

    assert not is_calm(sabotaged)
    assert sabotaged.plan().to_source == {"a": "START", "b": "START"}
    assert is_calm(world(either, "as it is", "upper case"))


@given(POLICIES, KINDS, KINDS)
def test_nothing_happens_when_nobody_edited(policies: dict[str, Policy], here: str, there: str) -> None:
    """I11."""
    assert is_calm(world(policies, here, there))


@given(POLICIES, KINDS, KINDS, EDITS)
def test_a_side_is_written_only_by_one_with_authority(
    policies: dict[str, Policy], here: str, there: str, edits: list[tuple[str, str, Any]]
) -> None:
    """I10."""
    made = world(policies, here, there)
    made.writes.clear()
    for edit in edits:
        made.edit(*edit)
    made.apply(made.plan())

    giver = {"destination": "source", "source": "destination"}
    assert all(policies[name].may_write(giver[target]) for target, name, _ in made.writes)


@given(POLICIES, KINDS, KINDS, EDITS)
def test_the_decision_about_a_field_does_not_depend_on_other_fields(
    policies: dict[str, Policy], here: str, there: str, edits: list[tuple[str, str, Any]]
) -> None:
    whole, part = world(policies, here, there), world(policies, here, there)
    for edit in edits:
        whole.edit(*edit)
        if edit[1] == "a":
            part.edit(*edit)

    assert whole.plan().decisions[0] == part.plan().decisions[0]


@given(POLICIES, KINDS, KINDS, EDITS)
def test_a_value_gives_way_only_by_a_declared_policy_and_is_kept(
    policies: dict[str, Policy], here: str, there: str, edits: list[tuple[str, str, Any]]
) -> None:
    """I8."""
    made = world(policies, here, there)
    for edit in edits:
        made.edit(*edit)
    merged = made.plan()

    for one in merged.decisions:
        policy = policies[one.name]
        if one.rule.startswith("both sides changed it:") and one.verdict in (Verdict.TO_DESTINATION, Verdict.TO_SOURCE):
            assert policy.conflict is not Conflict.MANUAL
            assert one.lost == made.held["destination" if one.verdict is Verdict.TO_DESTINATION else "source"][one.name]
