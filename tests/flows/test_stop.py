"""Signals that stop a run: they are noticed wherever they come up, and at the latest after a while the process ends."""

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

PROGRAM = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever this test was started with
import flows.engine.stop
from flows.engine.stop import Stopped, stoppable
flows.engine.stop.GRACE_SECONDS = 2
flows.engine.stop.BOUNCE_SECONDS = 0.2

def show(line):
    os.write(1, (line + chr(10)).encode())  # at once: two threads write

try:
    with stoppable(tell=show, record=lambda error: show("recorded")) as stop:
{block}
except Stopped as error:
    show(f"stopped {{error}}")
    sys.exit(error.status)
show("done")
"""

SLEEP = """
show("ready")
time.sleep(60)
"""

AN_ERROR_OF_ITS_OWN = """
try:
    show("ready")
    time.sleep(60)
except KeyboardInterrupt:
    raise ValueError("made of it")
"""

LOST = """
while True:
    try:
        show("ready")
        time.sleep(60)
    except KeyboardInterrupt:
        show("lost")
"""

ANOTHER_HANDLER = """
class Termination(BaseException):
    pass

def handler(number, frame):
    raise Termination

signal.signal(signal.SIGTERM, handler)
show("ready")
time.sleep(60)
"""

ENDS_WELL = """
try:
    show("ready")
    time.sleep(60)
except KeyboardInterrupt:
    pass
"""

FAILS = 'show("ready")\nraise ValueError("of the run")\n'


NOT_UNDER_NOHUP = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"


def start(block: str, *, before: str = NOT_UNDER_NOHUP) -> subprocess.Popen[str]:
    """Start a program that runs `block` stoppably, and wait until it is in there."""
    program = before + PROGRAM.format(block=textwrap.indent(block, " " * 8))
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=PROJECT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def rest(process: subprocess.Popen[str]) -> list[str]:
    """Return what it still printed, up to its end."""
    output, _ = process.communicate(timeout=30)
    return output.splitlines()


CTRL_C = "stopping; Ctrl-C again stops at once"
BY_SIGTERM = "stopped by SIGTERM, which batch systems send"


@pytest.mark.parametrize(
    ("name", "status", "line", "reason"),
    [
        ("SIGINT", 130, CTRL_C, "stopped by Ctrl-C"),
        ("SIGTERM", 143, f"ending: {BY_SIGTERM}", BY_SIGTERM),
        ("SIGHUP", 129, "ending: stopped since its terminal was closed", "stopped since its terminal was closed"),
    ],
)
@pytest.mark.parametrize("block", [SLEEP, AN_ERROR_OF_ITS_OWN], ids=["interrupt", "error"])
def test_a_signal_stops_the_block_whatever_becomes_of_the_interrupt(
    name: str, status: int, line: str, reason: str, block: str
) -> None:
    process = start(block)
    process.send_signal(getattr(signal, name))
    assert sorted(rest(process)) == sorted(["recorded", f"stopped {reason}", line])
    assert process.returncode == status


def test_a_signal_that_another_handler_takes_is_noticed() -> None:
    process = start(ANOTHER_HANDLER)
    process.send_signal(signal.SIGTERM)
    assert sorted(rest(process)) == sorted(["recorded", f"stopped {BY_SIGTERM}", f"ending: {BY_SIGTERM}"])
    assert process.returncode == 143


def test_a_lost_interrupt_ends_the_process_after_a_while() -> None:
    process = start(LOST)
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert sorted(rest(process)) == sorted(["lost", "ready", "recorded", f"ending: {BY_SIGTERM}"])
    assert process.returncode == 143
    assert time.monotonic() - begin >= 2


def test_a_second_ctrl_c_ends_the_process_at_once() -> None:
    process = start(LOST)
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    assert rest(process)[-1] == "recorded"
    assert process.returncode == 130
    assert time.monotonic() - begin < 2


def test_one_ctrl_c_that_comes_to_process_and_group_is_one() -> None:
    process = start(ENDS_WELL.replace("pass", "time.sleep(1)"))
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert rest(process) == [CTRL_C, "done"]


def test_a_block_that_ends_well_all_the_same_is_done() -> None:
    process = start(ENDS_WELL)
    process.send_signal(signal.SIGINT)
    assert rest(process) == [CTRL_C, "done"]
    assert process.returncode == 0


INTERRUPTED_BY_A_THREAD = """
import threading
show("ready")
threading.Timer(0.1, stop.interrupt, [{error}]).start()
threading.Lock().acquire()
threading.Event().wait(60)
"""


def test_a_thread_ends_the_block_whatever_it_waits_for() -> None:
    process = start(INTERRUPTED_BY_A_THREAD.format(error='Stopped("cancelled")'))
    assert sorted(rest(process)) == sorted(["recorded", "stopped cancelled", "ending: cancelled"])
    assert process.returncode == 130


def test_an_error_of_a_thread_comes_out_of_the_block() -> None:
    process = start(INTERRUPTED_BY_A_THREAD.format(error='ValueError("the server is gone")'))
    output, errors = process.communicate(timeout=30)
    assert sorted(output.splitlines()) == sorted(["recorded", "ending: the server is gone"])
    assert errors.rstrip().endswith("ValueError: the server is gone")
    assert process.returncode == 1


def test_errors_without_a_signal_pass_unchanged() -> None:
    process = start(FAILS)
    output, errors = process.communicate(timeout=30)
    assert output == ""
    assert errors.rstrip().endswith("ValueError: of the run")


def test_a_signal_ignored_from_the_start_stays_ignored() -> None:
    process = start(SLEEP.replace("60", "1"), before="import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n")
    process.send_signal(signal.SIGHUP)
    assert rest(process) == ["done"]


def test_handlers_are_as_before_afterwards() -> None:
    from flows.engine.stop import ENDS, stoppable  # noqa: PLC0415

    before = [signal.getsignal(number) for number in ENDS]
    with stoppable(tell=print, record=lambda _: None):
        assert [signal.getsignal(number) for number in ENDS] != before
    assert [signal.getsignal(number) for number in ENDS] == before
