"""What a browser is told by the protocol: a page without a browser says what it holds, as one does."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from benchmarks.serving import Server
from benchmarks.websocket_client import HeldMessages, Session, open_session


class Behind(HeldMessages):
    """A browser that draws slowly: what it names to the server is what it held some runs before."""

    def __init__(self, held: HeldMessages) -> None:
        super().__init__()
        self.__dict__.update(held.__dict__)
        self._named = held.hashes

    @property
    def hashes(self) -> list[str]:
        return self._named


async def drag(session: Session) -> int:
    """Moves a slider away and back while the browser is behind; how many messages named an earlier one."""
    await session.move("elbo_example_held_out", 3)
    session._held = Behind(session._held)
    for number in (4, 5, 6, 7, 8, 9):
        await session.move("elbo_example_held_out", number)
    return (await session.move("elbo_example_held_out", 3)).num_references


def test_a_browser_that_is_behind_still_holds_what_it_named(app_server: Server) -> None:
    """With a key held down on ELBO one in some twenty browsers lost the page."""

    async def speak() -> int:
        query = "elbo_view=one_example"
        async with open_session(app_server.url, page="elbo", query=query) as session:
            return await drag(session)

    with ThreadPoolExecutor(1) as thread:  # Playwright's loop may be in this one
        assert thread.submit(asyncio.run, speak()).result() > 0
