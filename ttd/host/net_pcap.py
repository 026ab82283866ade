"""A capture as a network: its packets come in one after the other, and nobody listens."""

from __future__ import annotations

import time
from threading import Event, Thread, current_thread

from ttd.capture.pcap import PcapReader
from ttd.replay.net import PacketFlags, PacketQueue


class Capture:
    """Plays a pcap file in, once; it is read through at first, so that errors are known early.

    `in_time`: at the pace of its time stamps, in real time; otherwise as fast as the guest takes
    them. Raises `OSError` and `PcapError`.
    """

    def __init__(self, path: str, *, in_time: bool) -> None:
        self._in_time = in_time
        self._file = open(path, "rb")  # noqa: SIM115
        try:
            self._reader = PcapReader(self._file, path)
            start = self._file.tell()
            for _ in self._reader.packets():
                pass
            self._file.seek(start)
        except BaseException:
            self._file.close()
            raise
        self._end = Event()
        self._thread: Thread | None = None

    def start(self, on_packet: PacketQueue) -> None:
        """Begin to play."""
        self._thread = Thread(target=self._run, args=(on_packet,), name="ttd-pcap", daemon=True)
        self._thread.start()

    def send(self, packet: bytes) -> None:
        """Lost."""

    def close(self) -> None:
        """Play no more. What holds up the thread must have been let go of before."""
        self._end.set()
        if self._thread is not None and self._thread is not current_thread():
            self._thread.join(timeout=2)
        self._file.close()

    def _run(self, on_packet: PacketQueue) -> None:
        began, first = time.monotonic_ns(), None
        for stamp, packet in self._reader.packets():
            if first is None:
                first = stamp
            if self._in_time:
                self._end.wait(max(0, began + stamp - first - time.monotonic_ns()) / 1e9)
            if self._end.is_set():
                return
            on_packet(PacketFlags.RAW, (packet,))
