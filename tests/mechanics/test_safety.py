"""Nothing that is read runs code: no configuration, no store, no persisted result; and no name leaves its folder."""

import base64
import json
import os
import pickle
import re
import time
from pathlib import Path

import pytest
import yaml
from prefect.serializers import JSONSerializer

from flows.config import load_config
from flows.engine.descriptors import settle_descriptor
from infra.clusters.find import find_cluster
from tasks.core.errors import ConfigError
from tasks.core.file_names import file_names
from tasks.core.work import StageResult
from tasks.core.yaml_text import parse_yaml

PROJECT = Path(__file__).resolve().parents[2]
KEY = "0" * 40
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
MERGED = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40))


class Bomb:
    """What a pickle does that somebody planted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("text", [LAUGHS, MERGED], ids=["aliases", "merges"])
def test_yaml_whose_aliases_make_ever_more_of_it_is_refused_at_once(text: str, tmp_path: Path) -> None:
    path = tmp_path / "laughs.yaml"
    path.write_text(text, encoding="utf-8")
    begin = time.process_time()
    with pytest.raises(ConfigError, match=r"laughs\.yaml.*line \d+.*stands for more than 100,000 values"):
        load_config(path)
    with pytest.raises(ConfigError, match=r"(?s)laughs\.yaml.*stands for more than 100,000 values"):
        find_cluster(str(path))
    assert time.process_time() - begin < 1


def test_yaml_that_holds_itself_or_is_too_deep_is_refused() -> None:
    with pytest.raises(yaml.YAMLError, match="holds itself by an alias"):
        parse_yaml("a: &a [1, *a]")
    with pytest.raises(yaml.YAMLError, match="nested too deeply"):
        parse_yaml("[" * 1000 + "]" * 1000)


def test_yaml_of_plain_values_keeps_its_aliases_and_merges() -> None:
    assert parse_yaml("a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}") == {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "y": 2}}
    assert parse_yaml("") is None


@pytest.mark.parametrize("find", [load_config, lambda path: find_cluster(str(path))], ids=["run", "cluster"])
def test_yaml_makes_no_objects(find: object, tmp_path: Path) -> None:
    path = tmp_path / "tag.yaml"
    path.write_text(f"run: !!python/object/apply:os.mkdir ['{tmp_path / 'owned'}']\n", encoding="utf-8")
    assert callable(find)
    with pytest.raises(ConfigError, match=r"tag\.yaml"):
        find(path)
    assert not (tmp_path / "owned").exists()


def descriptor(*, serializer: dict[str, object] | None = None, result: str | None = None) -> str:
    described = StageResult(key=KEY, folder=f"/x/{KEY}", counts={"rows": 1}, seconds=1.0, peak_bytes=1, run_id="r")
    metadata = {
        "storage_key": "k",
        "serializer": serializer or JSONSerializer().model_dump(mode="json"),
        "prefect_version": "3",
        "storage_block_id": None,
    }
    return json.dumps({"metadata": metadata, "result": result or JSONSerializer().dumps(described).decode()})


def test_a_descriptor_of_our_own_is_left_for_prefect(tmp_path: Path) -> None:
    path, own = tmp_path / "d", Path("/x", KEY)
    path.write_text(descriptor(), encoding="utf-8")
    settle_descriptor(path, folder=own)
    assert path.read_text(encoding="utf-8") == descriptor()
    settle_descriptor(path, folder=Path("/moved", KEY))
    assert json.loads(json.loads(path.read_text(encoding="utf-8"))["result"])["data"]["folder"] == f"/moved/{KEY}"
    settle_descriptor(path, folder=Path("/x", "1" * 40))
    assert not path.exists()
    settle_descriptor(path, folder=own)  # there is none


def test_a_descriptor_that_prefect_would_read_by_other_means_is_removed(tmp_path: Path) -> None:
    pickled = base64.b64encode(pickle.dumps(Bomb(tmp_path / "owned"))).decode()
    json_serializer = JSONSerializer().model_dump(mode="json")
    planted = [
        descriptor(serializer={"type": "pickle", "picklelib": "pickle"}, result=pickled),
        descriptor(serializer={"type": "compressed/pickle"}, result=pickled),
        descriptor(serializer=json_serializer | {"object_decoder": "os.mkdir"}),
        descriptor(serializer=json_serializer | {"jsonlib": "antigravity"}),
        descriptor(result='{"__class__": "subprocess.Popen", "data": "true"}'),
        descriptor(
            result='{"__class__": "tasks.core.work.StageResult", "data": {"__class__": "os.mkdir", "data": ""}}'
        ),
        descriptor(result="[" * 100_000),
        pickled,
        "[]",
        "",
    ]
    for number, text in enumerate(planted):
        path = tmp_path / f"d{number}"
        path.write_text(text, encoding="utf-8")
        settle_descriptor(path, folder=Path("/x", KEY))
        assert not path.exists(), text[:200]
    assert not (tmp_path / "owned").exists()


READS = {
    # What the flow sends its workers: over TLS, or in a folder that only its user may enter.
    r"^import pickle|pickle\.\w+\(": {"infra/runner.py", "infra/pool_worker.py"},
    r"yaml\.\w*load|yaml\.\w*Loader": {"tasks/core/yaml_text.py"},
    r"\b(eval|exec)\(": {"tasks/segment/methods/cellpose.py"},  # as Cellpose calls the running of a network
    r"allow_pickle=True": set(),
    r"numcodecs\.get_codec": {"tasks/ingest/readers/decompress.py"},  # of those that it names
}


@pytest.mark.parametrize("pattern", READS)
def test_what_could_run_code_stands_where_it_was_looked_at(pattern: str) -> None:
    sources = [path for folder in ("flows", "infra", "tasks") for path in (PROJECT / folder).rglob("*.py")]
    assert len(sources) > 100
    uses = {
        path.relative_to(PROJECT).as_posix()
        for path in sources
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(pattern, line) and re.match(r'\s*(#|"""|[A-Z`])', line) is None
    }
    assert uses == READS[pattern]


def test_files_named_after_images_stay_in_their_folder(tmp_path: Path) -> None:
    names = ["..", "../up", "/etc/passwd", "a/../../b", "...", ".", "a\\..\\b", "~/x", "C:\\x", "nul", "x\n/..", "\0"]
    for name in file_names(names):
        assert (tmp_path / f"{name}.tif").resolve().is_relative_to(tmp_path.resolve())
        assert not re.search(r"[\\\0\n]|(^|/)\.", name)
