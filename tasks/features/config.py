"""The section ``features`` of the configuration."""

from typing import Any, Literal, Self, get_args

from pydantic import Field, model_validator

from tasks.core.errors import suggestion
from tasks.core.section import Section
from tasks.features.family import Family, Profile, families_of

Names = Literal["native", "scip", "cytominer"]


def _name_families(schema: dict[str, Any]) -> None:
    """Let the JSON schema list the families of all profiles, so that a form offers them."""
    names = sorted({name for profile in get_args(Profile) for name in families_of(profile)})
    for branch in schema["anyOf"]:
        branch.get("items", {}).update(enum=names)


class Features(Section):
    """Which features are measured, and how their columns are named."""

    profile: Profile = Field(
        default="standard",
        description="standard: missing values are NaN and all directions count; scip: the published system's numbers.",
    )
    families: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Feature families; left out: shape, intensity and texture (profile scip: also raw).",
        json_schema_extra=_name_families,
    )
    names: Names = Field(
        default="native",
        description="Spelling of the columns: native, scip (profile scip only) or cytominer, for pycytominer.",
    )
    units: Literal["px", "um"] = Field(
        default="px",
        description="Lengths and areas in pixels, or in µm by the pixel size of each image; names do not change, the "
        "dictionary tells units.",
    )
    dtype: Literal["float32", "float64"] = Field(
        default="float32", description="Type of the feature columns; computed in float64 in any case."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        known = tuple(families_of(self.profile))
        for name in self.families or ():
            if name not in known:
                raise ValueError(
                    f"families: profile {self.profile!r} has no family {name!r}; {suggestion(name, known)}"
                )
        if len(set(self.families or ())) != len(self.families or ()):
            raise ValueError(f"families: a family is listed twice in {list(self.families or ())}; list each once")
        if self.units != "px" and self.profile == "scip":
            raise ValueError("units: profile 'scip' has the published system's numbers, in pixels; set units to px")
        if self.names == "scip" and self.profile != "scip":
            raise ValueError(
                f"names: 'scip' are the names of profile 'scip', got profile {self.profile!r}; "
                "set names to native or cytominer, or profile to scip"
            )
        return self

    @property
    def selected(self) -> tuple[Family, ...]:
        """The families to measure, in the order in which their columns stand in a table."""
        known = families_of(self.profile).values()
        if self.families is None:
            return tuple(family for family in known if not family.optional)
        return tuple(family for family in known if family.name in self.families)

    @property
    def identity(self) -> dict[str, object]:
        """What results depend on: all fields, and which families are other packages', in which version."""
        packages = {family.name: package for family in self.selected if (package := family.packages)}
        return {name: getattr(self, name) for name in type(self).model_fields} | (
            {"packages": packages} if packages else {}
        )
