"""The registry of plug-ins: by name, by mapping, from other packages, and in the form."""

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError
from pydantic_core import PydanticCustomError

from tasks.core.errors import ConfigError
from tasks.core.registry import Device, Parts, Registry
from tasks.core.section import Method, Section
from tasks.mask.registry import masks

Filters = Registry[Method, Callable[..., float]]


class Blur(Method):
    """Smooth."""

    method: Literal["blur"] = "blur"
    sigma: float = Field(default=1.0, gt=0, description="Width.")


class Sharpen(Method):
    """Sharpen."""

    method: Literal["sharpen"] = "sharpen"
    amount: float = Field(description="How much.")


@pytest.fixture
def filters() -> Filters:
    registry: Filters = Registry("filter")

    @registry.register(Blur)
    def blur(value: float, config: Blur) -> float:
        return value / config.sigma

    @registry.register(Sharpen)
    def sharpen(value: float, config: Sharpen) -> float:
        return value * config.amount

    return registry


def test_a_mapping_a_name_and_a_model_give_the_same(filters: Filters) -> None:
    assert filters.parse({"method": "blur", "sigma": 1}) == filters.parse("blur") == filters.parse(Blur()) == Blur()
    assert filters.function(Blur(sigma=2))(3.0, Blur(sigma=2)) == 1.5
    assert filters.function(Sharpen(amount=2))(3.0, Sharpen(amount=2)) == 6


def test_plug_ins_are_listed_and_found_by_name(filters: Filters) -> None:
    assert filters.names == ("blur", "sharpen")
    assert [config.__name__ for config in filters] == ["Blur", "Sharpen"]
    assert filters.config("sharpen") is Sharpen
    assert filters.config("sharp") is filters.config(3) is filters.config(["blur"]) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("blurr", "unknown filter method 'blurr'; allowed: blur, sharpen; did you mean 'blur'?"),
        ({"method": "Sharpen"}, "unknown filter method 'Sharpen'; allowed: blur, sharpen; did you mean 'sharpen'?"),
        ({"method": "x"}, "unknown filter method 'x'; allowed: blur, sharpen"),
        ({"method": None}, "the key 'method' is missing; allowed: blur, sharpen"),
        ({"method": ["blur"]}, "unknown filter method [blur]; allowed: blur, sharpen; did you mean 'blur'?"),
        ({"sigma": 1}, "the key 'method' is missing; allowed: blur, sharpen"),
        (3, "got 3, expected a mapping with a key 'method'"),
        (None, "got nothing, expected a mapping with a key 'method'"),
    ],
)
def test_what_is_no_plug_in_is_told_with_those_that_are(filters: Filters, value: object, words: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        filters.parse(value)
    assert caught.value.message() == words


def test_a_method_with_a_field_of_its_own_name_need_not_be_named(filters: Filters) -> None:
    class Use(Method):
        """Take another's."""

        method: Literal["use"] = "use"
        use: str = Field(description="Where it is.")

    filters.register(Use)(lambda config: config)
    assert filters.parse({"use": "there"}) == filters.parse({"method": "use", "use": "there"}) == Use(use="there")
    assert filters.method_of({"use": "there"}) == filters.method_of("use") == "use"
    assert filters.method_of({"blur": 3}) is None  # blur has no field of that name
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        filters.parse({"use": "there", "sigma": 1})
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        filters.parse({"method": "blur", "use": "there"})


def test_mistakes_inside_a_plug_in_are_told_where_they_are(filters: Filters) -> None:
    class Holder(Section):
        steps: list[Annotated[Method, filters]] = Field(description="Steps.")

    with pytest.raises(ValidationError) as caught:
        Holder.model_validate({"steps": ["blur", {"method": "blur", "sigma": 0, "width": 2}, {"method": "sharpen"}]})
    errors = {(error["loc"], error["type"]) for error in caught.value.errors()}
    assert errors == {
        (("steps", 1, "sigma"), "greater_than"),
        (("steps", 1, "width"), "extra_forbidden"),
        (("steps", 2, "amount"), "missing"),
    }


def test_a_configuration_with_plug_ins_survives_its_record(filters: Filters) -> None:
    class Holder(Section):
        steps: tuple[Annotated[Method, filters], ...] = Field(description="Steps.")

    holder = Holder.model_validate({"steps": [{"method": "sharpen", "amount": 3}, "blur"]})
    record = json.loads(holder.model_dump_json())
    assert record == {"steps": [{"method": "sharpen", "amount": 3.0}, {"method": "blur", "sigma": 1.0}]}
    assert Holder.model_validate(record) == holder


def test_the_schema_is_a_plain_union_that_the_form_can_show(filters: Filters) -> None:
    class Holder(Section):
        steps: list[Annotated[Method, filters]] = Field(description="Steps.")

    schema = Holder.model_json_schema()
    assert [schema_of_step["title"] for schema_of_step in schema["properties"]["steps"]["items"]["anyOf"]] == [
        "Blur",
        "Sharpen",
    ]
    assert "oneOf" not in json.dumps(schema)


def test_registering_the_same_again_is_harmless_and_another_of_that_name_is_not(filters: Filters) -> None:
    class Imposter(Method):
        """Another."""

        method: Literal["blur"] = "blur"

    def again(value: float, config: Blur) -> float:
        return value - config.sigma

    filters.register(Blur)(again)
    assert filters.function(Blur()) is again
    with pytest.raises(ValueError, match=r"two plug-ins claim the filter 'blur': .*Blur.*Imposter"):
        filters.register(Imposter)
    assert filters.config("blur") is Blur


BROKEN = """
from typing import Literal
from tasks.mask.registry import MaskMethod, masks

class Everything(MaskMethod):
    method: Literal["everything"] = "everything"

masks.register(Everything)(print)
raise OSError("no licence")  # to import it again would fail because there is such a part
"""


@pytest.mark.parametrize("ask", [lambda: masks.names, lambda: masks["li"], lambda: list(masks)])
def test_a_package_that_cannot_be_loaded_is_named_each_time(
    install: Callable[[str, object], None], ask: Callable[[], object]
) -> None:
    install(BROKEN, masks)
    for _ in range(3):
        with pytest.raises(ConfigError) as caught:
            ask()
        assert str(caught.value) == (
            "the mask plug-in 'everything' (fancy) cannot be loaded: OSError: no licence; update or uninstall the "
            "package that offers it"
        )


def test_the_name_of_a_part_is_checked_and_the_form_lists_all() -> None:
    shades: Parts[int] = Parts("shade")
    shades.add("red", 1)
    shades.add("blue", 2)

    class Holder(Section):
        shade: Annotated[str, shades] = Field(description="Shade.")

    assert Holder.model_validate({"shade": "red"}).model_dump() == {"shade": "red"}
    assert Holder.model_json_schema()["properties"]["shade"]["enum"] == ["blue", "red"]
    for wrong, message in (("rde", "'rde'; allowed: blue, red; did you mean 'red'"), (3, "3; allowed: blue, red")):
        with pytest.raises(ValidationError, match=f"unknown shade {message}"):
            Holder.model_validate({"shade": wrong})


def test_parts_are_found_in_a_folder_and_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add = "from colors import shades\nshades.add({name!r}, {number})\n"
    for path, source in {
        "colors.py": "from tasks.core.registry import Parts\nshades = Parts('shade', 'palette')\n",
        "palette/__init__.py": "",
        "palette/red.py": add.format(name="red", number=1),
        "palette/blues/__init__.py": "",
        "palette/blues/navy.py": add.format(name="navy", number=2),
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    shades: Parts[int] = importlib.import_module("colors").shades
    assert not any(name.startswith("palette") for name in sys.modules)  # imported only when a name is asked for
    assert (shades.names, shades["navy"]) == (("navy", "red"), 2)
    for name in [name for name in sys.modules if name.partition(".")[0] in {"colors", "palette"}]:
        monkeypatch.delitem(sys.modules, name)


def test_parts_of_one_name_are_refused_and_an_unknown_one_is_told_with_those_that_are() -> None:
    shades: Parts[int] = Parts("shade")
    shades.add("red", 1)
    shades.add("red", 1)
    with pytest.raises(ValueError, match="two plug-ins claim the shade 'red': 1 and 2"):
        shades.add("red", 2)
    with pytest.raises(ConfigError, match="unknown shade 'rde'; allowed: red; did you mean 'red'"):
        _ = shades["rde"]


def test_a_part_has_a_plain_twin_and_what_tells_whether_a_gpu_can_be_used(filters: Filters) -> None:
    class Median(Method):
        """Median."""

        method: Literal["median"] = "median"

    def plain(value: float, config: Median) -> float:
        del config
        return value

    def median(value: float, config: Median, *, device: Device = "cpu") -> float:
        del config
        return value if device == "cpu" else -value

    def obstacle() -> str:
        return "no GPU here"

    filters.register(Median, plain=plain, gpu=obstacle)(median)
    part = filters.part(Median())
    assert (part.config, part.plain, part.gpu, part.devices) == (Median, plain, obstacle, ("gpu", "cpu"))
    assert [filters.function(Median(), device=device)(3.0, Median()) for device in part.devices] == [-3.0, 3.0]


def test_a_part_without_a_form_for_gpus_refuses_one(filters: Filters) -> None:
    blur = filters.parse("blur")
    assert (filters["blur"].plain, filters["blur"].gpu, filters["blur"].devices) == (None, None, ("cpu",))
    assert filters.function(blur) is filters["blur"].function
    with pytest.raises(ValueError, match="the filter 'blur' has no form for a GPU"):
        filters.function(blur, device="gpu")
