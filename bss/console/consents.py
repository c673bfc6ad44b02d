"""What a customer's party agreed to: what holds, what was said before, and what they say now."""

from nicegui import ui

from bss.console.forms import Asked, ask, given
from bss.console.frame import act, show_card
from bss.console.site import Viewer
from bss.console.words import instant
from bss.crm.care_operations import PURPOSES, record_consent
from bss.views.customer_360 import Profile

_CHANNELS = ("phone", "shop", "paper", "web")


def consent_card(viewer: Viewer, profile: Profile) -> None:
    """A line a purpose; behind it all that was said of it. A switch for who may write it down."""
    may_write = viewer.caller.may("customer:write") and profile.party.erased_ns is None
    history = {purpose: [each for each in profile.consents if each.purpose == purpose] for purpose in PURPOSES}
    with show_card("Consents"):
        for purpose, said in history.items():
            is_granted = bool(said) and said[-1].is_granted
            state = "never asked" if not said else "granted" if is_granted else "withdrawn"
            with ui.row().classes("w-full items-center justify-between no-wrap"):
                with ui.expansion(
                    purpose.replace("_", " "), caption=f"{state}{f' {instant(said[-1].at_ns)}' if said else ''}"
                ).classes("grow"):
                    for each in reversed(said):
                        word = "granted" if each.is_granted else "withdrawn"
                        ui.label(f"{instant(each.at_ns)}: {word} by {each.channel}, text {each.text_version}")
                    if not said:
                        ui.label("Nothing was said of it.").classes("text-slate-700")
                if may_write:
                    verb = "Withdraw" if is_granted else "Grant"
                    ui.button(
                        verb,
                        on_click=lambda purpose=purpose, grants=not is_granted: _record(
                            viewer, profile, purpose, grants=grants
                        ),
                    ).props(f'outline dense aria-label="{verb} {purpose}"')


async def _record(viewer: Viewer, profile: Profile, purpose: str, *, grants: bool) -> None:
    words = f"{'granted' if grants else 'withdrawn'}: {purpose.replace('_', ' ')}"
    asked = await ask(
        f"Consent {words}?",
        [
            Asked("channel", "Where they said it", choices={each: each for each in _CHANNELS}),
            Asked("text_version", "Which text they were shown", rule=given("Name the text, such as 2026-01")),
        ],
        "Write it down",
    )
    if asked is None:
        return
    done = await act(
        lambda: viewer.write(
            lambda work: record_consent(work, party_id=profile.party.id, purpose=purpose, is_granted=grants, **asked)
        ),
        f"Consent {words}",
    )
    if done is not None:
        ui.navigate.reload()
