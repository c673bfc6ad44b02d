"""Sends account commands and waits for their answers: one, or a hundred thousand of a file, at the same cost a row.

Sending is safe to repeat, so it is how a cut-off import resumes. An opening gets its number from its batch's id and its
row, claims its identities, and only then is appended; a command's id keeps the engine from deciding it twice. The engine
knows the ids of one partition, and not what they were for: so an id is tied, in the whole store, to a digest of what it
asks before anything else is done, and another command under it is refused. Commands of a partition are decided in
order, so the sender asks for the answers of the oldest alone.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from balances.command_digest import digest_of_command, digest_of_openings
from balances.command_octets import decode_answer, encode_command
from balances.commands import (
    OPENING_PREFIX,
    AccountCommand,
    CommandIdUsed,
    CommandResult,
    IdentityTaken,
    Open,
    Opening,
    Refused,
    Waiting,
    check_given_id,
)
from balances.edge.identity_claims import OpeningStore, accounts_that_never_came, closed_accounts
from balances.identity_moves import MoveIdentities, MoveResult
from balances.keys import partition_of
from balances.store import StoreUnreachable
from vocabulary.limits import COMMANDS_WAITING_MAX

_CHUNK_ROWS: Final = 2000
_ASKED_ROWS: Final = 2048
_PROBES: Final = 3
_PAUSE_S: Final = (0.002, 0.003, 0.005, 0.01, 0.02, 0.05)
"""Before each look for answers; one that looks sooner sees an engine that still writes."""
_SEND_ATTEMPTS: Final = 2
NO_OWNER_S: Final = 0.5
"""After so long without an answer the sender looks whether an engine is there at all."""
PATIENCE_S: Final = 30.0
"""After so long without any answer, though an engine is there, the sender gives up waiting."""
CUT_OFF_S: Final = 2.0
"""A claim whose account does not come in so long is one of an opening that was cut off: it is taken over."""
_CUT_OFF_LOOKS: Final = 8

Progress = Callable[[int], None]


class _Results:
    """A result a row, and how many there are."""

    def __init__(self, count: int, progress: Progress | None) -> None:
        self._rows: list[CommandResult | None] = [None] * count
        self._count = 0
        self._progress = progress

    def put(self, row: int, result: CommandResult) -> None:
        self._count += self._rows[row] is None
        self._rows[row] = result

    def report(self) -> None:
        if self._progress is not None:
            self._progress(self._count)

    def all(self) -> list[CommandResult]:
        rows = [result for result in self._rows if result is not None]
        assert len(rows) == len(self._rows), "each command comes to a result"
        return rows


@dataclass(slots=True)
class _Lane:
    """Commands of one partition that wait for their answer, oldest first."""

    partition: int
    to_append: deque[tuple[int, AccountCommand]] = field(default_factory=deque)
    appended: deque[tuple[int, str]] = field(default_factory=deque)
    answered_at_s: float = 0.0


class CommandSender:
    """A sender on an opened store with so many partitions."""

    def __init__(
        self,
        store: OpeningStore,
        partition_count: int,
        *,
        no_owner_s: float = NO_OWNER_S,
        patience_s: float = PATIENCE_S,
        cut_off_s: float = CUT_OFF_S,
    ) -> None:
        self._store = store
        self._partition_count = partition_count
        self._no_owner_s = no_owner_s
        self._patience_s = patience_s
        self._cut_off_s = cut_off_s

    async def open_accounts(
        self,
        batch_id: str,
        openings: Sequence[Opening],
        *,
        progress: Progress | None = None,
        is_content_in_id: bool = False,
    ) -> list[CommandResult]:
        """Open an account a row. The same batch id and rows again go on where they were cut off; nothing opens twice.

        progress           called with the count of rows that have come to a result
        is_content_in_id   the id was made from what the rows say, so that they need not be compared with earlier ones
        CommandError where the id does not fit, CommandIdUsed where it came with other rows before: nothing is done then.
        """
        if not openings:
            return []
        check_given_id(batch_id)
        asked = "" if is_content_in_id else digest_of_openings(openings)
        first = await self._store.allot_accounts(batch_id, len(openings), asked)
        results = _Results(len(openings), progress)
        commands: list[tuple[int, AccountCommand]] = []
        for start in range(0, len(openings), _CHUNK_ROWS):
            rows = range(start, min(start + _CHUNK_ROWS, len(openings)))
            taken = await self._claim(first, rows, openings)
            for row in rows:
                if row in taken:
                    results.put(row, taken[row])
                else:
                    opening = openings[row]
                    command_id = f"{OPENING_PREFIX}{batch_id}.{row}"
                    command = Open(command_id, opening.tenant, first + row, opening.identities, opening.terms)
                    commands.append((row, command))
        await self._send(commands, results)
        refused = [row for row, result in enumerate(results.all()) if isinstance(result, Refused)]
        await self._release(first, refused, openings)
        return results.all()

    async def send(
        self, commands: Sequence[AccountCommand], *, progress: Progress | None = None
    ) -> list[CommandResult]:
        """Append commands and wait for their answers; a command sent before gets the answer that it got then.

        CommandError where an id does not fit, CommandIdUsed where one stands for another command: none is sent then.
        """
        for command in commands:
            check_given_id(command.command_id)
        claims = [(command.command_id, digest_of_command(command)) for command in commands]
        for (command_id, _), is_ours in zip(claims, await self._store.claim_commands(claims), strict=True):
            if not is_ours:
                raise CommandIdUsed(command_id)
        results = _Results(len(commands), progress)
        await self._send(list(enumerate(commands)), results)
        return results.all()

    async def move_identities(self, move: MoveIdentities) -> MoveResult:
        """See IdentityLog; identities of an opening that was cut off are taken over. CommandIdUsed."""
        check_given_id(move.command_id)
        result = await self._store.move_identities(move)
        if isinstance(result, IdentityTaken) and await self._take_over([(result.identity, result.account_id)]):
            result = await self._store.move_identities(move)
        return result

    # --- identities
    async def _claim(self, first: int, rows: range, openings: Sequence[Opening]) -> dict[int, IdentityTaken]:
        """Claim the identities of these rows; those of a row that lacks one are given back."""
        # In order of the keys: of two callers who want the same identities one gets the first of them.
        claims = [(key, first + row) for row in rows for key in sorted(openings[row].identities)]
        owners = await self._store.claim_identities(claims)
        own = range(first, first + len(openings))
        held = [
            (key, owner)
            for (key, _), owner in zip(claims, owners, strict=True)
            if owner is not None and owner not in own
        ]
        if held and await self._take_over(held):
            owners = await self._store.claim_identities(claims)
        taken: dict[int, IdentityTaken] = {}
        for (key, account_id), owner in zip(claims, owners, strict=True):
            if owner is not None:
                taken.setdefault(account_id - first, IdentityTaken(identity=key, account_id=owner))
        await self._release(first, list(taken), openings)
        return taken

    async def _take_over(self, held: list[tuple[str, int]]) -> bool:
        """Free those of others' claims whose account is closed, or doesn't come though it is waited for; were there any?"""
        accounts = {(int(key.partition(":")[0]), owner) for key, owner in held}
        closed = await closed_accounts(self._store, self._partition_count, accounts)
        if closed:
            await self._store.release_identities([(key, owner) for key, owner in held if owner in closed])
        accounts = {account for account in accounts if account[1] not in closed}
        for look in range(_CUT_OFF_LOOKS + 1):
            if look:
                await asyncio.sleep(self._cut_off_s / _CUT_OFF_LOOKS)
            missing = await accounts_that_never_came(self._store, self._partition_count, accounts)
            if not missing:
                return bool(closed)
            accounts = {account for account in accounts if account[1] in missing}
        await self._store.release_identities([(key, owner) for key, owner in held if owner in missing])
        return True

    async def _release(self, first: int, rows: Sequence[int], openings: Sequence[Opening]) -> None:
        claims = [(key, first + row) for row in rows for key in openings[row].identities]
        if claims:
            await self._store.release_identities(claims)

    # --- appending and waiting
    async def _send(self, commands: list[tuple[int, AccountCommand]], results: _Results) -> None:
        lanes = [_Lane(partition) for partition in range(self._partition_count)]
        for row, command in commands:
            lanes[partition_of(command.account_id, self._partition_count)].to_append.append((row, command))
        results.report()
        tasks = [asyncio.ensure_future(self._run_lane(lane, results)) for lane in lanes]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _run_lane(self, lane: _Lane, results: _Results) -> None:
        """Keep the partition's engine busy until each of the lane's commands has come to a result."""
        pause = 0
        lane.answered_at_s = time.monotonic()
        while True:
            while lane.to_append and len(lane.appended) < COMMANDS_WAITING_MAX:
                await self._append_chunk(lane, results)
            if not lane.appended:
                break
            await asyncio.sleep(_PAUSE_S[min(pause, len(_PAUSE_S) - 1)])
            if await self._take_answers(lane, results):
                lane.answered_at_s = time.monotonic()
                pause = 0
                results.report()
                continue
            reason = await self._reason_to_give_up(lane)
            if reason:
                for row, _ in (*lane.appended, *lane.to_append):
                    results.put(row, Waiting(reason))
                return
            pause += 1
        results.report()

    async def _append_chunk(self, lane: _Lane, results: _Results) -> None:
        """Append the next commands that have no answer yet; once more where the reply was lost: ids hold them apart."""
        chunk = [lane.to_append.popleft() for _ in range(min(_CHUNK_ROWS, len(lane.to_append)))]
        answers = await self._store.command_answers(lane.partition, [command.command_id for _, command in chunk])
        unsent = []
        for (row, command), answer in zip(chunk, answers, strict=True):
            if answer is None:
                unsent.append((row, command))
            else:
                results.put(row, decode_answer(answer))
        unsent = await self._still_claimed(unsent, results)
        octets = [encode_command(command) for _, command in unsent]
        for attempt in range(_SEND_ATTEMPTS):
            try:
                await self._store.append_commands(lane.partition, octets)
                break
            except StoreUnreachable:
                if attempt == _SEND_ATTEMPTS - 1:
                    raise
        lane.appended.extend((row, command.command_id) for row, command in unsent)

    async def _still_claimed(
        self, unsent: list[tuple[int, AccountCommand]], results: _Results
    ) -> list[tuple[int, AccountCommand]]:
        """Those whose identities are theirs: the last rows of a long import were claimed a while ago, and who wants one of
        them may have taken the import for cut off."""
        claims = [
            (key, command.account_id)
            for _, command in unsent
            if isinstance(command, Open)
            for key in sorted(command.identities)
        ]
        owners = await self._store.claim_identities(claims) if claims else []
        taken = {
            account_id: IdentityTaken(key, owner)
            for (key, account_id), owner in zip(claims, owners, strict=True)
            if owner is not None
        }
        if not taken:
            return unsent
        await self._store.release_identities([claim for claim in claims if claim[1] in taken])
        for row, command in unsent:
            if isinstance(command, Open) and command.account_id in taken:
                results.put(row, taken[command.account_id])
        return [
            (row, command) for row, command in unsent if not (isinstance(command, Open) and command.account_id in taken)
        ]

    async def _take_answers(self, lane: _Lane, results: _Results) -> int:
        """Take the answers that are there of the oldest commands; how many.

        Three of them are asked for first: an engine answers a thousand at once or none, and asking for all each time cost
        store and sender more than everything else of an import.
        """
        asked = [lane.appended[index] for index in range(min(_ASKED_ROWS, len(lane.appended)))]
        if len(asked) > _PROBES:
            probes = [asked[len(asked) * place // _PROBES][1] for place in range(_PROBES)]
            if not any(await self._store.command_answers(lane.partition, probes)):
                return 0
        answers = await self._store.command_answers(lane.partition, [command_id for _, command_id in asked])
        unanswered = []
        for (row, command_id), answer in zip(asked, answers, strict=True):
            if answer is None:
                unanswered.append((row, command_id))
            else:
                results.put(row, decode_answer(answer))
        for _ in asked:
            lane.appended.popleft()
        lane.appended.extendleft(reversed(unanswered))
        return len(asked) - len(unanswered)

    async def _reason_to_give_up(self, lane: _Lane) -> str:
        """Why no answer is to be waited for; '' where one may still come."""
        silent_s = time.monotonic() - lane.answered_at_s
        if silent_s >= self._patience_s:
            return (
                f"the engine of partition {lane.partition} has answered nothing for {silent_s:.0f} s: the command waits in"
                " the store and is decided when it goes on"
            )
        if silent_s >= self._no_owner_s and not await self._store.has_owner(lane.partition):
            return (
                f"no engine runs for partition {lane.partition}: the command waits in the store and is decided"
                " when one starts (farebox up)"
            )
        return ""
