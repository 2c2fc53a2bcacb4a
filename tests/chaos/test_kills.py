"""A kill of each kind of process; ``python -m tests.chaos`` is the long version."""

from collections.abc import Iterator

import pytest

from tests.chaos.__main__ import KINDS
from tests.chaos.processes import Kind
from tests.chaos.site import Site
from tests.chaos.trial import run_trial

pytestmark = [pytest.mark.slow, pytest.mark.chaos, pytest.mark.usefixtures("data_root")]

SEED = 1


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("chaos") / "site", seconds=4) as site:
        yield site


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_kill_all_is_as_in_an_undisturbed_run(site: Site, kind: Kind) -> None:
    outcome = run_trial(site, number=KINDS.index(kind), seed=SEED, kind=kind)
    assert outcome.complaints == (), outcome
