"""Options of the form KIND,key=value,flag."""

from __future__ import annotations

import pytest

from ttd.host.options import OptionError, Options


def test_kind_keys_and_flags() -> None:
    options = Options.parse("--drive", "virtio,file=a,,b=c.img,readonly,size=0x10",
                            kinds=("virtio",))  # fmt: skip
    assert options.kind == "virtio"
    assert options.need("file") == "a,b=c.img"
    assert options.flag("readonly") and not options.flag("snapshot")
    assert options.number("size", 0) == 16
    assert options.choice("format", ("raw",), "raw") == "raw"
    options.done()


def test_addresses() -> None:
    options = Options.parse("--netdev", "local=:12,remote=[::1]:13")
    assert options.address("local") == ("127.0.0.1", 12)
    assert options.address("remote") == ("::1", 13)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("y", "'y' is none of x"),
        ("x,,a=b", "'x,a=b' is none of x"),
        ("x,", "empty part"),
        ("x,n=1,n=2", "n is given twice"),
        ("x,n=", "n is empty"),
        ("x,n=one", "n is a number, not 'one'"),
        ("x,n=11", "n goes from 0 to 10"),
        ("x,f=maybe", "f is on or off, not 'maybe'"),
        ("x,c=b", "c is one of a, not 'b'"),
        ("x,at=nowhere", "at is HOST:PORT, not 'nowhere'"),
        ("x,at=a:99999", "at is HOST:PORT"),
        ("x", "at=... is missing"),
        ("x,at=:1,z", "there is no 'z' here; there are n, f, c, at"),
    ],
)
def test_what_is_wrong_is_one_sentence(text: str, says: str) -> None:
    with pytest.raises(OptionError, match=f"^--opt {text.replace('.', '[.]')}: .*{says}"):
        options = Options.parse("--opt", text, kinds=("x",))
        options.number("n", 0, high=10)
        options.flag("f")
        options.choice("c", ("a",), "a")
        options.address("at")
        options.done()
