"""The recording file: what it keeps, and what it says of files that are not (whole) ones."""

import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.unit.recording_fill import CONFIG, IMAGE, fill, page, verify
from ttd.recording import recording as recording_module
from ttd.recording.blob import digest
from ttd.recording.errors import RecordingError
from ttd.recording.log import EventLog
from ttd.recording.recording import Recording
from ttd.recording.schema import sentence


@pytest.fixture
def finished(tmp_path: Path) -> str:
    path = str(tmp_path / "run.ttd")
    recording = Recording.create(path, CONFIG, {"fw.elf": IMAGE}, "ttd test")
    log = EventLog(recording)
    recording.file.set_devices(["uart0", "uart1"])
    fill(recording, log, 0, 20)
    recording.file.remarks.set_bookmark("crash", 1234, "here")
    recording.finish("the guest exited with code 3", 3, b"h" * 16)
    recording.close()
    return path


def test_what_was_recorded_is_read(finished: str) -> None:
    recording = Recording.open(finished)
    assert recording.config.board == "mps2"
    assert recording.config.options == {"semihosting": True}
    assert recording.file.created_by == "ttd test"
    assert recording.file.images() == {"fw.elf": IMAGE}
    assert recording.config.images == {"fw.elf": digest(IMAGE)}
    assert recording.file.devices == ["uart0", "uart1"]
    status = recording.status
    assert (status.steps, status.virtual_ns, status.events) == (20_000, 800_000, 200)
    assert (status.complete, status.exit_code) == (True, 3)
    assert status.reason == "the guest exited with code 3"
    assert status.state_hash == b"h" * 16
    assert len(recording.snapshots) == 20
    assert recording.file.remarks.bookmarks() == {"crash": (0, 1234, "here")}
    verify(recording)
    recording.close()


def test_one_file_is_left(finished: str) -> None:
    assert os.listdir(os.path.dirname(finished)) == ["run.ttd"]
    recording = Recording.open(finished)
    verify(recording)
    assert os.listdir(os.path.dirname(finished)) == ["run.ttd"]
    recording.close()


def test_a_finished_recording_does_not_change_but_for_bookmarks(finished: str) -> None:
    recording = Recording.open(finished)
    with pytest.raises(RecordingError, match="finished"):
        recording.put_page(b"x")
    recording.file.remarks.set_bookmark("start", 0)
    recording.file.remarks.delete_bookmark("crash")
    assert recording.file.remarks.bookmarks() == {"start": (0, 0, "")}
    recording.close()


def test_a_growing_recording_is_read_by_its_recorder_at_once() -> None:
    recording = Recording.create(None, CONFIG)
    log = EventLog(recording)
    for start in range(0, 9, 3):
        fill(recording, log, start, 3)
        verify_log = [event.step for _, event in log.select()]
        assert verify_log == list(range(0, (start + 3) * 1000, 100))
        assert recording.snapshot_state(start)["step"] == start * 1000
        assert next(recording.pages([digest(page(start * 11))])) == page(start * 11)
    recording.finish("done")
    assert recording.snapshot_state(8)["step"] == 8000
    recording.close()


def test_pages_are_stored_once(tmp_path: Path) -> None:
    path = str(tmp_path / "run.ttd")
    recording = Recording.create(path, CONFIG)
    for _ in range(2000):
        recording.put_page(random.Random(1).randbytes(4096))
    recording.commit(1, 1)
    recording.finish("done")
    recording.close()
    assert os.path.getsize(path) < 80_000


def test_a_snapshot_comes_after_its_events() -> None:
    recording = Recording.create(None, CONFIG)
    with pytest.raises(RecordingError, match="before the events"):
        recording.add_snapshot(5, 1, 0, b"", {}, [])
    recording.close()


# --- other people's files


def test_a_file_that_is_no_recording_is_neither_opened_nor_replaced(tmp_path: Path) -> None:
    database = tmp_path / "other.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    text = tmp_path / "text"
    text.write_text("hello " * 100)
    for path in (str(database), str(text)):
        before = Path(path).read_bytes()
        with pytest.raises(RecordingError, match="not a ttd recording"):
            Recording.open(path)
        with pytest.raises(RecordingError, match="not overwritten"):
            Recording.create(path, CONFIG)
        assert Path(path).read_bytes() == before
    with pytest.raises(RecordingError, match="No such file"):
        Recording.open(str(tmp_path / "missing"))
    with pytest.raises(RecordingError):
        Recording.open(str(tmp_path))
    with pytest.raises(RecordingError, match="not a file"):
        Recording.create(str(tmp_path), CONFIG)
    with pytest.raises(RecordingError, match=r"No such file|unable to open"):
        Recording.create(str(tmp_path / "no" / "folder"), CONFIG)


@pytest.mark.parametrize(("flag", "why"), [(0, "Permission denied"), (1, "Read-only file system")])
def test_why_nothing_can_be_written_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: int, why: str
) -> None:
    assert os.ST_RDONLY == 1
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=flag))
    with pytest.raises(RecordingError, match=why):
        Recording.create(str(tmp_path / "run.ttd"), CONFIG)


def test_a_recording_is_replaced_with_its_leftovers(finished: str) -> None:
    Path(finished + "-wal").write_bytes(b"rubbish")
    recording = Recording.create(finished, CONFIG)
    recording.commit(0, 0)
    recording.finish("short")
    recording.close()
    again = Recording.open(finished)
    assert again.status.reason == "short"
    again.close()


def test_a_log_of_another_recording_stays_out(finished: str, tmp_path: Path) -> None:
    """The recorder at that name was killed, then a whole recording was moved to the name."""
    made = str(tmp_path / "made.ttd")
    recording = Recording.create(made, CONFIG, {"other.elf": IMAGE})
    fill(recording, EventLog(recording), 0, 7)
    assert recording.snapshot_state(6)  # waits for the writer
    shutil.copyfile(made + "-wal", finished + "-wal")
    recording.close()
    before = Path(finished).read_bytes(), Path(finished + "-wal").read_bytes()
    again = Recording.open(finished)
    assert again.status.reason == "the guest exited with code 3"
    verify(again)
    with pytest.raises(RecordingError, match=r"run\.ttd-wal is not of "):
        again.file.remarks.add_note("today", "seen")
    again.close()
    assert (Path(finished).read_bytes(), Path(finished + "-wal").read_bytes()) == before
    recording = Recording.create(finished, CONFIG)
    fill(recording, EventLog(recording), 0, 1)
    recording.finish("short")
    recording.close()
    again = Recording.open(finished)
    assert (again.status.reason, again.status.steps) == ("short", 1000)
    again.close()


def test_another_version_is_named(finished: str) -> None:
    data = bytearray(Path(finished).read_bytes())
    data[63] = 9
    Path(finished).write_bytes(data)
    with pytest.raises(RecordingError, match="version 9, this ttd reads 1 to 3"):
        Recording.open(finished)


def test_a_trigger_or_view_in_a_file_is_refused(finished: str) -> None:
    with sqlite3.connect(finished) as connection:
        connection.execute("CREATE VIEW v AS SELECT * FROM meta")
    connection.close()
    with pytest.raises(RecordingError, match="tables of a recording"):
        Recording.open(finished)


def test_rows_that_go_missing_are_noticed(finished: str, tmp_path: Path) -> None:
    for number, sql in enumerate(
        (
            "DELETE FROM chunks",
            "DELETE FROM snapshots WHERE id = 7",
            "DELETE FROM snapshots WHERE id = 19",
            "DELETE FROM snapshots",
            "DELETE FROM pages WHERE id = 3",
            "DELETE FROM images",
            "DELETE FROM branches",
            "UPDATE snapshots SET step = step + 1 WHERE id = 4",
            "UPDATE snapshots SET state = (SELECT state FROM snapshots WHERE id = 2) WHERE id = 4",
            "UPDATE chunks SET last_step = 5",
            "UPDATE meta SET data = (SELECT data FROM meta WHERE name = 'devices')",
            "UPDATE pages SET data = x'00'",
            "UPDATE pages SET data = x'ffffffff00'",
        )
    ):
        path = str(tmp_path / f"copy{number}.ttd")
        shutil.copyfile(finished, path)
        connection = sqlite3.connect(path)
        with connection:
            connection.execute(sql)
        connection.close()
        with pytest.raises(RecordingError) as error:
            recording = Recording.open(path)
            try:
                verify(recording)
            finally:
                recording.close()
        assert "\n" not in str(error.value), sql


@pytest.mark.parametrize("first_gone", [0, 2, 4])
def test_the_latest_snapshots_cannot_go_missing(tmp_path: Path, first_gone: int) -> None:
    """In a recording that was cut off too, where those that waited to be written are not there."""
    path = str(tmp_path / "run.ttd")
    recording = Recording.create(path, CONFIG, {"fw.elf": IMAGE})
    fill(recording, EventLog(recording), 0, 5)
    recording.close()
    whole = Recording.open(path)
    assert (whole.status.complete, whole.status.snapshots) == (False, 5)
    whole.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM snapshots WHERE id >= ?", (first_gone,))
    with pytest.raises(RecordingError, match="a snapshot is missing"):
        Recording.open(path)


def open_and_verify(path: str) -> None:
    """Either it is as it was written, or it is refused with one sentence."""
    try:
        recording = Recording.open(path)
    except RecordingError as error:
        assert "\n" not in str(error)
        return
    try:
        verify(recording)
    except RecordingError as error:
        assert "\n" not in str(error)
    finally:
        recording.close()


def test_cut_at_any_place(finished: str, tmp_path: Path) -> None:
    data = Path(finished).read_bytes()
    path = tmp_path / "cut.ttd"
    places = {*range(0, 120, 7), *range(0, len(data), len(data) // 60), len(data) - 1}
    for keep in sorted(places):
        path.write_bytes(data[:keep])
        with pytest.raises(RecordingError):
            recording = Recording.open(str(path))
            try:
                verify(recording)
            finally:
                recording.close()


@pytest.mark.parametrize("seed", range(60))
def test_flipped_bytes_anywhere(finished: str, tmp_path: Path, seed: int) -> None:
    print("seed", seed)
    rng = random.Random(seed)
    data = bytearray(Path(finished).read_bytes())
    # Half of the damage goes where SQLite keeps its structure: the first bytes of its pages.
    for _ in range(rng.choice((1, 1, 3, 20))):
        at = rng.randrange(len(data))
        if rng.random() < 0.5:
            at = at // 4096 * 4096 + rng.randrange(120)
        data[at % len(data)] = rng.randrange(256)
    path = tmp_path / "damaged.ttd"
    path.write_bytes(data)
    open_and_verify(str(path))


def test_state_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_module, "_MAX_STATE", 100)
    recording = Recording.create(None, CONFIG)
    with pytest.raises(RecordingError, match="too large"):
        recording.add_snapshot(0, 0, 0, b"", {"ram": bytes(200)}, [])
    recording.close()


def test_what_sqlite_quotes_of_a_damaged_file_stays_on_one_line() -> None:
    error = sqlite3.OperationalError("Could not decode to UTF-8 column 'x' with text '\n\x1b[2J'")
    assert str(sentence("run.ttd", error)) == (
        "run.ttd is damaged (Could not decode to UTF-8 column 'x' with text '??[2J')"
    )


def test_a_state_like_the_others_costs_little(tmp_path: Path) -> None:
    """Of 64 states that differ little, the first stands as it is."""
    path = tmp_path / "run.ttd"
    recording = Recording.create(str(path), CONFIG)
    device = random.Random(5).randbytes(2000)
    states = [{"device": device, "count": 12345 * number} for number in range(130)]
    for step, state in enumerate(states):
        recording.add_snapshot(step, 0, step, b"h" * 16, state, [])
    recording.commit(len(states), 0)
    recording.finish("done")
    recording.close()
    db = sqlite3.connect(path)
    sizes = [size for (size,) in db.execute("SELECT length(state) FROM snapshots ORDER BY id")]
    db.close()
    assert [number for number, size in enumerate(sizes) if size > 150] == [0, 64, 128]
    again = Recording.open(str(path))
    for number in (129, 64, 1, 63, 0, 65):
        assert again.snapshot_state(number) == states[number]
    again.close()
