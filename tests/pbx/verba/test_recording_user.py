"""The AMI user for recording is refused while the one for calls works: calls never suffer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio

from bridge.config.secrets_file import AMI_RECORDING_SECRET
from bridge.local_asterisk.local_asterisk import LocalAsterisk
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.lab.tcp_proxy import TcpProxy
from bridge.testing.softphones.toolchain import ensure_phone_tools
from bridge.testing.verba_client import VerbaClient

from .audit import Audit
from .conftest import QUICK
from .recorded_call import call_goes_on, recorded_call
from .recorded_files import RecordedFiles

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Refusing:
    """A lab of which the recording user can be shut out."""

    lab: RunningLab
    proxy: TcpProxy
    files: RecordedFiles

    @asynccontextmanager
    async def recording_user_refused(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """From where the link for calls is up again; what it gives waits for the refusal."""
        assert isinstance(self.lab.asterisk, LocalAsterisk)
        pbx = self.lab.asterisk.pbx
        manager = pbx.folder / "conf" / "manager.conf"
        text, secret = manager.read_text(), self.lab.bridge.secret(AMI_RECORDING_SECRET)
        ups, refusals = self._logged("ami_link_up"), self._logged("ami_login_refused")
        manager.write_text(text.replace(f"secret = {secret}", "secret = another"))
        await pbx.console("manager reload")
        try:
            self.proxy.cut()
            await self._more("ami_link_up", ups)
            yield lambda: self._more("ami_login_refused", refusals)
        finally:
            manager.write_text(text)
            await pbx.console("manager reload")

    async def _more(self, event: str, before: int) -> None:
        await eventually(lambda: self._logged(event) > before, timeout=20)

    def _logged(self, event: str) -> int:
        return sum(line["event"] == event for line in self.lab.bridge.log_lines())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def refusing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Refusing]:
    ensure_phone_tools()
    proxy = TcpProxy()
    await proxy.start()
    settings = {**QUICK, "reconnect_max_s": "0.5"}
    lab = await open_lab(tmp_path_factory.mktemp("recording-user"), settings, proxy)
    try:
        assert isinstance(lab.asterisk, LocalAsterisk)
        yield Refusing(lab, proxy, RecordedFiles(lab.asterisk.pbx.spool_dir))
    finally:
        await lab.close()
        await proxy.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def own_api(refusing: Refusing) -> AsyncIterator[ApiClient]:
    async with refusing.lab.client() as client:
        yield client
        await client.hang_up()


@pytest_asyncio.fixture(loop_scope="module")
async def own_verba(refusing: Refusing) -> AsyncIterator[VerbaClient]:
    bridge = refusing.lab.bridge
    async with VerbaClient(bridge.base_url, bridge.secret("verba-key/erasure")) as client:
        yield client


async def test_given_recording_is_refused_when_a_call_is_placed_then_it_is_recorded_afterwards(
    refusing: Refusing, own_api: ApiClient, own_verba: VerbaClient
) -> None:
    async with AsyncExitStack() as stack:
        async with refusing.recording_user_refused() as refused:
            before = refusing.files.names()
            call = await stack.enter_async_context(recorded_call(refusing.lab, own_api, own_verba))
            await refused()
            await call_goes_on(own_api, call)
            assert refusing.files.names() == before
        await refusing.files.wait_growing(call.id, 8_000)


async def test_given_recording_is_refused_when_an_ongoing_call_is_deleted_then_it_is_in_the_end(
    refusing: Refusing, own_api: ApiClient, own_verba: VerbaClient
) -> None:
    audit = Audit(refusing.lab.bridge.state_dir)
    async with recorded_call(refusing.lab, own_api, own_verba) as call:
        await refusing.files.wait_growing(call.id, 4_000)
        async with refusing.recording_user_refused() as refused:
            await refused()
            answer = await own_verba.ask("DeleteCall", callID=call.id)
            assert answer.code == -1
            assert "marked for deletion" in answer.message
            assert audit.record(call.id)
            await call_goes_on(own_api, call)

        await eventually(lambda: not refusing.files.of(call.id), timeout=20)
        await call_goes_on(own_api, call)
        assert refusing.files.of(call.id) == []
    await audit.wait_removed(call.id)
