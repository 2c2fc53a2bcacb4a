"""Model files that cannot be used: what is said of them."""

from pathlib import Path
from typing import Any

import pytest

from tasks.core.errors import ConfigError
from tasks.segment.model.network import find_network, open_network
from tests.segment.handmade_model import write_model


def test_a_model_file_is_known_by_its_content(tmp_path: Path) -> None:
    first, second = find_network(str(write_model(tmp_path / "a.onnx"))), write_model(tmp_path / "b.onnx")
    assert first.form.name == "discs"
    assert first.form.halo == 16
    assert find_network(str(second)).identity == first.identity
    assert find_network(str(write_model(second, peak_drop=0.2))).identity != first.identity


@pytest.mark.parametrize("content", [b"", b"\x08\x09 no network", b"PK\x03\x04" + bytes(200)])
def test_a_file_that_is_no_network(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.onnx"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"notes\.onnx is not an ONNX network that can be run: .*; expected one ONNX"):
        find_network(str(path))


def test_a_model_that_is_nowhere(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"got '.*gone\.onnx', which is neither a model that comes with the program"):
        find_network(str(tmp_path / "gone.onnx"))
    with pytest.raises(ConfigError, match="cannot be read: Is a directory; expected an ONNX file"):
        find_network(str(tmp_path))


def test_other_outputs(tmp_path: Path) -> None:
    path = str(write_model(tmp_path / "two.onnx", channels=2))
    with pytest.raises(ConfigError, match=r"has the outputs maps tensor\(float\) .*; expected one: maps, float32"):
        find_network(path)
    path = str(write_model(tmp_path / "named.onnx", output="flows"))
    with pytest.raises(ConfigError, match=r"has the outputs flows .*; expected one: maps"):
        find_network(path)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"scip_flows.form": None}, "lacks scip_flows.form in its metadata, expected '1'"),
        ({"scip_flows.form": 2}, "has scip_flows.form '2' in its metadata, expected '1'"),
        ({"diameter": None}, r"\(diameter: Field required\); a model file carries scip_flows.form, name, licence"),
        ({"diameter": "large", "peak_drop": 3}, "diameter: Input should be a valid number.*; peak_drop: Input should"),
        ({"upper_percentile": 1}, "lower_percentile 1 is not below upper_percentile 1"),
    ],
)
def test_metadata_that_cannot_be_used(tmp_path: Path, metadata: dict[str, Any], message: str) -> None:
    path = str(write_model(tmp_path / "m.onnx", **metadata))
    with pytest.raises(ConfigError, match=message):
        find_network(path)


def test_a_file_that_is_exchanged_is_noticed(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.onnx")
    file = find_network(str(path)).model_copy(update={"content": "0" * 40})
    with pytest.raises(ConfigError, match="changed while the run went on"):
        open_network(file)
