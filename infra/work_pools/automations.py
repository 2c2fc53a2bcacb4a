"""Automations of a Prefect server: runs that went silent are marked as crashed, failed ones are told of."""

from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectNotFound

from tasks.core.errors import ConfigError

FLOWS = ("preprocess",)
"""Flows that the automations are about: a server may have others."""

SILENT = "scip-flows: runs without heartbeat have crashed"
NOTIFY = "scip-flows: tell of runs that failed"

SILENCE = timedelta(minutes=9)
"""Three of Prefect's heartbeats."""

BODY = """Flow run {{ flow_run.name }} of {{ flow.name }} is {{ flow_run.state.name }}.

{{ flow_run.state.message }}

{{ flow_run|ui_url }}"""


def silent_automation(*, silence: timedelta) -> AutomationCore:
    """Mark a flow run as crashed whose heartbeats stop before it has ended, however its process went.

    Parameters
    ----------
    silence
        After which it counts as gone; at least three heartbeats, since one may be late.
    """
    return AutomationCore(
        name=SILENT,
        description="A process that was killed, or whose machine died, cannot tell.",
        trigger=EventTrigger(
            match=_flow_runs(),
            match_related=_of_flows(),
            for_each={"prefect.resource.id"},
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.*"},  # the next heartbeat, or any change of state
            posture=Posture.Proactive,
            threshold=1,
            within=silence,
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message=f"no heartbeat for {silence.total_seconds():.0f} s: its process, or the machine, is gone",
            )
        ],
    )


def notify_automation(*, block: UUID) -> AutomationCore:
    """Tell of flow runs that failed or crashed.

    Parameters
    ----------
    block
        Identity of a notification block.
    """
    return AutomationCore(
        name=NOTIFY,
        description="By the block that was chosen at set-up.",
        trigger=EventTrigger(
            match=_flow_runs(),
            match_related=_of_flows(),
            for_each={"prefect.resource.id"},
            expect={"prefect.flow-run.Failed", "prefect.flow-run.TimedOut", "prefect.flow-run.Crashed"},
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[
            SendNotification(
                block_document_id=block, subject="{{ flow_run.name }}: {{ flow_run.state.name }}", body=BODY
            )
        ],
    )


def find_block(client: SyncPrefectClient, name: str) -> UUID:
    """Return the identity of a block that is named as ``custom-webhook/lab``.

    Raises
    ------
    ConfigError
        There is none.
    """
    kind, _, block = name.partition("/")
    try:
        return client.read_block_document_by_name(block, block_type_slug=kind).id
    except ObjectNotFound as error:
        raise ConfigError(
            f"--notify: got {name!r}; expected the type and name of a block of this server, such as "
            "custom-webhook/lab, which is made under Blocks in the user interface"
        ) from error


def set_silence(client: SyncPrefectClient, silence: timedelta | None) -> None:
    """Have silent runs marked as crashed, after so long; None: as it was set before, else `SILENCE`."""
    if silence is not None or not client.read_automations_by_name(SILENT):
        set_automation(client, silent_automation(silence=silence or SILENCE))


def set_automation(client: SyncPrefectClient, automation: AutomationCore) -> None:
    """Make an automation, or bring the one of that name up to date."""
    there = client.read_automations_by_name(automation.name)
    if there:
        client.update_automation(there[0].id, automation)
    else:
        client.create_automation(automation)


def remove_automations(client: SyncPrefectClient) -> None:
    """Remove those of this project."""
    for name in (SILENT, NOTIFY):
        for automation in client.read_automations_by_name(name):
            client.delete_automation(automation.id)


def _flow_runs() -> ResourceSpecification:
    return ResourceSpecification.model_validate({"prefect.resource.id": "prefect.flow-run.*"})


def _of_flows() -> ResourceSpecification:
    return ResourceSpecification.model_validate({"prefect.resource.role": "flow", "prefect.resource.name": list(FLOWS)})
