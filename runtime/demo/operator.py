"""What an operator and a program do in the demo: commands of `farebox`, and requests to the TM Forum APIs. Each is shown."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any, Final

import httpx
from rich.markup import escape

from runtime.demo.process import DemoFailed, own_environment
from runtime.demo.stage import Stage

COMMAND_S: Final = 60.0
ANSWER_S: Final = 30.0
_PATH_WIDTH: Final = 66


class Operator:
    """Somebody at a terminal, in the folder of the demo's Farebox."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self._stage = stage
        self._folder = folder

    async def farebox(self, *words: str, is_shown: bool = True, lines_shown: int = 0) -> str:
        """Run a command to its end; what it prints. One that ends badly is a fault. DemoFailed where it doesn't end.

        lines_shown   of what it prints, the last ones; 0: all
        """
        if is_shown:
            self._stage.screen.print(f"[bold]$ farebox {escape(' '.join(words))}[/]", soft_wrap=True)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "runtime.cli.main", *words, "--data-dir", str(self._folder)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=own_environment(),
            cwd=self._folder,
        )
        try:
            async with asyncio.timeout(COMMAND_S):
                output, _ = await process.communicate()
        except TimeoutError as error:
            process.kill()
            await process.wait()
            raise DemoFailed(f"farebox {words[0]} took more than {COMMAND_S:g} s") from error
        said = output.decode(errors="replace").rstrip()
        if process.returncode != 0:
            self._stage.say(said)
            self._stage.faults.append(f"farebox {' '.join(words)} ended with exit code {process.returncode}")
        elif is_shown:
            for line in said.splitlines()[-lines_shown:]:
                self._stage.say(f"  {line}".rstrip())
        return said


class Program:
    """A program that calls the APIs, a shop say; it has to log in first."""

    def __init__(self, stage: Stage, url: str) -> None:
        self._stage = stage
        self._client = httpx.AsyncClient(base_url=url, timeout=ANSWER_S, trust_env=False)

    async def log_in(self, client_id: str, secret: str) -> None:
        """Get an access token. DemoFailed."""
        form = {"grant_type": "client_credentials"}
        answer = await self._client.post("/oauth2/token", data=form, auth=(client_id, secret))
        if answer.status_code != httpx.codes.OK:
            raise DemoFailed(f"POST /oauth2/token: {answer.status_code} {answer.text}")
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    async def post(self, path: str, body: dict[str, Any], note: str) -> dict[str, Any]:
        """Make something; the answer. DemoFailed where it isn't made."""
        path = f"/tmf-api/{path}"
        began_s = time.perf_counter()
        answer = await self._client.post(path, json=body)
        self._show("POST", path, answer.status_code, time.perf_counter() - began_s, note)
        if answer.status_code != httpx.codes.CREATED:
            raise DemoFailed(f"POST {path}: {answer.status_code} {answer.text}")
        found: dict[str, Any] = answer.json()
        return found

    async def get(self, path: str, **filters: str) -> Any:
        """Read, without a word on the screen. DemoFailed where that isn't answered."""
        answer = await self._client.get(f"/tmf-api/{path}", params=filters)
        if answer.status_code != httpx.codes.OK:
            raise DemoFailed(f"GET /tmf-api/{path}: {answer.status_code} {answer.text}")
        return answer.json()

    def _show(self, method: str, path: str, status: int, took_s: float, note: str) -> None:
        style = "green" if status == httpx.codes.CREATED else "red"
        words = f"{method} {path:<{_PATH_WIDTH}} [{style}]{status}[/]  [dim]{took_s * 1000:5.0f} ms[/]  {escape(note)}"
        self._stage.screen.print(words, soft_wrap=True)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()
