"""The clients' side of two-hosts: a scheduler and an observer on a host of their own.

Arguments: the folder with the keys, windlass, the addresses of two workers, the name of the first one's namespace.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import windlass

work, program, north, south, namespace = Path(sys.argv[1]), *sys.argv[2:6]
hosts = {"north": north, "south": south}


def connect(who: str, host: str) -> windlass.Client:
    """A client of one worker, with the key of `who`."""
    return windlass.Client(
        f"tcp://{hosts[host]}:5770",
        events=f"tcp://{hosts[host]}:5771",
        server_keys=[str(work / host / "server.key")],
        key=str(work / "client" / f"{who}.key_secret"),
    )


def follow(observer: windlass.Client, seen: list[str], ready: threading.Event) -> None:
    """Prints every event until the worker does not let the observer in any more."""
    events = observer.events()
    ready.set()
    try:
        for event in events:
            if isinstance(event, windlass.Event):
                seen.append(f"{event.type}/{event.id}")
    except windlass.Unauthenticated as error:
        print(f"   the observer: {error}")
        seen.append("revoked")


scheduler = {host: connect("scheduler", host) for host in hosts}
observer = connect("observer", "north")
seen: list[str] = []
ready = threading.Event()
follower = threading.Thread(target=follow, args=(observer, seen, ready))
follower.start()
ready.wait()

for host, client in scheduler.items():
    done = client.run(f"on-{host}", ["/bin/sh", "-c", "echo hello from $0", host])
    print(f"   {host}: {done.stdout.decode().strip()}, exit code {done.exit.code}")

try:
    observer.run("mine", ["/bin/true"])
    sys.exit("an observer made a container")
except windlass.PermissionDenied as error:
    print(f"   the observer, who wants a container too: {error}")

subprocess.run(
    ["ip", "netns", "exec", namespace, program, "keys", "revoke", "observer", "--clients-dir", str(work / "north/clients")],
    check=True,
)
follower.join(timeout=60)
if follower.is_alive() or seen[-1:] != ["revoked"]:
    sys.exit(f"the observer goes on after it was revoked: {seen}")
print(f"   the observer saw {', '.join(seen[:-1])}, and nothing since")

done = scheduler["north"].run("afterwards", ["/bin/sh", "-c", "echo still here"])
print(f"   the scheduler did not notice: {done.stdout.decode().strip()}")
if "exit/afterwards" in seen:
    sys.exit("the observer saw what happened after it was revoked")
for client in (*scheduler.values(), observer):
    client.close()
