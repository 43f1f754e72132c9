"""Pages in a real browser: does anything break, load, overflow or run that should not, and can everybody read them?

    python scripts/look_at_pages.py --out /tmp/pages [RUN ...]

Makes a run of 200 answers of 200 tokens and one whose every text is hostile, ten megabytes of it, writes their pages and those of the
RUNs, and opens each in Chromium without a window: light, dark and narrow. Screenshots and a PDF stay in the folder. Chromium comes from
the system's packages; Playwright and axe are installed into the folder from PyPI. Exit status 1 if a page has a console error, asks
for anything, has a fault that axe calls serious, is above 3 MB or paints later than a second after it is opened.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from token_difr.cli.show import local_tokenizer
from token_difr.page import page_of
from token_difr.records import Asked, Audit, Response, SamplingParams, TokenSequence, TopKBatch
from token_difr.run import RunDirectory
from token_difr.run.deciding import decide_run
from token_difr.run.stages import score_run
from token_difr.sequences import Tokenizer, load_tokenizer

HOSTILE = "</script><script>alert(1)</script><img src='http://x.invalid/' onerror=alert(2)>\u202e\x1b[31m{{ 7 * 7 }}\n"
BROWSER = Path(__file__).with_name("page_browser.py")
LARGEST = 3_000_000


def main() -> int:
    """Reads the command line, makes pages, looks at them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of pages, screenshots and the browser's environment"
    )
    parser.add_argument("--browser", type=Path, help="folder of that environment alone")
    parser.add_argument("--untimed", action="store_true", help="however late a page paints")
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="run directories that were decided")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if shutil.which("chromium") is None:
        print("there is no chromium: install the system's package")
        return 1
    tokenizer = load_tokenizer("demo")
    large = decided(options.out / "large", 200, "A plain sentence, and another one after it.\n" * 30, tokenizer)
    hostile = decided(options.out / "hostile", 20, HOSTILE * (500_000 // len(HOSTILE)), tokenizer)
    pages = list(
        _pages(options.out, {large: tokenizer, hostile: tokenizer, **{run: _tokenizer_of(run) for run in options.runs}})
    )
    python = environment(options.browser or options.out / "browser")
    untimed = ["--untimed"] if options.untimed else []
    return subprocess.run([python, BROWSER, *untimed, *pages], check=False).returncode


def _tokenizer_of(path: Path) -> Tokenizer | None:
    with RunDirectory.read(path) as run:
        return local_tokenizer(run.audit)


def _pages(out: Path, runs: Mapping[Path, Tokenizer | None]) -> Iterator[Path]:
    for run, tokenizer in runs.items():
        started = time.perf_counter()
        text = page_of(run, tokenizer)
        page = out / f"{run.name}.html"
        page.write_text(text, encoding="utf-8")
        print(f"{page.name}: {len(text.encode()) / 1e6:.2f} MB in {time.perf_counter() - started:.2f} s")
        if len(text.encode()) > LARGEST:
            sys.exit(f"{page} is above {LARGEST / 1e6:.0f} MB")
        yield page


def decided(path: Path, answers: int, text: str, tokenizer: Tokenizer) -> Path:
    """A run of so many answers of 200 tokens of ``text``, one in twenty of which is not the reference's own."""
    if path.exists():
        return path
    ids = tokenizer.encode(text[:20_000], add_special_tokens=False, split_special_tokens=True)[:200]
    prompts = [[{"role": "user", "content": f"{number} {text}"}] for number in range(answers)]
    asked = Asked(provider="http://provider/v1", model=text[:500], params=SamplingParams(), max_tokens=200)
    generator = np.random.default_rng(0)
    with RunDirectory.create(path, prompts, Audit(asked=asked)) as run:
        for index in range(answers):
            run.keep_response(Response(index=index, content=text, finish_reason="length", body={}))
        run.keep_sequences({index: TokenSequence(ids[:1], ids) for index in range(answers)})
        for index in range(answers):
            run.keep_rows(index, _rows(ids, generator))
        decide_run(run, score_run(run), tokenizer=tokenizer)
    return path


def _rows(ids: list[int], generator: np.random.Generator) -> TopKBatch:
    wrong = generator.random(len(ids)) < 0.05
    rows = [(token ^ 1, token) if other else (token, token ^ 1) for token, other in zip(ids, wrong, strict=True)]
    gaps = generator.exponential(1.0, len(ids))
    return TopKBatch(
        indptr=np.arange(0, 2 * len(ids) + 1, 2),
        token_ids=np.array(rows).ravel(),
        logprobs=np.stack([np.full(len(ids), -0.3), -0.3 - gaps], axis=1).ravel(),
        claimed=ids,
        sequence_indptr=[0, len(ids)],
        prompt_lengths=[1],
    )


def environment(folder: Path) -> Path:
    """The Python of an environment with Playwright and axe, made once."""
    python = folder / "bin" / "python"
    if not python.exists():
        made = folder.with_name(f"{folder.name}.{os.getpid()}")  # another process never meets half of it
        subprocess.run([sys.executable, "-m", "venv", made], check=True)
        packages = ["playwright==1.65.*", "axe-playwright-python==0.1.*"]
        subprocess.run([made / "bin" / "python", "-m", "pip", "install", "--quiet", *packages], check=True)
        made.rename(folder)
    return python


if __name__ == "__main__":
    sys.exit(main())
