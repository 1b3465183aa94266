"""A monitor with a guest that talks on the serial port, which is the monitor's standard input and output."""

import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import time


class GuestFailed(Exception):
    """The guest or its monitor did not do what it was asked for."""


class GuestConsole:
    """Starts the monitor; a context manager that ends it."""

    def __init__(self, command, patience=120):
        self.command = command
        self.patience = patience
        self._pending = b""
        self.seen = []
        self.began = time.monotonic()
        self._complaints = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints, bufsize=0
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.process.stdout, selectors.EVENT_READ)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self._selector.close()
        self._complaints.close()

    @property
    def identifier(self):
        return self.process.pid

    def complaints(self):
        """What the monitor wrote on standard error."""
        self._complaints.seek(0)
        return self._complaints.read().decode(errors="replace").strip()

    def line(self):
        """The guest's next line."""
        deadline = time.monotonic() + self.patience
        while b"\n" not in self._pending:
            rest = deadline - time.monotonic()
            part = b""
            if rest > 0 and self._selector.select(rest):
                part = os.read(self.process.stdout.fileno(), 65536)
            if not part:
                why = f"said nothing for {self.patience} s" if self.process.poll() is None else "ended"
                name = os.path.basename(self.command[0])
                raise GuestFailed(f"{name} {why}; it said {self.complaints()}; last lines: {self.seen[-5:]}")
            self._pending += part
        line, self._pending = self._pending.split(b"\n", 1)
        text = line.decode(errors="replace").strip("\r")
        self.seen.append(text)
        return text

    def until(self, *beginnings):
        """The next line that has one of these words in it, from that word on. What firmware prints before is dropped."""
        while True:
            line = self.line()
            for beginning in beginnings:
                if beginning in line:
                    return line[line.index(beginning) :]

    def send(self, text):
        self.process.stdin.write(text.encode() + b"\n")

    def freeze(self):
        """Stops the monitor until `awake`: a guest that waits for a command polls, and would take a processor from others."""
        self.process.send_signal(signal.SIGSTOP)

    @contextlib.contextmanager
    def awake(self):
        self.process.send_signal(signal.SIGCONT)
        try:
            yield
        finally:
            self.freeze()

    def wait_for_end(self):
        return self.process.wait(timeout=self.patience)


class BareGuest(GuestConsole):
    """The small 32-bit guest (Tests/BareGuest/README.md)."""

    def __init__(self, command, patience=120):
        super().__init__(command, patience)
        self.until("bare: ready")
        if any("microvm" in word for word in command):
            # QEMU's microvm has PCI only through memory, and no table that says where.
            self.ask("ecam 0xe0000000")
            self.ask("pci-via ecam")
            self.ask("scan")

    def ask(self, command):
        """Sends a command; its answer's key=value words as a dictionary."""
        self.send(command)
        name = command.split()[0]
        answer = self.until(f"ok {name}", f"error {name}")
        if not answer.startswith("ok"):
            raise GuestFailed(f"{self.command[0]}: {answer}")
        return dict(word.split("=", 1) for word in answer.split() if "=" in word)
