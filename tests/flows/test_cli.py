"""What the command line answers before anything is run: each mistake in a few lines and exit status 2."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from typer.testing import CliRunner, Result

from flows.engine.lock import only_run_in
from flows.terminal.cli import app
from tasks.ingest.example import write_example

CONFIG = "load: {channels: {BF: 0, DNA: 2}}\nmask: {methods: [li], main_channel: BF}\n"


def invoke(*arguments: object, text: str | None = None) -> Result:
    return CliRunner().invoke(
        app, [str(argument) for argument in arguments], input=text, prog_name="python -m flows.preprocess"
    )


def write_config(folder: Path, text: str = CONFIG) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def stamps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_example(tmp_path_factory.mktemp("data"), count=6, seed=1)


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths, such as the default of --output, are below a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


def check_told(result: Result, *words: str) -> None:
    """Exit status 2; a few lines on stderr that hold the words; nothing on stdout, nothing created."""
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) <= 8
    assert [word for word in words if word not in result.stderr] == []
    assert result.stdout == ""
    assert not Path("output").exists()


def test_no_such_input_names_what_is_there(tmp_path: Path, stamps: Path) -> None:
    wrong = stamps.with_name("exampel")
    check_told(invoke(wrong, "--config", write_config(tmp_path)), f"{wrong}", "did you mean", "example")


def test_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    check_told(invoke("images", "--config", write_config(tmp_path)), "'images' is empty")


def test_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "notes.docx").touch()
    check_told(invoke("images", "--config", write_config(tmp_path)), "holds no image", ".docx (1)", ".tif")


def test_glob_pattern_that_matches_nothing(tmp_path: Path) -> None:
    check_told(invoke("plate*/*.tif", "--config", write_config(tmp_path)), "no file or folder matches", "plate*/*.tif")


def test_load_pattern_that_matches_nothing(tmp_path: Path, stamps: Path) -> None:
    config = write_config(tmp_path, CONFIG.replace("load: {", r"load: {pattern: 'well(?P<well>\d+)', "))
    check_told(invoke(stamps, "--config", config), "load.pattern", "does not match", ".tif")


def test_input_without_configuration_shows_two_to_start_from(stamps: Path) -> None:
    check_told(invoke(stamps), "--config", "mask: {", "segment: {", "--preview")


def test_configuration_file_that_is_missing(tmp_path: Path, stamps: Path) -> None:
    write_config(tmp_path)
    check_told(invoke(stamps, "--config", "confg.yaml"), "'confg.yaml'", "did you mean 'config.yaml'")


def test_configuration_that_is_a_folder(tmp_path: Path, stamps: Path) -> None:
    check_told(invoke(stamps, "--config", tmp_path), str(tmp_path), "is a folder")


def test_configuration_that_is_an_image(tmp_path: Path, stamps: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"II*\x00\xff\xfe\x80")
    check_told(invoke(stamps, "--config", "config.yaml"), "config.yaml", "no text file")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mask: {methods: [li}", ("not YAML", "line 1")),
        ("- li\n", ("expected sections",)),
        (CONFIG + "qualty: {rules: []}\n", ("qualty", "unknown key", "did you mean 'quality'")),
        (CONFIG.replace("main_channel", "main_chanel"), ("mask.main_chanel", "did you mean 'main_channel'")),
        (CONFIG.replace("[li]", "[ly]"), ("mask.methods", "ly", "li")),
        (CONFIG.replace("main_channel: BF", "main_channel: bf"), ("mask.main_channel", "'bf'", "BF, DNA")),
        (CONFIG.replace("BF: 0", "B__F: 0"), ("load.channels", "B__F", "__")),
        (CONFIG.replace("BF: 0", "BF: 40"), ("BF", "40")),
        ("load: {channels: {BF: 0}}\n", ("mask", "segment")),
        (CONFIG + "run: {partition_size: 0}\n", ("run.partition_size", "got 0", "at least 1")),
    ],
    ids=["yaml", "list", "section", "key", "method", "channel", "underscores", "index", "no-cells", "range"],
)
def test_mistake_in_the_configuration(tmp_path: Path, stamps: Path, text: str, words: tuple[str, ...]) -> None:
    check_told(invoke(stamps, "--config", write_config(tmp_path, text)), *words)


def test_unknown_cluster(tmp_path: Path, stamps: Path) -> None:
    result = invoke(stamps, "--config", write_config(tmp_path), "--cluster", "locl")
    check_told(result, "--cluster", "'locl'", "tls://host:8786", "did you mean 'local'")


def test_resource_that_no_worker_offers(tmp_path: Path, stamps: Path) -> None:
    config = write_config(tmp_path, CONFIG + "run: {resources: {features: {TPU: 1}}}\n")
    check_told(invoke(stamps, "--config", config), "run.resources.features", "{TPU: 1}", "the workers offer", "CPU: 1")


@pytest.mark.parametrize("output", ["taken", "taken/below"])
def test_output_that_is_a_file_or_below_one(tmp_path: Path, stamps: Path, output: str) -> None:
    Path("taken").write_text("mine", encoding="utf-8")
    check_told(invoke(stamps, "--config", write_config(tmp_path), "--output", output), "--output", "taken is a file")
    assert Path("taken").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--limit", "0"), ("--limit", "greater than or equal to 1")),
        (("--workers", "two"), ("--workers", "valid integer")),
        (("--limt", "3"), ("--limt", "--limit")),
        (("--plan", "--preview", "3"), ("--plan", "--preview", "exclude")),
        (("--fresh",), ("--fresh", "--yes")),
        (("--clean",), ("--clean", "--yes")),
        (("--clean", "--yes"), ("--clean", "no run", "expected a finished one")),
    ],
    ids=["limit", "workers", "unknown", "plan-and-preview", "fresh", "clean", "clean-nothing"],
)
def test_wrong_usage(arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    check_told(invoke(*arguments), *words)


def test_a_folder_in_which_a_run_goes_on_is_not_started_over(tmp_path: Path, stamps: Path) -> None:
    output = tmp_path / "results"
    with only_run_in(output):
        (output / "run.json").write_text("{}", encoding="utf-8")
        result = invoke(stamps, "--config", write_config(tmp_path), "--output", output, "--fresh", "--yes")
    check_told(result, "another run is writing into")


def test_cleaning_takes_what_is_ours_of_a_finished_run_only(tmp_path: Path) -> None:
    work = tmp_path / "results" / "work"
    result, descriptor = work / "mask" / ("0" * 40), work / "results" / f"mask-{'0' * 40}"
    notes = work / "mask" / "notes.txt"
    result.mkdir(parents=True)
    descriptor.parent.mkdir()
    for path in (result / "cells.parquet", descriptor, notes, work / "lock"):
        path.write_text("x" * 2_000_000, encoding="utf-8")
    record = work.parent / "run.json"
    record.write_text('{"status": "failed"}', encoding="utf-8")
    check_told(invoke("--output", work.parent, "--clean", "--yes"), "--clean", "status is failed", "resumed")
    record.write_text('{"status": "done"}', encoding="utf-8")
    cleaned = invoke("--output", work.parent, "--clean", "--yes")
    assert cleaned.exit_code == 0, cleaned.output
    assert "4.0 MB removed" in cleaned.output
    assert sorted(path for path in work.rglob("*") if path.is_file()) == [work / "lock", notes]


@pytest.mark.parametrize("width", [80, 120])
def test_help_fits_the_terminal_and_names_every_option(width: int) -> None:
    result = CliRunner().invoke(app, ["--help"], prog_name="python -m flows.preprocess", terminal_width=width)
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= width
    assert "Usage: python -m flows.preprocess [OPTIONS] [INPUT]..." in result.stdout
    options = ["config", "output", "cluster", "workers", "limit", "plan", "preview", "fresh", "clean", "yes", "verbose"]
    assert [name for name in options if f"--{name}" not in result.stdout] == []


def test_plan_counts_and_creates_nothing(tmp_path: Path, stamps: Path) -> None:
    config = write_config(tmp_path, CONFIG + "run: {partition_size: 1}\n")
    result = invoke(stamps, "--config", config, "--plan", "--limit", "5", "--fresh")
    assert result.exit_code == 0, result.output
    words = " ".join(result.stdout.split())
    assert "images 5 of about" in words
    assert "partitions 5 of up to 1 images" in words
    assert "channels BF, DNA" in words
    assert not Path("output").exists()


def test_verbose_plan_lists_every_column(tmp_path: Path, stamps: Path) -> None:
    config = write_config(tmp_path, CONFIG + "features: {families: [intensity]}\n")
    result = invoke(stamps, "--config", config, "--plan", "--verbose")
    (total,) = (
        int(line.split()[1].replace(",", "")) for line in result.stdout.splitlines() if line.startswith("  all")
    )
    features = [line for line in result.stdout.splitlines() if line.startswith("li")]
    assert len(features) == total > 50
    assert any(line.startswith("li__intensity_mean__DNA  [") for line in features)


def test_preview_writes_a_picture_and_nothing_else(tmp_path: Path, stamps: Path) -> None:
    result = invoke(stamps, "--config", write_config(tmp_path), "--preview", "2", "--output", "results")
    assert result.exit_code == 0, result.output
    assert "results/preview.png" in result.stdout
    assert [path.as_posix() for path in Path("results").rglob("*")] == ["results/preview.png"]
    assert Path("results/preview.png").read_bytes().startswith(b"\x89PNG")


def test_long_paths_are_not_broken_where_no_terminal_is(tmp_path: Path, stamps: Path) -> None:
    output = tmp_path / ("long " * 40).strip() / "results"
    result = invoke(stamps, "--config", write_config(tmp_path), "--preview", "1", "--output", output)
    assert result.exit_code == 0, result.output
    assert str(output / "preview.png") in result.stdout


UNTIL_THE_SERVER_STARTS = """
import sys
import flows.terminal.cli, flows.terminal.run
flows.terminal.run.api_server = lambda *_, **__: sys.exit(len({"prefect", "dask"} & {*sys.modules}))
flows.terminal.cli.main()
"""


def test_prefect_and_dask_are_imported_while_the_server_starts_not_before(tmp_path: Path, stamps: Path) -> None:
    arguments = [
        str(argument) for argument in (stamps, "--config", write_config(tmp_path), "--output", tmp_path / "output")
    ]
    process = subprocess.run(
        [sys.executable, "-c", UNTIL_THE_SERVER_STARTS, *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],  # where README starts it
        env=os.environ | {"PREFECT_HOME": str(tmp_path)},
    )
    assert (process.returncode, process.stderr) == (0, "starting a local Prefect server\n")


def test_a_prefect_api_that_does_not_answer_is_told_at_once(tmp_path: Path, stamps: Path) -> None:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        result = invoke(stamps, "--config", write_config(tmp_path))
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: no Prefect API answers at http://127.0.0.1:9/api, which PREFECT_API_URL")
    assert "prefect server start" in line
    assert not Path("output").exists()


@pytest.mark.usefixtures("prefect_api")
def test_a_prefect_api_that_nodes_do_not_reach_is_told_before_anything_is_started(tmp_path: Path, stamps: Path) -> None:
    cluster = tmp_path / "cluster.yaml"
    cluster.write_text("{kind: slurm, pools: {cpu: {memory: 4 GB}}}", encoding="utf-8")
    result = invoke(stamps, "--config", write_config(tmp_path), "--cluster", cluster)
    check_told(
        result, "PREFECT_API_URL: got http://127.0.0.1:", "which the nodes of the cluster do not reach", "unset it"
    )


def test_workers_elsewhere_need_an_api_that_they_reach(tmp_path: Path, stamps: Path) -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):  # whatever server other tests have started
        result = invoke(stamps, "--config", write_config(tmp_path), "--cluster", "tcp://192.0.2.7:8786")
    check_told(result, "PREFECT_API_URL is not set", "workers of tcp://192.0.2.7:8786", "prefect server start")


def test_no_to_the_question_before_starting_over_runs_and_discards_nothing(
    tmp_path: Path, stamps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def agree(**_: bool) -> None:
        """Stand in for a terminal, which the runner's input is not."""

    monkeypatch.setattr("flows.terminal.cli._can_confirm", agree)
    finished = tmp_path / "results" / "work" / "mask" / ("0" * 40)
    finished.mkdir(parents=True)
    (tmp_path / "results" / "run.json").write_text("{}", encoding="utf-8")
    result = invoke(stamps, "--config", write_config(tmp_path), "--output", "results", "--fresh", text="n\n")
    assert result.exit_code == 130
    assert "Discard the finished parts of the earlier run in results? [y/N]" in result.stderr
    assert "nothing was run" in result.stderr
    assert finished.is_dir()


def test_a_fault_of_the_program_is_one_line_unless_verbose(
    tmp_path: Path, stamps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("unforeseen")

    monkeypatch.setattr("flows.terminal.plan.print_plan", fail)
    arguments = [stamps, "--config", write_config(tmp_path), "--plan"]
    brief, long = invoke(*arguments), invoke(*arguments, "--verbose")
    assert (brief.exit_code, long.exit_code) == (1, 1)
    assert brief.stderr.splitlines() == ["error: KeyError: 'unforeseen' (--verbose shows where)"]
    assert long.stderr.startswith("Traceback")
