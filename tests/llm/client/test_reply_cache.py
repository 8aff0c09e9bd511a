"""The cache of replies: written at once, shared by processes, claims of the dead are void."""

import multiprocessing
import os
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from m2m.llm.client import reply_cache
from m2m.llm.client.reply_cache import CachedReply, ModelUsage, ReplyCache, cache_folder

ROW = CachedReply("a" * 64, "m", "fp", "{}", "raw", 3, 4)


def holder(folder: Path, ready: Any) -> None:
    with closing(ReplyCache(folder)) as replies, replies.claimed(ROW.key):
        replies.keep(ROW)
        ready.set()
        signal.pause()


def test_the_cache_is_in_the_repository_of_the_person_also_from_a_queue_copy(llm_home: Path) -> None:
    assert cache_folder() == llm_home / ".cache/llm"


def test_of_two_replies_for_one_request_the_first_stays(tmp_path: Path) -> None:
    with closing(ReplyCache(tmp_path)) as replies:
        replies.keep(ROW)
        replies.keep(ROW._replace(reply="another"))
        assert replies.read([ROW.key, "b" * 64]) == {ROW.key: "raw"}
        assert replies.holdings() == [ModelUsage("m", 1, 3, 4)]


def test_more_keys_than_one_query_takes_are_read(tmp_path: Path) -> None:
    keys = [f"{number:064x}" for number in range(1203)]
    with closing(ReplyCache(tmp_path)) as replies:
        rows = [(key,) for key in keys]
        replies.database.execute("begin")  # one for all: the disk is waited for once
        replies.database.executemany("insert into replies (key, reply) values (?, 'raw')", rows)
        replies.database.execute("commit")
        assert replies.read(keys) == dict.fromkeys(keys, "raw")


def test_a_claim_keeps_other_processes_out_until_its_own_is_killed_and_what_that_kept_is_there(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    other = context.Process(target=holder, args=(tmp_path, ready))
    with closing(ReplyCache(tmp_path)) as replies:
        other.start()
        assert ready.wait(60)
        with replies.claimed(ROW.key) as ours:
            assert not ours
        with replies.claimed("b" * 64) as ours:
            assert ours
        os.kill(other.pid, signal.SIGKILL)
        other.join()
        with replies.claimed(ROW.key) as ours:
            assert ours
        assert replies.read([ROW.key]) == {ROW.key: "raw"}


def test_what_was_spent_is_every_try_that_may_have_been_paid_at_its_cost_or_the_most_it_can_be(tmp_path: Path) -> None:
    with closing(ReplyCache(tmp_path)) as replies:
        told, in_vain, refused, _cut_short, _of_another = [replies.begin(key, 100) for key in "aaaab"]
        replies.end(told, 7)
        replies.end(in_vain, 5)
        replies.end(refused, None)
    with closing(ReplyCache(tmp_path)) as replies:
        assert replies.spent(["a", "c"]) == (3, 112)
        assert replies.spent([]) == (0, 0)


def test_a_full_database_is_one_sentence_and_what_it_has_can_be_read(tmp_path: Path) -> None:
    with closing(ReplyCache(tmp_path)) as replies:
        replies.keep(ROW)
        replies.database.execute("pragma max_page_count = 1")
        with pytest.raises(OSError, match=r"replies.db cannot be used \(database or disk is full\): free some space"):
            replies.keep(ROW._replace(key="b" * 64, reply="x" * 100_000))
        assert replies.read([ROW.key]) == {ROW.key: "raw"}


@pytest.mark.parametrize("damage", ["head", "pages"])
def test_a_damaged_database_is_found_before_anything_is_asked(tmp_path: Path, damage: str) -> None:
    with closing(ReplyCache(tmp_path)) as replies:
        for number in range(300):
            replies.keep(ROW._replace(key=f"{number:064}", reply="x" * 500))
    path = tmp_path / "replies.db"
    data = bytearray(path.read_bytes())
    begin = 0 if damage == "head" else 4096
    data[begin : begin + 4096 * 8] = b"\xff" * 4096 * 8
    path.write_bytes(data)
    with pytest.raises(OSError, match=r"replies.db cannot be used \(.+\): save what is left with `sqlite3"):
        ReplyCache(tmp_path)


def test_a_disk_that_is_nearly_full_stops_before_the_next_reply_is_paid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(ReplyCache(tmp_path)) as replies:
        replies.require_space()
        monkeypatch.setattr(reply_cache, "LEAST_FREE_BYTES", 2**60)
        with pytest.raises(
            OSError, match=r"MiB left, and \d+ MiB are needed to keep the next replies: free some space"
        ):
            replies.require_space()
