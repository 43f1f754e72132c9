"""``token-difr serve`` as a process."""

from __future__ import annotations

import subprocess
import sys

import httpx2

from patience import PATIENCE_SECONDS

SERVE = [sys.executable, "-m", "token_difr", "serve"]


def test_prints_its_url_and_ends_with_its_input() -> None:
    """One line on standard output when it answers; it ends when standard input closes; the access log has the tag."""
    arguments = ["demo", "--port", "0", "--weights", "int8", "--model-name", "m", "--until-stdin-closes"]
    with subprocess.Popen(
        [*SERVE, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        model = httpx2.get(f"{url}/v1/models", headers={"x-request-tag": "first one"}, timeout=PATIENCE_SECONDS).json()[
            "data"
        ][0]
        rest, log = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 0
    assert rest == ""
    assert (model["id"], model["deviations"]) == ("m", {"weights": "int8"})
    assert "path=/v1/models status=200" in log
    assert 'tag="first one"' in log


def test_a_folder_without_a_model_is_one_clear_line(tmp_path: str) -> None:
    """Exit 2 and one line that names the folder."""
    ended = subprocess.run(
        [*SERVE, str(tmp_path)], capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )

    assert ended.returncode == 2
    assert "config.json" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
