"""What UARTs have in common: the wire to the host side, both ways."""

from __future__ import annotations

from ttd.devices.chars import RETRY_NS, CharFront, is_lost
from ttd.devices.declared import Declared
from ttd.engine.receiver import Receiver


class Uart(Declared):
    """A device that sends and receives bytes.

    What the host side refuses waits in the device (`offer`) and is offered again later. Bytes come
    when the host side has some, but not faster than the wire brings them (`Receiver`): what is
    pasted or piped in must not overrun software that keeps up with a wire.

    Subclasses declare what a byte that comes does (`Receiving`), say how fast and how many in
    `derive` (`Receiver.is_paced`), and send again in `send_again`.
    """

    front: CharFront
    retry_at: int | None = None

    @property
    def receiver(self) -> Receiver:
        """The receiving half."""
        assert self.registers is not None
        return self.registers.receiver

    def plug(self, front: CharFront) -> None:
        """Connect the host side."""
        self.front = front
        self.send_to(front)
        front.connect(self.receive, self.can_receive, self.receiver)

    # -- sending -------------------------------------------------------------------------

    def offer(self, data: bytes) -> bytes:
        """Offer bytes to the host side; returns what it does not take now."""
        taken = self.front.write(data)
        left = b"" if is_lost(taken) else data[max(0, taken) :]
        # A deadline in virtual time, not a signal from the host: the guest sees room again at the
        # same step in every replay, with only the result of `write` recorded.
        self.retry_at = self.clock.now() + RETRY_NS if left else None
        self.clock.rearm()
        return left

    def send_again(self) -> None:
        """Offer once more what waits, and let everybody see what has become of it."""
        raise NotImplementedError

    # -- receiving -----------------------------------------------------------------------

    @property
    def rx_at(self) -> int | None:
        """When the wire can bring the next byte; None: at any time."""
        return self.receiver.wire_at

    @rx_at.setter
    def rx_at(self, at: int | None) -> None:
        self.receiver.wire_at = at

    @property
    def rx(self) -> bytes:
        """What the receive FIFO holds."""
        return self.receiver.fifo

    @rx.setter
    def rx(self, data: bytes) -> None:
        self.receiver.fifo = data

    @property
    def unread(self) -> bytes:
        """What has come in and has not been read, the next byte first."""
        return self.rx

    def can_receive(self) -> int:
        """How many bytes the wire can bring now without losing any."""
        return int(self.receiver.can_receive)

    def receive(self, data: bytes) -> None:
        """Bytes from the wire; what happens to more than `can_receive()` is the device's."""
        for byte in data:
            self.receiver.arrive(byte)

    # -- time ----------------------------------------------------------------------------

    def deadline(self) -> int | None:
        times = (self.retry_at, self.receiver.deadline, super().deadline())
        return min((at for at in times if at is not None), default=None)

    def expire(self) -> None:
        self.receiver.expire()
        super().expire()
        if self.retry_at is not None and self.clock.now() >= self.retry_at:
            self.send_again()
