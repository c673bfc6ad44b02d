"""Top-up and adjustment of an account's money; asked again before anything moves."""

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from bss.console.frame import act, answer_of, confirmed
from bss.console.site import Viewer
from bss.console.words import currency_of, micros_of, money
from bss.orchestration.balance_flow import change_balance
from bss.prepay.records import ActionKind, ActionState, BalanceAction
from bss.views.customer_360 import LiveAccount

Redraw = Callable[[], Awaitable[None]]
_WORDS = {ActionKind.TOP_UP: "Top up", ActionKind.ADJUST: "Adjust"}
_SAID = {
    ActionState.DONE: "done",
    ActionState.PENDING: "written down; the engine doesn't answer, and it is sent again until it does",
}


def balance_buttons(viewer: Viewer, customer_id: str, live: LiveAccount, moved: Redraw) -> None:
    """Buttons for who may move money; for others there are none. `moved` shows the account anew."""
    if not viewer.caller.may("balance:write"):
        return
    with ui.row():
        for kind, word in _WORDS.items():
            ui.button(word, on_click=lambda kind=kind: _open(viewer, customer_id, live, kind, moved)).props(
                "outline dense"
            )


async def _open(viewer: Viewer, customer_id: str, live: LiveAccount, kind: ActionKind, moved: Redraw) -> None:
    assert live.account is not None
    currency = currency_of(live.account.currency)
    micros, reason = await _asked(live.account_id, kind, currency)
    if not micros:
        return
    sum_of_money = money(micros, currency)
    about = f"Account {live.account_id} of this customer."
    if not await confirmed(f"{_WORDS[kind]} {sum_of_money}?", about, _WORDS[kind]):
        return

    async def do() -> BalanceAction:
        caller = viewer.site.who(viewer.cookie)
        return await run_in_threadpool(
            lambda: change_balance(
                viewer.site.database,
                viewer.site.engine,
                caller,
                kind=kind,
                engine_account_id=live.account_id,
                amount_micros=micros,
                currency=currency,
                reason=reason,
                customer_id=customer_id,
            )
        )

    done = await act(do, f"{_WORDS[kind]} {sum_of_money} was asked for")
    if done is None:
        return
    if done.state == ActionState.REFUSED:
        ui.notify(f"Refused: {done.outcome}", type="negative", multi_line=True)
    else:
        ui.notify(f"{_WORDS[kind]} {sum_of_money}: {_SAID[done.state]}", type="positive")
        await moved()


async def _asked(account_id: int, kind: ActionKind, currency: str) -> tuple[int | None, str]:
    """(micros, reason) that somebody typed; no micros where they thought better of it."""
    with ui.dialog() as dialog, ui.card().classes("w-96 gap-3"):
        ui.label(f"{_WORDS[kind]} account {account_id}").props("role=heading aria-level=2").classes("text-lg")
        hint = "such as 10 or 12.50" if kind == ActionKind.TOP_UP else "such as 5, or -5 to take money"
        asked = ui.input(f"Amount in {currency}", placeholder=hint, validation=_fault_of(kind)).props(
            "autofocus outlined"
        )
        asked.classes("w-full")
        why = "Reason" if kind == ActionKind.ADJUST else "Reason (may be left out)"
        reason = ui.input(why).props("outlined").classes("w-full")
        with ui.row().classes("w-full justify-end"):
            ui.button("Cancel", on_click=lambda: dialog.submit(None)).props("flat")
            ui.button(_WORDS[kind], on_click=lambda: dialog.submit(asked.value) if asked.validate() else None)
    return micros_of(await answer_of(dialog) or ""), reason.value or ""


def _fault_of(kind: ActionKind) -> dict[str, Callable[[Any], bool]]:
    def is_fit(text: str) -> bool:
        micros = micros_of(text or "")
        return micros is not None and micros != 0 and (micros > 0 or kind == ActionKind.ADJUST)

    return {"An amount such as 12.50, with at most six digits behind the point": is_fit}
