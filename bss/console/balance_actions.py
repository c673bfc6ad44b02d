"""Top-up and adjustment of an account's money, and how much it may owe on its bill; asked again before anything happens."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from balances.queries import AccountView
from bss.console.forms import Asked, ask, given
from bss.console.frame import act, confirmed
from bss.console.site import Viewer
from bss.console.words import currency_of, micros_of, money
from bss.orchestration.balance_flow import change_balance
from bss.prepay.records import ActionKind, ActionState, BalanceAction
from bss.views.customer_360 import LiveAccount

Redraw = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Action:
    """How an action is asked for."""

    word: str
    hint: str
    fits: Callable[[int], bool]
    needs_reason: bool = True


_ACTIONS = {
    ActionKind.TOP_UP: _Action("Top up", "such as 10 or 12.50", lambda micros: micros > 0, needs_reason=False),
    ActionKind.ADJUST: _Action("Adjust", "such as 5, or -5 to take money", lambda micros: micros != 0),
    ActionKind.CREDIT_LIMIT: _Action("Set credit limit to", "such as 80; 0 for no credit", lambda micros: micros >= 0),
}
_SAID = {
    ActionState.DONE: "done",
    ActionState.PENDING: "written down; the engine doesn't answer, and it is sent again until it does",
}


def balance_buttons(viewer: Viewer, customer_id: str, live: LiveAccount, moved: Redraw) -> None:
    """Buttons for who may move money; for others there are none. `moved` shows the account anew."""
    if not viewer.caller.may("balance:write"):
        return
    words = {kind: each.word for kind, each in _ACTIONS.items()} | {ActionKind.CREDIT_LIMIT: "Credit limit"}
    with ui.row():
        for kind, word in words.items():
            ui.button(word, on_click=lambda kind=kind: _open(viewer, customer_id, live, kind, moved)).props(
                "outline dense"
            )


async def _open(viewer: Viewer, customer_id: str, live: LiveAccount, kind: ActionKind, moved: Redraw) -> None:
    assert live.account is not None
    currency, word = currency_of(live.account.currency), _ACTIONS[kind].word
    found = await _asked(live.account_id, kind, currency)
    if found is None:
        return
    micros, reason = found
    what = f"{word} {money(micros, currency)}"
    about = f"Account {live.account_id} of this customer.{_consequence(live.account, kind, micros, currency)}"
    if not await confirmed(f"{what}?", about, "Set it" if kind == ActionKind.CREDIT_LIMIT else word):
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

    done = await act(do, "")
    if done is None:
        return
    if done.state == ActionState.REFUSED:
        ui.notify(f"Refused: {done.outcome}", type="negative", multi_line=True)
    else:
        ui.notify(f"{what}: {_SAID[done.state]}", type="positive")
        await moved()


def _consequence(account: AccountView, kind: ActionKind, micros: int, currency: str) -> str:
    """What another credit limit means beside what is owed now."""
    if kind != ActionKind.CREDIT_LIMIT:
        return ""
    owed = account.owed_micros or 0
    now = f" It may owe {money(account.credit_limit_micros, currency)} now, and owes {money(owed, currency)}."
    return f"{now} Nothing more is granted on the bill until enough is settled." if owed > micros else now


async def _asked(account_id: int, kind: ActionKind, currency: str) -> tuple[int, str] | None:
    """(micros, reason) that somebody typed; None where they thought better of it."""
    action = _ACTIONS[kind]

    def is_fit(text: str) -> bool:
        micros = micros_of(text)
        return micros is not None and action.fits(micros)

    rule = ("An amount such as 12.50, with at most six digits behind the point", is_fit)
    needed = given("Say why: it is kept in the journal") if action.needs_reason else None
    asked = await ask(
        f"{action.word}: account {account_id}"
        if kind != ActionKind.CREDIT_LIMIT
        else f"Credit limit of account {account_id}",
        [
            Asked("amount", f"Amount in {currency}", hint=action.hint, rule=rule),
            Asked("reason", "Reason" if needed else "Reason (may be left out)", rule=needed),
        ],
        "Go on",
    )
    if asked is None:
        return None
    micros = micros_of(asked["amount"])
    return None if micros is None else (micros, asked["reason"])
