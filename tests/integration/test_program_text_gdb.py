"""Characters as GDB shows them: random rows of bytes."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

from ttd.program.show import text

ALPHABET = b"\0\1\x07\x08\n\x1b\x1c8901ag\"'\\~\x7f\x80\xd1\xff"


def test_random_texts(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    rows = [bytes(dice.choices(ALPHABET, k=dice.randrange(1, 12))) for _ in range(200)]
    rows += [bytes([dice.choice(ALPHABET)]) * dice.randrange(7, 14) + b"8" for _ in range(50)]
    lines = ["set host-charset ASCII", "set target-charset ASCII"]
    for row in rows:
        # The last byte is one that is not left out.
        many = ", ".join(f"(char){byte}" for byte in (*row, 120))
        lines += [f"output {{{many}}}", "echo \\n"]
    script = tmp_path / "script.gdb"
    script.write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        ["gdb-multiarch", "-nx", "-q", "-batch", "-x", str(script)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [text(row + b"x") for row in rows]
