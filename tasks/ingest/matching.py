"""Searching a user's regular expression in many paths, which ends whatever the expression.

Python's ``re`` cannot be interrupted from another thread: it holds the interpreter's lock, and only a signal to the
main thread, which may be another's, cuts it off. Packages that can be cut off read expressions differently. So the
search runs in a Python process of its own, which this file is as well (it imports nothing that is slow to start), and
ends itself by a timer of its processor time, so that a busy machine changes nothing.
"""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Sequence

SECONDS, SECONDS_PER_TEXT = 2.0, 0.001
"""Processor time of a search; a text takes a few millionths of a second."""

Groups = dict[str, str]
"""What the named groups matched; one that took no part is absent."""


class EndlessPatternError(Exception):
    """The search did not end in time; the argument is the text that it was in."""


def search(pattern: str, texts: Sequence[str]) -> list[Groups | None]:
    r"""Search a regular expression in each of some texts; None where it does not match.

    Raises
    ------
    EndlessPatternError
        It takes more than two seconds and a thousandth of one per text.

    Examples
    --------
    >>> search(r"s(?P<sample>\d+)", ["run/s12/a.tif", "run/b.tif"])
    [{'sample': '12'}, None]
    """
    if not texts:
        return []
    ended = subprocess.run(  # noqa: S603 - this very file
        [sys.executable, "-I", "-S", __file__],
        input=json.dumps({"pattern": pattern, "texts": list(texts)}).encode(),
        capture_output=True,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"the search for {pattern!r} ended with {ended.returncode}: {ended.stderr.decode()}")
    answer = json.loads(ended.stdout)
    if "late" in answer:
        raise EndlessPatternError(texts[answer["late"]])
    matches: list[Groups | None] = answer["matches"]
    return matches


def _main() -> None:
    """Answer a search on standard output; where it takes too long, with the number of the text that it is in."""
    asked = json.load(sys.stdin)
    expression, texts = re.compile(asked["pattern"]), asked["texts"]
    matches: list[Groups | None] = []

    def stop(number: int, frame: object) -> None:
        del number, frame
        raise TimeoutError

    signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS + SECONDS_PER_TEXT * len(texts))
    try:
        for text in texts:
            match = expression.search(text)
            named = None if match is None else match.groupdict()
            matches.append(None if named is None else {name: got for name, got in named.items() if got is not None})
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        answer: dict[str, object] = {"matches": matches}
    except TimeoutError:
        answer = {"late": len(matches)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    _main()
