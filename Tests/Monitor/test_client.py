"""needletail's QMP server as the published Python client sees it. Prints what went wrong, or the number of checks."""

import asyncio
import os
import sys

from qemu.qmp import EventListener, ExecuteError

from machines import client, machine, needletail_command

checks = 0


def check(condition, what):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"test_client: {what}")


async def refused(qmp, command, arguments, error_class, description):
    try:
        answer = await qmp.execute(command, arguments)
    except ExecuteError as error:
        given = (error.error.error.class_, error.error.error.desc)
        check(given == (error_class, description), f"{command} {arguments}: {given}")
    else:
        check(False, f"{command} {arguments} was accepted: {answer}")


async def life_of_a_device(qmp):
    backend = {"qom-type": "memory-backend-file", "id": "mem2", "share": True, "mem-path": "pmem.img", "size": 64 << 20}
    device = {"driver": "virtio-pmem-pci", "id": "nv2", "memdev": "mem2", "addr": "05.0"}
    generic = "GenericError"
    check(await qmp.execute("object-add", backend) == {}, "object-add")
    await refused(qmp, "object-add", backend, generic,
                  "attempt to add duplicate property 'mem2' to object (type 'container')")
    await refused(qmp, "device_add", {"driver": "virtio-pmem-pci"}, generic, "'memdev' property must be set")
    await refused(qmp, "device_add", device | {"memdev": "mem9"}, "DeviceNotFound", "Device 'mem9' not found")
    await refused(qmp, "device_add", device | {"foo": 1}, generic, "Property 'virtio-pmem-pci.foo' not found")
    check(await qmp.execute("query-memory-devices") == [], "a refused device_add left a trace")
    check(await qmp.execute("device_add", device) == {}, "device_add")
    await refused(qmp, "device_add", device, generic, "Duplicate device ID 'nv2'")
    await refused(qmp, "object-del", {"id": "mem2"}, generic, "object 'mem2' is in use, can not be deleted")
    await refused(qmp, "device_del", {"id": "nv9"}, "DeviceNotFound", "Device 'nv9' not found")
    [entry] = await qmp.execute("query-memory-devices")
    check(entry["type"] == "virtio-pmem" and entry["data"]["id"] == "nv2", f"query-memory-devices: {entry}")
    check(entry["data"]["memdev"] == "/objects/mem2" and entry["data"]["size"] == 64 << 20, f"{entry}")
    check(entry["data"]["memaddr"] % (2 << 20) == 0, f"{entry}")
    check(os.path.getsize("pmem.img") == 64 << 20, "the file's size")


async def slots_run_out(qmp):
    """Every slot of bus 0; the one too many is refused and leaves its object usable."""
    for number in range(1, 40):
        backend = {"qom-type": "memory-backend-ram", "id": f"r{number}", "size": 4 << 20}
        await qmp.execute("object-add", backend)
        try:
            await qmp.execute("device_add", {"driver": "virtio-pmem-pci", "id": f"s{number}", "memdev": f"r{number}"})
        except ExecuteError as error:
            check("no slot/function available for virtio-pmem-pci" in error.error.error.desc, error.error.error.desc)
            check(number >= 28, f"only {number} devices")
            check(await qmp.execute("object-del", {"id": f"r{number}"}) == {}, "object-del of the one too many")
            return
    check(False, "40 devices on a bus of 32 slots")


async def events(qmp):
    async def after(command, *expected):
        with qmp.listener() as listener:
            await qmp.execute(command)
            for name in expected:
                event = await asyncio.wait_for(listener.get(), 5)
                check(event["event"] == name and event["timestamp"]["seconds"] > 0, f"{command}: {event}")
                yield event

    async for _ in after("stop", "STOP"):
        pass
    check((await qmp.execute("query-status"))["status"] == "paused", "query-status after stop")
    async for _ in after("cont", "RESUME"):
        pass
    check((await qmp.execute("query-status"))["running"], "query-status after cont")
    async for _ in after("system_powerdown", "POWERDOWN"):
        pass
    async for event in after("system_reset", "RESET"):
        check(event["data"] == {"guest": False, "reason": "host-qmp-system-reset"}, f"{event}")


async def clients_come_and_go(process, folder):
    descriptors = None
    for number in range(60):
        async with client(folder) as qmp:
            check((await qmp.execute("query-name"))["name"] == "box", "query-name")
        reader, writer = await asyncio.open_unix_connection(f"{folder}/other")
        await reader.readline()
        writer.write(b'{"execute":"qmp_cap' if number % 2 else bytes(range(256)) * 100)
        writer.close()
        if number == 10:
            descriptors = len(os.listdir(f"/proc/{process.pid}/fd"))
    await asyncio.sleep(0.2)
    now = len(os.listdir(f"/proc/{process.pid}/fd"))
    check(now <= descriptors, f"{descriptors} descriptors grew to {now}")


async def two_at_once(folder):
    async with client(folder) as first:
        waiting = asyncio.create_task(second_query(folder))
        await asyncio.sleep(0.3)
        check(not waiting.done(), "the second client was served beside the first")
        await first.execute("query-status")
    check(await asyncio.wait_for(waiting, 10) == "box", "the second client was not served after the first")


async def second_query(folder):
    async with client(folder) as qmp:
        return (await qmp.execute("query-name"))["name"]


async def main():
    async with machine(needletail_command) as (process, folder):
        os.chdir(folder)
        async with client(folder) as qmp:
            check(qmp.greeting.QMP.version["qemu"]["major"] >= 0, "greeting")
            names = {entry["name"] for entry in await qmp.execute("query-commands")}
            for name in names:
                if name.startswith(("query-", "x-needletail-query-")):
                    await qmp.execute(name)
            await life_of_a_device(qmp)
            await events(qmp)
            await slots_run_out(qmp)
            text = await qmp.execute("human-monitor-command", {"command-line": "info status"})
            check(text == "VM status: running\r\n", text)
        await clients_come_and_go(process, folder)
        await two_at_once(folder)
        async with client(folder) as qmp, client(folder, "other") as other:
            listener = EventListener("SHUTDOWN")
            other.register_listener(listener)
            check(await qmp.execute("quit") == {}, "quit")
            event = await asyncio.wait_for(listener.get(), 5)
            check(event["data"] == {"guest": False, "reason": "host-qmp-quit"}, f"{event}")
        status = await asyncio.wait_for(process.wait(), 10)
        check(status == 0, f"needletail ended with status {status}")
        check(not os.path.exists(f"{folder}/qmp"), "the socket is still there")
    print(f"test_client: {checks} checks, all as expected")


asyncio.run(main())
