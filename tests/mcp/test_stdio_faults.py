"""The bridge when something dies: the server, the network, the client, the bridge itself."""

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest

from postroom.client import Client
from tests.conftest import NewServer
from tests.mcp.bridges import Bridge, eventually, text_of
from tests.mcp.desks import Desk, MakeDesk, another_bridge, desk_maker, send, state_of
from tests.support.proxy import proxy_to
from tests.support.server import ServerProcess, make_agent, wait_for


@pytest.fixture
def make_desk(tmp_path: Path, server: ServerProcess, operator: Client) -> MakeDesk:
    return desk_maker(tmp_path, server, operator)


async def is_back(operator: Client, desk: Desk) -> bool:
    (row,) = await operator.peek(desk.id)
    return row["state"] == "accepted"


async def test_a_server_killed_between_two_calls_is_waited_for_and_nothing_is_lost(new_server: NewServer, tmp_path: Path) -> None:
    server = new_server(poll_seconds="0.2").start()
    async with server.client() as operator:
        workspace, token = await make_agent(operator, "Coder")
        bridge = another_bridge(tmp_path, server.url, token)
        desk = Desk(workspace, "Coder", token, bridge)
        async with bridge.running():
            message_id = await send(operator, desk)
            taken = await bridge.take()
            port = server.port
            server.kill()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(bridge.use("reply", message_id=taken["message_id"], text="done"))
                await asyncio.to_thread(server.start, port=port)
            assert await state_of(operator, desk, message_id) == "replied"
            server.kill()
            async with asyncio.TaskGroup() as tasks:
                telling = tasks.create_task(bridge.use("send_message_to_user", text="I am still here", idempotency_key="k"))
                await asyncio.to_thread(server.start, port=port)
            told = telling.result()["message_id"]
            assert [line["id"] for line in (await bridge.use("chat_history"))["lines"]][-1] == told


async def test_a_server_that_starts_later_or_again_elsewhere_is_found(new_server: NewServer, tmp_path: Path) -> None:
    server = new_server(poll_seconds="0.2")
    bridge = Bridge("--name", "Early", "--data", str(server.data), state=tmp_path)

    async with bridge.running():
        async with asyncio.TaskGroup() as tasks:
            # The call that was there before the server may have been told to try again.
            early = tasks.create_task(bridge.call("get_workspace_info"))
            await asyncio.to_thread(server.start)
        assert not early.result().is_error or "No server runs" in text_of(early.result())
        assert (await bridge.use("get_workspace_info"))["name"] == "Early"
        first = server.port
        server.kill()
        await asyncio.to_thread(server.start)
        assert server.port != first
        assert (await bridge.use("get_workspace_info"))["name"] == "Early"


async def test_a_cut_network_is_told_and_the_message_in_hand_is_got_back(new_server: NewServer, tmp_path: Path) -> None:
    server = new_server(poll_seconds="0.2", allowed_hosts="127.0.0.1").start()
    nowhere = Bridge("--name", "Nobody", "--data", str(tmp_path / "nowhere"), state=tmp_path)
    async with server.client() as operator, proxy_to(("127.0.0.1", server.port)) as proxy, nowhere.running():
        workspace, token = await make_agent(operator, "Coder")
        bridge = another_bridge(tmp_path, f"http://127.0.0.1:{proxy.port}", token)
        desk = Desk(workspace, "Coder", token, bridge)
        message_id = await send(operator, desk)
        async with bridge.running():
            assert (await bridge.take())["attempt"] == 1
            proxy.black_hole()
            async with asyncio.TaskGroup() as tasks:
                replying = tasks.create_task(bridge.refusal("reply", message_id=message_id, text="done"))
                looking = tasks.create_task(nowhere.refusal("list_peers"))
            for refusal, code in ((replying.result(), "unreachable"), (looking.result(), "not_connected")):
                assert refusal["code"] == code and "Try the same call again" in refusal["next"]
            assert "No server runs" in looking.result()["error"]
            async with server.client(token) as rival:
                (elsewhere,) = await rival.claim(workspace, wait=30)
                assert elsewhere.attempt == 2
                await rival.release(elsewhere)
            proxy.heal()

            async def has_it_again() -> bool:
                return not await is_back(operator, desk)

            await eventually(has_it_again, "the bridge fetches again what its client works on")
            assert (await bridge.use("reply", message_id=message_id, text="done"))["status"] == "answered"
            assert await state_of(operator, desk, message_id) == "replied"


async def test_a_bridge_killed_with_a_lease_out_is_not_waited_for_long_and_one_that_lives_keeps_its_own(
    make_desk: MakeDesk, server: ServerProcess, operator: Client, tmp_path: Path
) -> None:
    living, dying = await make_desk("Living"), await make_desk("Dying")
    other = another_bridge(tmp_path, server.url, dying.token)
    kept, lost = await send(operator, living), await send(operator, dying)
    async with living.bridge.running(), other.running(), server.client(living.token) as rival:
        await living.bridge.take()
        async with dying.bridge.running():
            await dying.bridge.take()
            os.kill(dying.bridge.pid, signal.SIGKILL)
            taken = await other.take(25)
            assert (taken["message_id"], taken["attempt"]) == (lost, 2)
        assert await rival.claim(living.id, wait=0) == []
        for bridge, message_id, desk in ((living.bridge, kept, living), (other, lost, dying)):
            await bridge.use("reply", message_id=message_id, text="done")
            assert await state_of(operator, desk, message_id) == "replied"


async def test_a_client_that_closes_stdin_ends_the_bridge_and_what_it_held_is_back_at_once(make_desk: MakeDesk, operator: Client) -> None:
    desk = await make_desk()
    await send(operator, desk)
    async with desk.bridge.running():
        await desk.bridge.take()
        pid = desk.bridge.pid
    assert not psutil.pid_exists(pid)
    assert await is_back(operator, desk)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_bridge_while_stdin_is_open(make_desk: MakeDesk, operator: Client, number: signal.Signals) -> None:
    desk = await make_desk()
    await send(operator, desk)
    async with desk.bridge.running():
        await desk.bridge.take()
        os.kill(desk.bridge.pid, number)
        await asyncio.to_thread(wait_for, lambda: _is_gone(desk.bridge.pid), 20, "the bridge is gone")
        assert await is_back(operator, desk)


def _is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
