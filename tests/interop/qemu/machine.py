"""QEMU without a guest: its qtest socket reads and writes memory and ports, its QMP socket answers questions."""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

TIMEOUT = 20.0

# at the reset vector, 16 bytes before the end: cli; hlt; jmp back to the hlt
FIRMWARE = bytes(0x10000 - 16) + b"\xfa\xf4\xeb\xfd" + bytes(12)
"""A processor that does nothing. Distributions leave the accelerator out that has no processor."""


class QemuError(Exception):
    """QEMU did not start, or did not understand."""


class Line:
    """A socket that is spoken to line by line."""

    def __init__(self, listener: socket.socket, process: subprocess.Popen[bytes]) -> None:
        listener.settimeout(0.1)
        end = time.monotonic() + TIMEOUT
        while True:
            try:
                self._socket, _ = listener.accept()
                break
            except TimeoutError:
                if process.poll() is not None or time.monotonic() > end:
                    raise QemuError("QEMU does not connect") from None
        self._socket.settimeout(TIMEOUT)
        self._rest = b""

    def send(self, text: str) -> None:
        """Send one line."""
        self._socket.sendall(text.encode() + b"\n")

    def receive(self) -> str:
        """The next line."""
        while b"\n" not in self._rest:
            data = self._socket.recv(1 << 16)
            if not data:
                raise QemuError("QEMU has closed the connection")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class Machine:
    """A machine with these devices and no guest; a context manager."""

    def __init__(self, program: str, arguments: Sequence[str]) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="virtwire-qemu-")
        top = Path(self._directory.name)
        listeners = {name: _listen(top / name) for name in ("qtest", "qmp")}
        (top / "firmware").write_bytes(FIRMWARE)
        command = [
            program,
            "-machine",
            "q35,accel=tcg",
            "-display",
            "none",
            "-nodefaults",
            "-m",
            "64M,slots=2,maxmem=1G",
        ]
        command += ["-bios", str(top / "firmware")]
        for name in listeners:
            command += ["-chardev", f"socket,id={name},path={top / name}"]
        command += ["-qtest", "chardev:qtest", "-mon", "chardev=qmp,mode=control", *arguments]
        with (top / "stderr").open("wb") as errors:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        self._lines: list[Line] = []
        try:
            for listener in listeners.values():
                self._lines.append(Line(listener, self._process))
            self._qtest, self._qmp = self._lines
            json.loads(self._qmp.receive())
            self.ask("qmp_capabilities")
        except (OSError, QemuError) as error:
            self._process.kill()
            self._process.wait()
            said = (top / "stderr").read_text("utf-8", "replace").strip()
            self.stop()
            raise QemuError(f"{error}: {said}") from None
        finally:
            for listener in listeners.values():
                listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End QEMU, and remove what it used."""
        for line in self._lines:
            line.close()
        self._process.kill()
        self._process.wait()
        self._directory.cleanup()

    # --- QMP ----------------------------------------------------------------------------------------------

    def ask(self, command: str, **arguments: Any) -> Any:
        """A QMP command's result."""
        message: dict[str, Any] = {"execute": command}
        if arguments:
            message["arguments"] = arguments
        self._qmp.send(json.dumps(message))
        while True:
            answer = json.loads(self._qmp.receive())
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise QemuError(f"{command}: {answer['error']['desc']}")

    # --- memory and ports ---------------------------------------------------------------------------------

    def _command(self, text: str) -> str:
        self._qtest.send(text)
        while True:
            line = self._qtest.receive()
            if line.startswith("IRQ"):
                continue
            word, _, rest = line.partition(" ")
            if word != "OK":
                raise QemuError(f"{text[:60]}: {line}")
            return rest

    def read_number(self, address: int, size: int) -> int:
        """An integer in memory, by one access of that size, as the CPU would read it."""
        return int(self._command(f"read{'_bw_l___q'[size]} {address:#x}"), 16)

    def write_number(self, address: int, size: int, value: int) -> None:
        """Write an integer to memory by one access of that size."""
        self._command(f"write{'_bw_l___q'[size]} {address:#x} {value:#x}")

    def read(self, address: int, size: int) -> bytes:
        """Bytes of memory."""
        return bytes.fromhex(self._command(f"read {address:#x} {size:#x}")[2:]) if size else b""

    def write(self, address: int, data: bytes) -> None:
        """Write bytes to memory."""
        if data:
            self._command(f"write {address:#x} {len(data):#x} 0x{data.hex()}")

    def read_port(self, port: int, size: int) -> int:
        """Read an I/O port."""
        return int(self._command(f"in{'_bw_l'[size]} {port:#x}"), 16)

    def write_port(self, port: int, size: int, value: int) -> None:
        """Write an I/O port."""
        self._command(f"out{'_bw_l'[size]} {port:#x} {value:#x}")

    def wait(self, what: str, ready: Any) -> None:
        """Wait until `ready()` is true."""
        end = time.monotonic() + TIMEOUT
        while not ready():
            if time.monotonic() > end:
                raise QemuError(f"{what}: nothing happens")
            time.sleep(0.002)


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(1)
    return listener
