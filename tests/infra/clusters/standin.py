"""Stands in for the commands of a batch system: ``standin.py KIND submit|cancel …``.

It knows the options of the manuals, refuses any other and values that the manual does not allow, and runs the job at
once, as the systems do: in a session of its own, with a new environment, a copy of the script and a folder for
temporary files. The folder STANDIN gets a file per job.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CLOCK = r"\d+:\d\d:\d\d"
SGE_MEMORY = r"\d+(?:\.\d+)?[kKmMgG]?"
LSF_MEMORY = r"\d+(?:KB?|MB?|GB?|TB?)?"


def items(separator: str, **values: str) -> str:
    """Match ``name=value`` once or more, with what each name may be."""
    entry = "|".join(f"(?:{name}={value})" for name, value in values.items())
    return f"(?:{entry})(?:{separator}(?:{entry}))*"


COUNT = r"\d+"
CHUNK = items(":", ncpus=COUNT, mem=r"\d+(?:b|kb|mb|gb|tb)", ngpus=COUNT)
GPUS = items(":", num=r"\d+(?:/(?:task|host))?", mode=r"\w+", j_exclusive="yes|no")
PBS = rf"""
-A .+
-e \S+
-h
-j oe|eo|n
-k n|[doe]+
-l select=(?:\d+:)?{CHUNK}|walltime={CLOCK}|place=\w+
-m n|[abe]+
-N [A-Za-z0-9]\S{{0,235}}
-o \S+
-P [^][/";:|<>+,?*]+
-q [\w.@-]+
-r y|n
-S /\S+
-V
-v .+
-W \w+=\S+
"""
SGE = rf"""
-A \w+
-cwd
-e \S+
-j y|yes|n|no
-l {items(",", h_rt=CLOCK, mem_free=SGE_MEMORY, h_vmem=SGE_MEMORY, gpu=COUNT)}
-N [^\d\s/:@\\*?][^\s/:@\\*?]*
-o \S+
-P \w+
-pe [\w*]+ \d+(?:-\d*)?
-q [\w.@-]+
-R y|yes|n|no
-r y|yes|n|no
-S /\S+
-V
-v .+
"""
LSF = rf"""
-app \w+
-e \S+
-G \w+
-gpu {GPUS}
-J \S+
-M {LSF_MEMORY}!?
-n \d+(?:,\d+)?
-o \S+
-P \w+
-q \w+
-R span\[hosts=\d+\]|rusage\[{items(":", mem=LSF_MEMORY, swp=LSF_MEMORY)}\]|select\[.+\]
-r
-rn
-sla \w+
-W (?:\d+:)?\d+
-x
"""


OAR = rf"""
-d \S+
-E \S+
-l (?:/?\w+=\d+)(?:/\w+=\d+)*,walltime={CLOCK}
-n \S+
-O \S+
-p .+
--project \w+
-q \w+
-t \w+
"""
HTCONDOR = r"""
accounting_group \S+
Arguments ".*"
batch_name \S+
error \S+
Executable /\S+
output \S+
periodic_remove .+
request_cpus \d+
request_disk \d+[KMGT]?B?
request_gpus \d+
request_memory \d+[KMGT]?B?
requirements .+
stream_error true|false
stream_output true|false
transfer_executable true|false
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A batch system as its manual describes it.

    Parameters
    ----------
    mark
        What a directive begins with.
    manual
        A line per option, with what its value must look like if it has one.
    output, place
        The option that names the file that a job prints to, and what stands for its number therein.
    answer
        What a submission prints.
    job_id
        The variable that holds the job's number.
    """

    mark: str
    manual: str
    output: str = "-o"
    place: str
    answer: str
    job_id: str

    @property
    def options(self) -> Mapping[str, str]:
        """What the value of each option must look like; empty where it has none."""
        return {option: value for option, _, value in (line.partition(" ") for line in self.manual.split("\n") if line)}


SYSTEMS = {
    "pbs": System(mark="#PBS", manual=PBS, place="\0", answer="{id}.standin", job_id="PBS_JOBID"),
    "sge": System(
        mark="#$",
        manual=SGE,
        place="$JOB_ID",
        answer='Your job {id} ("{name}") has been submitted',
        job_id="JOB_ID",
    ),
    "lsf": System(
        mark="#BSUB",
        manual=LSF,
        place="%J",
        answer="Job <{id}> is submitted to queue <normal>.",
        job_id="LSB_JOBID",
    ),
    "oar": System(mark="#OAR", manual=OAR, output="-O", place="%jobid%", answer="OAR_JOB_ID={id}", job_id="OAR_JOB_ID"),
    "htcondor": System(
        mark="",
        manual=HTCONDOR,
        output="output",
        place="$(ClusterId)",
        answer="Submitting job(s).\n1 job(s) submitted to cluster {id}.",
        job_id="_CONDOR_JOB",
    ),
}


class Refused(Exception):  # noqa: N818 - what it says
    """The system does not take this job."""


def parse(kind: str, script: str) -> list[tuple[str, str]]:
    """Read the directives of a script.

    Raises
    ------
    Refused
        An option is unknown, or its value is not as in the manual.
    """
    system = SYSTEMS[kind]
    if kind == "htcondor":
        *lines, queue = [line for line in script.splitlines() if line and not line.startswith("#")]
        if queue != "Queue":
            raise Refused("no Queue at the end")
        commands = (line.partition(" = ") for line in lines)
        return [option for name, _, value in commands for option in _options(system, [name, value])]
    lines = [line.removeprefix(system.mark) for line in script.splitlines() if line.startswith(system.mark)]
    return [option for line in lines for option in _options(system, shlex.split(line))]


def condor_arguments(text: str) -> list[str]:
    """Split arguments by HTCondor's newer rules: all in double quotes, blanks in single ones, quotes doubled."""
    parts = re.findall(r"'((?:[^']|'')*)'|(\S+)", text.removeprefix('"').removesuffix('"').replace('""', '"'))
    return [quoted.replace("''", "'") or bare for quoted, bare in parts]


def _options(system: System, words: list[str]) -> Iterator[tuple[str, str]]:
    while words:
        option = words.pop(0)
        if option not in system.options:
            raise Refused(f"{option}: unknown option")
        pattern = system.options[option]
        count = 2 if option == "-pe" else 1 if pattern else 0
        value = " ".join(words[:count])
        if not re.fullmatch(pattern, value):
            raise Refused(f"{option}: illegal value {value!r}")
        del words[:count]
        yield option, value


def submit(kind: str, arguments: Sequence[str], *, folder: Path) -> str:
    """Run a job, and return what the system prints."""
    system = SYSTEMS[kind]
    if kind == "oar":
        *words, script = arguments
        asked = list(_options(system, words))
    else:
        script = sys.stdin.read() if kind == "lsf" else Path(arguments[-1]).read_text(encoding="utf-8")
        asked = parse(kind, script)
    number = str(1000 + len(list(folder.glob("*.json"))))
    options = dict(asked)
    log = Path(options[system.output].replace(system.place, number))
    if log.is_dir():
        log /= f"{number}.OU"
    own = folder / f"tmp-{number}"
    own.mkdir()
    copy = folder / f"{number}.sh"
    copy.write_text(script, encoding="utf-8")
    command = ["/bin/bash", str(copy)]
    if kind == "htcondor":
        command = [options["Executable"], *condor_arguments(options["Arguments"])]
    passed = {name: os.environ[name] for name in ("HOME", "PATH", "USER", "LOGNAME") if name in os.environ}
    with log.open("wb") as printed:
        process = subprocess.Popen(
            command,
            env={**passed, "TMPDIR": str(own), system.job_id: number},
            cwd=own,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            start_new_session=True,
        )
    record = {"options": asked, "process": process.pid, "log": str(log)}
    (folder / f"{number}.json").write_text(json.dumps(record), encoding="utf-8")
    return system.answer.format(id=number, name=options.get("-N") or options.get("-J"))


def cancel(number: str, *, folder: Path) -> None:
    """End all processes of a job."""
    record = json.loads((folder / f"{number}.json").read_text(encoding="utf-8"))
    with suppress(ProcessLookupError):
        os.killpg(record["process"], signal.SIGTERM)


def main(kind: str, action: str, *arguments: str) -> None:
    """Act as the command of the system."""
    folder = Path(os.environ["STANDIN"])
    if action == "cancel":
        for number in arguments:
            cancel(number.partition(".")[0], folder=folder)
        return
    try:
        answer = submit(kind, arguments, folder=folder)
    except Refused as error:
        sys.exit(f"{kind}: {error}")
    sys.stdout.write(f"{answer}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
