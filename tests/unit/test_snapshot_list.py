"""What a history knows of its stored snapshots, in columns."""

from __future__ import annotations

import pytest

from ttd.recording.index import SnapshotInfo, SnapshotList


def listed(*infos: SnapshotInfo) -> SnapshotList:
    found = SnapshotList()
    for info in infos:
        found.append(info)
    return found


INFOS = [SnapshotInfo(n, n * 10, n * 3, n * 400, bytes([n]) * 16) for n in range(5)]


def test_what_is_put_in_comes_out() -> None:
    all_of_them = listed(*INFOS)
    assert list(all_of_them) == INFOS
    assert (all_of_them[-1], len(all_of_them)) == (INFOS[-1], 5)
    with pytest.raises(IndexError):
        _ = all_of_them[5]


def test_a_beginning_is_a_list_of_its_own() -> None:
    all_of_them = listed(*INFOS)
    some = all_of_them.first(2)
    some.append(INFOS[2]._replace(hash=bytes(16)))
    assert list(all_of_them) == INFOS
    assert list(some)[:2] == INFOS[:2]
    assert (all_of_them.in_common(some), some.in_common(all_of_them)) == (2, 2)
    assert all_of_them.in_common(all_of_them.first(3)) == 3
    assert list(all_of_them.first(9)) == INFOS
