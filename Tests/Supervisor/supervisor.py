"""A supervisor, its container, and the connections to it, as a driver would have them."""

from __future__ import annotations

import errno
import json
import os
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAGIC, VERSION = 0x31534C57, 1
HELLO, WATCH, START, EXEC, SIGNAL, RESIZE, INPUT, READ, RELEASE, LOSSLESS, FORGET, CLOSE = range(1, 13)
HELLO_REPLY, REPLY, PROCESS, OUTPUT = 33, 34, 35, 36
CREATING, CREATED, RUNNING, EXITED, FAILED = range(1, 6)
TERMINAL, STDIN, KEEP_OUTPUT, STDOUT_ENDED, STDERR_ENDED, OOM, UNRECORDED = (1 << bit for bit in range(7))

FACTS = struct.Struct("<IIIIQIIqIIQQQQQ132sI")
SPOOL_HEADER = struct.Struct("<IIQQ")
OUTPUT_HEAD = struct.Struct("<IIIIQQQII")
CHUNK = struct.Struct("<IIQ")

BINARY = os.environ.get("SUPERVISOR_BINARY", "")
UNIFIED = Path("/sys/fs/cgroup/unified/cgroup.controllers")
#: How long a test waits for what must come. It is no measure of speed: the machine may be busy.
PATIENCE = 30.0


#: crun refuses a host that has cgroup v2 beside v1, so it gets a mount namespace without v2.
WITHOUT_UNIFIED = ["unshare", "--mount", "--propagation", "private", "sh", "-c"]
WITHOUT_UNIFIED += ['umount /sys/fs/cgroup/unified && exec "$@"', "sh"]


@dataclass
class Facts:
    """What is known of a process."""

    number: int
    state: int
    flags: int
    pid: int
    start_time: int
    wait_status: int
    oom_kills: int
    exit_seconds: int
    exit_nanoseconds: int
    reserved: int
    output_start: int
    output_end: int
    exit_output: int
    dropped: int
    input_offset: int
    name: str
    reserved2: int

    @classmethod
    def unpack(cls, data: bytes) -> Facts:
        values = list(FACTS.unpack(data))
        values[15] = values[15].rstrip(b"\0").decode()
        return cls(*values)

    @property
    def code(self) -> int:
        """As `waitpid` gives it: negative for a signal."""
        return os.waitstatus_to_exitcode(self.wait_status)


@dataclass
class Answer:
    error: int
    process: int
    value: int


@dataclass
class Piece:
    """A piece of output."""

    flags: int
    offset: int
    next: int
    dropped: int
    chunks: list[tuple[int, bytes]]


def chunks_of(data: bytes) -> list[tuple[int, int, bytes]]:
    """Stream, offset and bytes of each chunk."""
    found, at = [], 0
    while at < len(data):
        stream, length, offset = CHUNK.unpack_from(data, at)
        at += CHUNK.size
        found.append((stream, offset, data[at : at + length]))
        at += length
    return found


class Gone(Exception):
    """The supervisor closed the connection."""


@dataclass
class Connection:
    """One connection to a supervisor."""

    bundle: Path
    greet: bool = True
    pid: int = 0
    facts: dict[int, Facts] = field(default_factory=dict)
    history: list[Facts] = field(default_factory=list)
    answers: dict[int, Any] = field(default_factory=dict)
    tag: int = 0

    def __post_init__(self) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(PATIENCE)
        folder = os.open(self.bundle, os.O_PATH)
        try:
            self.socket.connect(f"/proc/self/fd/{folder}/supervisor.sock")
        finally:
            os.close(folder)
        if self.greet:
            tag = self.send(HELLO, struct.pack("<II", MAGIC, VERSION))
            version, self.pid, _ = self.wait_for(tag)
            assert version == VERSION

    def send(self, kind: int, body: bytes = b"") -> int:
        self.tag += 1
        self.socket.send(struct.pack("<II", kind, self.tag) + body)
        return self.tag

    def receive(self) -> None:
        """Takes one frame."""
        packet = self.socket.recv(70000)
        if not packet:
            raise Gone
        kind, tag = struct.unpack_from("<II", packet)
        if kind == HELLO_REPLY:
            self.answers[tag] = struct.unpack_from("<IIQ", packet, 8)
        elif kind == REPLY:
            self.answers[tag] = Answer(*struct.unpack_from("<IIQ", packet, 8))
        elif kind == PROCESS:
            facts = Facts.unpack(packet[8:])
            self.facts[facts.number] = facts
            self.history.append(facts)
        else:
            _, _, _, flags, offset, after, dropped, count, _ = OUTPUT_HEAD.unpack_from(packet)
            assert len(packet) == OUTPUT_HEAD.size + count
            chunks = [(stream, data) for stream, _, data in chunks_of(packet[OUTPUT_HEAD.size :])]
            self.answers[tag] = Piece(flags, offset, after, dropped, chunks)

    def wait_for(self, tag: int) -> Any:
        while tag not in self.answers:
            self.receive()
        return self.answers.pop(tag)

    def ask(self, kind: int, body: bytes = b"") -> Answer:
        return self.wait_for(self.send(kind, body))

    def watch(self) -> Connection:
        self.facts.clear()
        assert self.ask(WATCH).error == 0
        return self

    def wait_state(self, state: int, number: int = 0) -> Facts:
        """Waits until the process is at least so far."""
        while number not in self.facts or self.facts[number].state < state:
            self.receive()
        return self.facts[number]

    def start(self) -> Answer:
        return self.ask(START)

    def signal(self, number: int, process: int = 0) -> Answer:
        return self.ask(SIGNAL, struct.pack("<II", process, number))

    def read(self, offset: int, process: int = 0, limit: int = 32768, wait: bool = True, release: bool = False) -> Any:
        return self.wait_for(self.send_read(offset, process, limit, wait, release))

    def send_read(
        self, offset: int, process: int = 0, limit: int = 32768, wait: bool = True, release: bool = False
    ) -> int:
        return self.send(READ, struct.pack("<IIQBB6x", process, limit, offset, wait, release))

    def read_all(self, process: int = 0, offset: int = 0, release: bool = False) -> dict[int, bytes]:
        """Everything up to the end of both streams."""
        streams: dict[int, bytearray] = {1: bytearray(), 2: bytearray()}
        while True:
            piece = self.read(offset, process, release=release)
            for stream, data in piece.chunks:
                streams[stream] += data
            offset = piece.next
            if piece.flags & STDOUT_ENDED and piece.flags & STDERR_ENDED:
                return {stream: bytes(data) for stream, data in streams.items()}

    def read_until(self, text: bytes, process: int = 0, offset: int = 0) -> int:
        """Reads until the text has come, and says where it went on."""
        seen = b""
        while text not in seen:
            piece = self.read(offset, process)
            seen += b"".join(data for _, data in piece.chunks)
            assert piece.next > offset or text in seen, f"the output ended with {seen!r}"
            offset = piece.next
        return offset

    def input(self, offset: int, data: bytes, end: bool = False, process: int = 0) -> Answer:
        return self.wait_for(self.send_input(offset, data, end, process))

    def send_input(self, offset: int, data: bytes, end: bool = False, process: int = 0) -> int:
        return self.send(INPUT, struct.pack("<IIQII", process, end, offset, len(data), 0) + data)

    def exec(self, container: Container, name: str, args: list[str], flags: int = 0, limit: int = 0) -> Answer:
        return self.wait_for(self.send_exec(container, name, args, flags, limit))

    def send_exec(self, container: Container, name: str, args: list[str], flags: int = 0, limit: int = 0) -> int:
        process = dict(container.config["process"], args=args, terminal=bool(flags & TERMINAL))
        (container.bundle / "processes" / f"{name}.json").write_text(json.dumps(process))
        return self.send(EXEC, struct.pack("<IIQ132sI", flags, 0, limit, name.encode(), 0))

    def resize(self, rows: int, columns: int, process: int = 0) -> Answer:
        return self.ask(RESIZE, struct.pack("<IHH", process, rows, columns))

    def close(self) -> None:
        self.socket.close()


class Container:
    """A container of one test, which is gone when the test is."""

    def __init__(self, folder: Path, runtime: str, rootfs: Path, name: str) -> None:
        self.runtime, self.id = runtime, name
        self.bundle = folder / "bundle"
        self.root = folder / "root"
        self.cgroup = f"/windlass-test/{name}"
        self.bundle.mkdir(parents=True)
        self.config: dict[str, Any] = {
            "ociVersion": "1.0.2",
            "process": {
                "terminal": False,
                "user": {"uid": 0, "gid": 0},
                "args": ["true"],
                "env": ["PATH=/bin:/sbin", "TERM=xterm"],
                "cwd": "/",
            },
            "root": {"path": str(rootfs), "readonly": False},
            "hostname": "test",
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {
                    "destination": "/dev",
                    "type": "tmpfs",
                    "source": "tmpfs",
                    "options": ["nosuid", "mode=755", "size=64k"],
                },
                {
                    "destination": "/dev/pts",
                    "type": "devpts",
                    "source": "devpts",
                    "options": ["newinstance", "ptmxmode=0666", "mode=0620"],
                },
            ],
            "linux": {
                "cgroupsPath": self.cgroup,
                "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "network")],
                "resources": {},
            },
        }
        self.pid = 0

    @property
    def enter(self) -> list[str]:
        """What comes before a command that runs the runtime."""
        return WITHOUT_UNIFIED if self.runtime == "crun" and UNIFIED.exists() else []

    def launch(self, *args: str, terminal: bool = False, options: tuple[str, ...] = (), runtime: str = "") -> int:
        """Starts the supervisor; its exit code."""
        if args:
            self.config["process"]["args"] = list(args)
        self.config["process"]["terminal"] = terminal
        (self.bundle / "config.json").write_text(json.dumps(self.config))
        way = "fifo-read" if self.runtime == "runc" else "fifo-write"
        command = [BINARY, "--bundle", self.bundle, "--id", self.id, "--runtime", runtime or shutil.which(self.runtime)]
        command += ["--root", self.root, "--memory-events", self.memory_events, "--start", way, *options]
        if terminal:
            command.append("--terminal")
        result = subprocess.run([*self.enter, *command], stderr=subprocess.PIPE)
        self.error = result.stderr.decode()
        if result.returncode == 0:
            self.pid = int((self.bundle / "supervisor.pid").read_text().split()[0])
        return result.returncode

    def create(self, *args: str, terminal: bool = False, options: tuple[str, ...] = ()) -> Connection:
        """Launches, waits for the container, and returns a connection that watches."""
        assert self.launch(*args, terminal=terminal, options=options) == 0, self.error
        connection = Connection(self.bundle).watch()
        facts = connection.wait_state(CREATED)
        assert facts.state == CREATED, self.log()
        return connection

    def run(self, *args: str, terminal: bool = False, options: tuple[str, ...] = ()) -> Connection:
        """As `create`, and starts it."""
        connection = self.create(*args, terminal=terminal, options=options)
        answer = connection.start()
        assert answer.error == 0, errno.errorcode[answer.error]
        return connection

    def log(self, name: str = "init") -> str:
        path = self.bundle / "processes" / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def spool(self, name: str = "init") -> tuple[Facts, dict[int, bytes]]:
        """What the file has: the facts, and the output of each stream."""
        data = (self.bundle / "processes" / f"{name}.spool").read_bytes()
        magic, version, start, end = SPOOL_HEADER.unpack_from(data)
        assert (magic, version) == (MAGIC, VERSION)
        streams: dict[int, bytes] = {1: b"", 2: b""}
        for stream, _, piece in chunks_of(data[start:end]):
            streams[stream] += piece
        return Facts.unpack(data[SPOOL_HEADER.size : SPOOL_HEADER.size + FACTS.size]), streams

    @property
    def memory_events(self) -> str:
        if Path("/sys/fs/cgroup/memory").is_dir():
            return f"/sys/fs/cgroup/memory{self.cgroup}/memory.oom_control"
        return f"/sys/fs/cgroup{self.cgroup}/memory.events"

    def runtime_command(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*self.enter, self.runtime, "--root", self.root, *words], capture_output=True)

    def wait_gone(self) -> None:
        """Waits for the supervisor's end."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        ready = select.select([handle], [], [], PATIENCE)[0]
        os.close(handle)
        assert ready, "the supervisor does not end"

    def kill_supervisor(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.wait_gone()

    def remove(self) -> None:
        """Removes all, as a driver does, and asserts that the supervisor ended."""
        self.runtime_command("delete", "--force", self.id)
        for procs in Path("/sys/fs/cgroup").glob(f"*{self.cgroup}/cgroup.procs"):
            for pid in procs.read_text().split():
                os.kill(int(pid), signal.SIGKILL)
        if self.pid and Path(f"/proc/{self.pid}").exists():
            try:
                connection = Connection(self.bundle).watch()
                connection.wait_state(EXITED)
                assert connection.ask(CLOSE).error == 0
            except (Gone, OSError):
                pass
            self.wait_gone()
        for folder in Path("/sys/fs/cgroup").glob(f"*{self.cgroup}"):
            folder.rmdir()


def make_rootfs(folder: Path) -> Path:
    """A root file system of busybox."""
    for name in ("bin", "proc", "dev", "tmp", "etc", "root"):
        (folder / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", folder / "bin/busybox")
    os.chmod(folder / "bin/busybox", stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
    for applet in subprocess.check_output(["/bin/busybox", "--list"], text=True).split():
        if applet != "busybox":
            (folder / "bin" / applet).symlink_to("busybox")
    return folder

