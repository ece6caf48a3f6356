"""A PostgreSQL of the tests' own: Debian's programs, a temporary folder, a free port of loopback, no privileges."""

import contextlib
import itertools
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

PASSWORD = "hunter2-of-the-tests"


def programs():
    """The folder of `postgres` and `initdb`. Without one the test is skipped; where CI is set it fails instead."""
    found = shutil.which("postgres")
    if found:
        return Path(found).resolve().parent
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: float(each.parent.name)):
        if (folder / "postgres").exists():
            found = folder
    if found:
        return found
    why = "PostgreSQL is not installed; on Debian: apt-get install postgresql"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


def free_port():
    """A port that nobody listens on, and below those that connections take, so that a stopped server finds it free."""
    while True:
        port = random.SystemRandom().randrange(15_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class LocalPostgres:
    """A server that can be stopped, killed and started again, with any number of databases."""

    def __init__(self, folder):
        self.bin, self.data, self.log = programs(), folder / "data", folder / "log"
        self.user = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            who = pwd.getpwnam("postgres" if "postgres" in {each.pw_name for each in pwd.getpwall()} else "nobody")
            os.chown(folder, who.pw_uid, who.pw_gid)
            self.user = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        self.port = free_port()
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        options = ["--auth=scram-sha-256", f"--pwfile={secret}", "--username=unweave", "--no-sync", "--encoding=UTF8"]
        made = subprocess.run(
            [self.bin / "initdb", "-D", self.data, *options, "--locale=C"],
            cwd=folder, capture_output=True, text=True, **self.user,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        self._names = (f"store_{number}" for number in itertools.count())
        self._process = None

    def start(self):
        """Start it and wait until it answers."""
        # What the write-ahead log holds is written out only by whoever commits durably, not soon after by itself.
        settings = {"fsync": "off", "wal_writer_delay": "10s", "unix_socket_directories": "", "port": self.port}
        settings |= {"listen_addresses": "127.0.0.1", "max_connections": "40", "shared_buffers": "16MB"}
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [self.bin / "postgres", "-D", self.data, *options], stdout=log, stderr=log, cwd="/", **self.user
            )
        deadline = time.monotonic() + 300
        while True:
            with contextlib.suppress(psycopg.OperationalError), self.connect("postgres"):
                return
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, "PostgreSQL did not answer within five minutes"
            time.sleep(0.02)

    def stop(self, how=signal.SIGINT):
        """End it: SIGINT closes connections and writes all out; SIGQUIT is a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=300)
            self._process = None

    def freeze(self):
        """Stop all its processes where they are: connections stay open, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self):
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, which):
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for process in (self._process.pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):  # one that ended meanwhile
                os.kill(process, which)

    def connect(self, database):
        """A connection of the owner, which commits every statement."""
        return psycopg.connect(self.url(database).replace("+psycopg", ""), autocommit=True)

    def url(self, database, password=PASSWORD):
        """The URL of a database, as a store takes it."""
        return f"postgresql+psycopg://unweave:{password}@127.0.0.1:{self.port}/{database}"

    def new(self):
        """The URL of a new, empty database."""
        name = next(self._names)
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


@contextlib.contextmanager
def local_postgres():
    """A running server; it ends and its folder goes with the block."""
    programs()
    memory = Path("/dev/shm")  # a new database is a thousand small files
    room = memory if memory.is_dir() and shutil.disk_usage(memory).free > 2**30 else None
    folder = Path(tempfile.mkdtemp(prefix="unweave-postgres-", dir=room))
    server = None
    try:
        server = LocalPostgres(folder)
        server.start()
        yield server
    finally:
        if server is not None:
            server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)
