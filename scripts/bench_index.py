"""What `ttd index` takes, and how long questions take afterwards."""

from __future__ import annotations

import os
import shutil
import statistics
from collections.abc import Iterator
from pathlib import Path

from bench_back import clock, served
from bench_speed import TTD, Numbers, Took, timed

from ttd.recording.recording import Recording

QUESTIONS = {"last": "last rare_var", "writes": "writes rare_var", "calls": "calls write_rare"}
"""By short names."""
ORIGIN_AT = 100_000_000
"""A step; the value goes back to the beginning."""
TRIES = 5


def indexed(recording: Path) -> Numbers:
    """Of a recording of the benchmark firmware, which stays as it is."""
    replay = timed([TTD, "replay", str(recording)])
    found: Numbers = {"index_replay_cpu_s": replay.cpu}
    copy = recording.with_name("indexed.ttd")
    for jobs in (2, 1):
        shutil.copy(recording, copy)
        took = timed([TTD, "index", str(copy), "--jobs", str(jobs)])
        found |= {f"index_{jobs}_s": took.wall, f"index_{jobs}_cpu_s": took.cpu}
    found |= _commands(recording, "origin", ["origin", "rare_var", "--at", f"{ORIGIN_AT}"])
    found["index_bytes"] = Recording.open(str(copy)).known_bytes()
    found["index_recording_bytes"] = os.path.getsize(recording)
    for name, words in QUESTIONS.items():
        found |= _commands(copy, name, words.split())
        found |= _session(copy, name, words)
    return found


def _commands(recording: Path, name: str, words: list[str]) -> Numbers:
    """As a whole command, the first since the recording was indexed."""
    took: list[Took] = []
    for _ in range(TRIES):
        fresh = Path(shutil.copy(recording, recording.with_name("asked.ttd")))
        took.append(timed([TTD, "ask", str(fresh), *words]))
    return {
        f"ask_{name}_s": statistics.median(each.wall for each in took),
        f"ask_{name}_cpu_s": statistics.median(each.cpu for each in took),
    }


def _session(recording: Path, name: str, words: str) -> Numbers:
    """In a debugger's session: the first question of all, and the same again."""
    fresh = Path(shutil.copy(recording, recording.with_name("asked.ttd")))
    with served(fresh) as client:
        client.goto("end")
        first, again = (clock(lambda: client.monitor(words)) for _ in range(2))
    return {f"session_{name}_s": first, f"session_{name}_again_s": again}


def index_rows(n: Numbers) -> Iterator[tuple[str, str, str]]:
    """The lines of the table: title, value and goal."""
    replay, one = n["index_replay_cpu_s"], n["index_1_cpu_s"]
    yield (
        "ttd index --jobs 1, replay: processors",
        f"{one:.2f} / {replay:.2f} s = {one / replay:.1f}",
        "8",
    )
    walls = n["index_2_s"], n["index_1_s"]
    yield "... --jobs 2, --jobs 1: time", "{:.2f} / {:.2f} s".format(*walls), "half"
    yield (
        "... adds to the file, of",
        f"{n['index_bytes'] / 1024:.1f}, {n['index_recording_bytes'] / 1024:.0f} KiB",
        f"{0.03 * n['steps'] / 1000 / 1024:.1f}",
    )
    yield (
        f"ttd origin run.ttd rare_var --at {ORIGIN_AT}: time, processors",
        f"{1e3 * n['ask_origin_s']:.0f}, {1e3 * n['ask_origin_cpu_s']:.0f} ms",
        "2000 ms",
    )
    for name, words in QUESTIONS.items():
        yield (
            f"ttd {words.replace(' ', ' run.ttd ')}, then: time, processors",
            f"{1e3 * n[f'ask_{name}_s']:.0f}, {1e3 * n[f'ask_{name}_cpu_s']:.0f} ms",
            "100 ms",
        )
        both = (1e3 * n[f"session_{name}{key}_s"] for key in ("", "_again"))
        yield "... in a debugger: first, again", "{:.0f}, {:.0f} ms".format(*both), "100, 100 ms"
