"""The cache: one file that processes share, never a wrong answer, never one paid for twice."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import token_difr.rollouts.cache as caching
from interruptible import interruptible
from patience import PATIENCE_SECONDS
from token_difr import cli
from token_difr.rollouts import RolloutCache, RolloutsClient, StoreError
from token_difr.rollouts.cache import CACHE_FILE
from token_difr.testing.faulty_provider import FaultyProvider, faulty_provider

MakeClient = Callable[..., RolloutsClient]
KEY = b"k" * 32

DRAW = """
import json, sys
from token_difr.rollouts import RolloutsClient
url, folder, prompts, samples, concurrency = sys.argv[1:]
client = RolloutsClient("m", provider=url, cache_dir=folder, concurrency=int(concurrency), max_retries=0, progress_bar=False)
drawn = client.generate_many([f"question {n}" for n in range(int(prompts))], int(samples))
print(json.dumps([[len(r), [str(e.error) for e in r.errors]] for r in drawn]))
"""

DRAW_IN_TEN = """
import json, os, sys, traceback
import openai
from token_difr.rollouts import RolloutsClient
url, folder = sys.argv[1:]

def draw():
    options = {"provider": url, "cache_dir": folder, "concurrency": 8, "max_retries": 0, "progress_bar": False}
    with RolloutsClient("m", **options) as client:
        drawn = client.generate_many([f"question {n}" for n in range(4)], 25)
    line = json.dumps([[len(r), [str(e.error) for e in r.errors]] for r in drawn])
    os.write(1, (line + "\\n").encode())  # in one write: ten processes share the pipe

def forked():
    child = os.fork()
    if child:
        return child
    try:
        draw()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)

sys.exit(any(os.waitpid(child, 0)[1] for child in [forked() for _ in range(10)]))
"""
"""Ten processes, forked where modules are loaded and no thread runs yet: to load the SDK takes longer than all they do."""


def draw(provider: FaultyProvider, folder: Path, *, prompts: int, samples: int, concurrency: int = 8) -> Any:
    """Starts a process that draws samples into the cache in ``folder``."""
    numbers = [str(prompts), str(samples), str(concurrency)]
    return interruptible(["-c", DRAW, provider.url, str(folder), *numbers])


def stored(folder: Path) -> set[tuple[str, int]]:
    """(question, seed) of every answer in the file."""
    if not (folder / CACHE_FILE).is_file():
        return set()
    with sqlite3.connect(folder / CACHE_FILE) as connection:
        requests = [json.loads(row[0]) for row in connection.execute("SELECT request FROM answers")]
    connection.close()
    return {(request["messages"][-1]["content"], request["seed"]) for request in requests}


def forked(check: Callable[[], bool]) -> int:
    """The number of a forked process that ends with 0 if ``check`` holds in it, whatever it raises."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        status = 0 if check() else 1
    finally:
        os._exit(status)


def lease_of(folder: Path) -> float:
    """When the one claim of a cache ends, in seconds since the epoch."""
    with sqlite3.connect(folder / CACHE_FILE) as connection:
        (expires,) = connection.execute("SELECT expires FROM claims").fetchone()
    connection.close()
    return float(expires)


def test_ten_processes_share_a_file(tmp_path: Path) -> None:
    """No error, and no request for a key that one of them has finished: each is answered once."""
    with faulty_provider(share=0.0, delay_seconds=0.005) as provider:
        process = interruptible(["-c", DRAW_IN_TEN, provider.url, str(tmp_path)])
        output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, errors
    assert [json.loads(line) for line in output.splitlines()] == [[[25, []]] * 4] * 10
    assert len(provider.asked) == 100
    assert set(provider.asked.values()) == {1}


def test_killed_twice(tmp_path: Path) -> None:
    """What was stored is never asked again; of what was not, at most ``concurrency`` requests a kill."""
    concurrency, total = 8, 4 * 50
    with faulty_provider(share=0.0, delay_seconds=0.02) as provider:
        for enough in (50, 100):
            process = draw(provider, tmp_path, prompts=4, samples=50, concurrency=concurrency)
            while sum(provider.answered.values()) < enough:
                time.sleep(0.002)
            process.kill()
            process.communicate()
            kept = stored(tmp_path)
            assert kept
            asked = {name: provider.asked[name] for name in kept}
        process = draw(provider, tmp_path, prompts=4, samples=50, concurrency=concurrency)
        output, errors = process.communicate(timeout=PATIENCE_SECONDS)
        assert json.loads(output) == [[50, []]] * 4, errors
    assert {name: provider.asked[name] for name in kept} == asked
    assert len(stored(tmp_path)) == total
    assert sum(provider.asked.values()) <= total + 2 * concurrency


def test_claims_of_the_dead_count_for_nothing(tmp_path: Path) -> None:
    """A claim ends with its process, and else with its lease."""
    one, other = RolloutCache(tmp_path), RolloutCache(tmp_path)
    assert one.claim(KEY).result().owner is not None
    assert one.claim(KEY).result().owner is None
    assert other.claim(KEY).result().owner is None
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with sqlite3.connect(tmp_path / CACHE_FILE) as connection:
        connection.execute("UPDATE claims SET process = ?", (dead.pid,))
    connection.close()
    assert other.claim(KEY).result().owner is not None
    one.close()
    other.close()


def test_a_claim_of_a_process_with_our_number(tmp_path: Path) -> None:
    """In a container that starts anew everybody is process 1: such a claim lives for its lease, and is not ours."""
    cache = RolloutCache(tmp_path)
    cache.look_up([]).result()
    later = time.time() + PATIENCE_SECONDS
    with sqlite3.connect(tmp_path / CACHE_FILE) as connection:
        connection.execute(
            "INSERT INTO claims VALUES (?, 'somebody:0', ?, ?, ?)", (KEY, cache._store.host, os.getpid(), later)
        )
    assert cache.claim(KEY).result().owner is None
    with connection:
        connection.execute("UPDATE claims SET expires = ?", (time.time() - 1,))
    connection.close()
    assert cache.claim(KEY).result().owner is not None
    cache.close()


def test_leases_are_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request may take longer than a lease: its claim lives on."""
    monkeypatch.setattr(caching, "RENEWAL_SECONDS", 0.1)
    one, other = RolloutCache(tmp_path), RolloutCache(tmp_path)
    owner = one.claim(KEY).result().owner
    first = lease_of(tmp_path)
    while lease_of(tmp_path) <= first + 0.2:  # renewed twice and more; the test's own guard ends a wait in vain
        time.sleep(0.05)
    assert other.claim(KEY).result().owner is None
    assert owner is not None
    one.release(KEY, owner).result()
    assert other.claim(KEY).result().owner is not None
    one.close()
    other.close()


def test_an_answer_that_cannot_be_stored(provider: FaultyProvider, make_client: MakeClient) -> None:
    """The sample is given all the same, no more are sent, and the request is free again once there is room."""
    client = make_client(provider.url)
    client.generate("first")
    client._cache_of(client.config)._store.run(lambda c: c.execute("PRAGMA max_page_count=1").fetchall())  # type: ignore[union-attr]
    (drawn,) = client.generate_many([[{"role": "user", "content": "x" * 20_000}]], 1)
    assert len(drawn) == 1
    client._cache_of(client.config)._store.run(  # type: ignore[union-attr]
        lambda c: c.execute("PRAGMA max_page_count=1000000").fetchall()
    )
    again = client.generate([{"role": "user", "content": "x" * 20_000}], max_seconds=PATIENCE_SECONDS)
    assert not again[0].cached


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_workers_do_not_pay_twice(tmp_path: Path) -> None:
    """Children of a process that has used the client share the work."""
    with faulty_provider(share=0.0, delay_seconds=0.2) as provider:
        client = RolloutsClient("m", provider=provider.url, cache_dir=tmp_path, max_retries=0, progress_bar=False)
        client.generate("warm")
        children = [forked(lambda: len(client.generate("same", 4)) == 4) for _ in range(3)]
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
        client.close()
    assert sum(provider.asked.values()) == 5


def test_one_bad_row_harms_nobody_else(tmp_path: Path) -> None:
    """A damaged answer is asked for anew; what else was in the transaction is stored."""
    cache = RolloutCache(tmp_path)
    cache.keep(b"bad", model="m", url="u", request={}, answer={}).result()
    with sqlite3.connect(tmp_path / CACHE_FILE) as connection:
        connection.execute("UPDATE answers SET answer = '{'")
    connection.close()
    kept = cache.keep(b"paid", model="m", url="u", request={}, answer={"a": 1})
    assert cache.look_up([b"bad"]).result() == {}
    kept.result()
    assert cache.look_up([b"paid"]).result() == {b"paid": {"a": 1}}
    assert cache.claim(b"bad").result().owner is not None
    nothing: dict[str, int] = {}
    with pytest.raises(KeyError):
        cache._store.submit(lambda _: nothing["x"]).result()
    assert cache.look_up([b"paid"]).result()
    cache.close()


def test_a_deleted_file_is_made_anew(provider: FaultyProvider, make_client: MakeClient, tmp_path: Path) -> None:
    """Answers never go into a file that is no more."""
    client = make_client(provider.url)
    client.generate("one")
    shutil.rmtree(tmp_path / "cache")
    client.generate("two")
    assert stored(tmp_path / "cache") == {("two", 0)}


def test_an_idle_cache_keeps_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor the file: both come back with the next use."""
    monkeypatch.setattr(caching, "RENEWAL_SECONDS", 0.1)
    cache = RolloutCache(tmp_path)
    cache.look_up([KEY]).result()
    thread = cache._store._thread
    assert thread is not None
    thread.join(timeout=PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert cache.look_up([KEY]).result() == {}
    cache.close()


def test_claim_finds_the_answer_of_another(tmp_path: Path) -> None:
    """Whoever claims late gets the answer instead."""
    one, other = RolloutCache(tmp_path), RolloutCache(tmp_path)
    owner = one.claim(KEY).result().owner
    assert owner is not None
    assert other.claim(KEY).result().owner is None
    one.keep(KEY, model="m", url="u", request={"a": 1}, answer={"b": 2}).result()
    assert other.claim(KEY).result().answer == {"b": 2}
    one.keep(KEY, model="m", url="u", request={"a": 1}, answer={"b": 3}).result()
    assert other.look_up([KEY, b"x" * 32]).result() == {KEY: {"b": 2}}
    one.close()
    other.close()


def test_threads_share_a_cache(tmp_path: Path) -> None:
    """One object for several threads."""
    cache = RolloutCache(tmp_path)

    def work(number: int) -> None:
        for i in range(20):
            key = f"{number}-{i}".encode()
            cache.keep(key, model="m", url="u", request={}, answer={"n": number}).result()
            assert cache.look_up([key]).result() == {key: {"n": number}}

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert cache.stats()["answers"] == 160
    cache.close()


def test_stats_export_clear(provider: FaultyProvider, make_client: MakeClient, tmp_path: Path) -> None:
    """What is there, as JSON; answers can be deleted by model and by age."""
    client = make_client(provider.url)
    client.generate("why?", 3)
    client.generate("why?", 2, model="other")
    cache = RolloutCache(tmp_path / "cache")
    found = cache.stats()
    assert (found["answers"], found["by_model"]) == (5, {"m": 3, "other": 2})
    assert found["bytes"] > 0
    lines = io.StringIO()
    assert cache.export(lines) == 5
    rows = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert {row["request"]["model"] for row in rows} == {"m", "other"}
    assert all(row["answer"]["choices"] for row in rows)
    assert cache.clear(older_than_days=1) == 0
    assert cache.clear(model="other") == 2
    assert cache.clear() == 3
    assert cache.stats()["answers"] == 0
    cache.close()


def test_export_of_many_pages(tmp_path: Path) -> None:
    """All of them, once, and nothing from a cache without any."""
    cache = RolloutCache(tmp_path)
    assert cache.export(io.StringIO()) == 0
    futures = [cache.keep(f"{n:05}".encode(), model="m", url="u", request={"n": n}, answer={}) for n in range(450)]
    for future in futures:
        future.result()
    lines = io.StringIO()
    assert cache.export(lines) == 450
    assert sorted(json.loads(line)["request"]["n"] for line in lines.getvalue().splitlines()) == list(range(450))
    cache.close()


def test_export_of_half_a_character(tmp_path: Path) -> None:
    """An answer cut inside a surrogate pair is stored and exported."""
    cache = RolloutCache(tmp_path)
    cache.keep(KEY, model="m", url="u", request={}, answer={"text": "a\ud83d"}).result()
    with (tmp_path / "out.jsonl").open("w", encoding="utf-8") as file:
        assert cache.export(file) == 1
    assert json.loads((tmp_path / "out.jsonl").read_text())["answer"] == {"text": "a\ud83d"}
    cache.close()


def test_a_file_of_something_else(tmp_path: Path) -> None:
    """It is refused, and left as it is."""
    with sqlite3.connect(tmp_path / CACHE_FILE) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    with pytest.raises(StoreError, match="something else"):
        RolloutCache(tmp_path).look_up([KEY]).result()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / CACHE_FILE).write_bytes(b"no database at all, but some text that is long enough" * 9)
    with pytest.raises(StoreError, match="not a database"):
        RolloutCache(tmp_path / "b").look_up([KEY]).result()


def test_a_newer_file(tmp_path: Path) -> None:
    """A file of a newer version is refused, not damaged."""
    cache = RolloutCache(tmp_path)
    cache.look_up([KEY]).result()
    cache.close()
    with sqlite3.connect(tmp_path / CACHE_FILE) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(StoreError, match="newer version"):
        RolloutCache(tmp_path).look_up([KEY]).result()


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """It is an error that names the file."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=CACHE_FILE):
        RolloutCache(tmp_path / "file" / "cache").look_up([KEY]).result()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_after_a_fork(tmp_path: Path) -> None:
    """A forked process opens the file anew."""
    cache = RolloutCache(tmp_path)
    cache.keep(KEY, model="m", url="u", request={}, answer={"a": 1}).result()
    child = forked(lambda: cache.look_up([KEY]).result(timeout=PATIENCE_SECONDS) == {KEY: {"a": 1}})
    assert os.waitpid(child, 0)[1] == 0
    cache.close()


def test_the_key_is_in_no_file(provider: FaultyProvider, make_client: MakeClient, tmp_path: Path) -> None:
    """An API key reaches the provider, and no byte on disk."""
    make_client(provider.url, api_key="sk-very-secret", headers={"x-own": "hdr-secret"}).generate("why?", 3)
    for file in (tmp_path / "cache").iterdir():
        content = file.read_bytes()
        assert b"sk-very-secret" not in content
        assert b"hdr-secret" not in content


def test_the_cache_is_its_owners_alone(provider: FaultyProvider, make_client: MakeClient, tmp_path: Path) -> None:
    """Folder and files, those beside the database and what is exported too; also a file that was open to others."""
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    (folder / CACHE_FILE).touch(0o644)
    with make_client(provider.url, cache_dir=folder) as client:
        client.generate("why?", 2)
        modes = {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    with make_client(provider.url, cache_dir=tmp_path / "made" / "new") as client:
        client.generate("why?")
    with pytest.raises(SystemExit):
        cli.main(["rollouts", "cache", "export", "--cache-dir", str(folder), "--out", str(tmp_path / "lines")])
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "made" / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "lines").stat().st_mode) == 0o600


def test_a_cancelled_call_leaves_no_claim(tmp_path: Path) -> None:
    """What a time ceiling cut off can be asked again at once, by the same process."""
    with faulty_provider(share=0.0, delay_seconds=0.03) as provider:
        client = RolloutsClient("m", provider=provider.url, cache_dir=tmp_path, concurrency=5, progress_bar=False)
        for _ in range(8):
            client.generate_many(["why?"], 60, max_seconds=0.05)
        assert len(client.generate("why?", 60, max_seconds=PATIENCE_SECONDS)) == 60
        client.close()
    with sqlite3.connect(tmp_path / CACHE_FILE) as connection:
        assert connection.execute("SELECT count(*) FROM claims").fetchone() == (0,)
    connection.close()


def test_work_whose_caller_left_is_not_begun(tmp_path: Path) -> None:
    """A cancelled look-up does no harm to what waits behind it."""
    cache = RolloutCache(tmp_path)
    futures = [cache.claim(f"{n}".encode()) for n in range(200)]
    cancelled = [future.cancel() for future in futures[::2]]
    assert any(cancelled)
    assert all(future.result().owner for future in futures[1::2])
    assert cache.stats()["answers"] == 0
    cache.close()


def test_ctrl_c_keeps_what_has_arrived(tmp_path: Path) -> None:
    """An interrupted call has stored its answers, and ends at once."""
    import signal

    with faulty_provider(share=0.0, delay_seconds=0.05) as provider:
        process = draw(provider, tmp_path, prompts=1, samples=200, concurrency=4)
        while sum(provider.answered.values()) < 12:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)
        answered = sum(provider.answered.values())
    assert "KeyboardInterrupt" in errors
    assert answered - 4 <= len(stored(tmp_path)) <= answered
    with sqlite3.connect(tmp_path / CACHE_FILE) as connection:
        assert connection.execute("SELECT count(*) FROM claims").fetchone() == (0,)
    connection.close()
