"""``token-difr ties``: near ties of a reference, picked once, and audits that ask for one token each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from token_difr.cli import options
from token_difr.cli.grouped import grouped
from token_difr.cli.groups import EndpointOptions, RuleOptions
from token_difr.cli.judges import ReferenceOptions
from token_difr.cli.manner import PaceOptions, PreflightOptions, ShownOptions, until_verdict
from token_difr.cli.show import note, run_kept, show, show_report
from token_difr.errors import InputError

if TYPE_CHECKING:
    from token_difr.records import Report, Rule
    from token_difr.ties import TieSet

__all__ = ["AskedOptions", "Curve", "HonestRuns", "Spread", "TiesFile", "Tolerance", "app", "tie_rule"]

app = typer.Typer(
    help="Near ties of a reference: audits for one token each.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

HonestRuns = Annotated[
    list[Path] | None,
    typer.Option("--honest", metavar="DIR", help="A further trusted provider's run on these ties; may be repeated."),
]
Tolerance = Annotated[
    float | None,
    typer.Option("--tolerance", help="Share of the ties that *consistent* excludes.  [default: 0.05]"),
]
Spread = Annotated[
    float | None,
    typer.Option(
        "--spread",
        help="Factor by which the odds of honest providers to flip a tie may differ.  [default: as honest runs do]",
    ),
]
Curve = Annotated[
    Path | None,
    typer.Option("--curve", metavar="FILE", help="What other honest runs gave, as `ties curve` wrote it."),
]
TiesFile = Annotated[Path, typer.Option("--ties", metavar="FILE", help="The ties, as `ties pick` wrote them.")]


@dataclass(frozen=True, kw_only=True)
class PickedOptions:
    """Which places of which answers are picked; the fields but the first are arguments of :func:`~token_difr.ties.apick_ties`."""

    prompts: Annotated[
        Path | None,
        typer.Option("--prompts", metavar="FILE", help="What the reference answers.  [default: general questions]"),
    ] = None
    max_tokens: options.MaxTokens = 100
    gaps: Annotated[str, typer.Option("--gaps", metavar="LOW:HIGH", help="Nats between the two likeliest tokens.")] = (
        "0.005:0.5"
    )
    per_prompt: Annotated[int, typer.Option("--per-prompt", min=1, help="Most ties of one answer.")] = 1
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Most ties.")] = 500
    precision: Annotated[
        str | None,
        typer.Option("--precision", metavar="NAME", help="What the reference computes in, such as bfloat16."),
    ] = None
    first_token: Annotated[
        bool, typer.Option("--first-token", help="First tokens alone, for providers that go on with nothing.")
    ] = False
    seed: Annotated[int, typer.Option("--seed", min=0, help="Chooses among places that are as good.")] = 0

    def arguments(self) -> dict[str, Any]:
        """The same by name.

        Raises:
            InputError: ``--gaps`` of another form, or prompts that cannot be sent.
        """
        from token_difr.answers import read_prompts
        from token_difr.answers.general import general_prompts

        low, _, high = self.gaps.partition(":")
        try:
            gaps = (float(low), float(high))
        except ValueError:
            raise InputError(f"--gaps takes LOW:HIGH in nats, such as 0.005:0.5, not {self.gaps!r}") from None
        named = ("max_tokens", "per_prompt", "count", "first_token", "seed", "precision")
        return {
            # Twice as many as ties: not every answer has a near tie.
            "prompts": general_prompts()[: 2 * self.count] if self.prompts is None else read_prompts(self.prompts),
            "gaps": gaps,
            **{name: getattr(self, name) for name in named},
        }


@app.command("pick")
@grouped
def pick(
    *,
    reference: ReferenceOptions,
    model: options.Model,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file of ties.")],
    run: Annotated[
        Path | None,
        typer.Option("--run", metavar="DIR", help="Run directory of the reference's answers.  [default: FILE.run]"),
    ] = None,
    tokenizer: options.TokenizerName = None,
    picked: PickedOptions,
    pace: PaceOptions,
) -> None:
    """Let the reference answer greedily, once, and keep the places where its choice was a near tie.

    The same command again goes on where DIR stopped.
    """
    from token_difr.sequences import load_tokenizer
    from token_difr.ties import TieSet, apick_ties

    arguments, judged = picked.arguments(), reference.judged(model)
    held = TieSet.load(out) if out.exists() else None
    if judged.reference is None:
        raise InputError(f"{judged.model} answers nothing by itself: serve it (token-difr serve), and give the URL")
    loaded, kept = load_tokenizer(tokenizer or model), run or out.with_name(f"{out.name}.run")

    async def work() -> TieSet:
        async with reference.client(pace) as client, reference.opened(pace, judged, loaded) as judge:
            return await apick_ties(
                reference=judge,
                provider=client,
                model=judged.model,
                tokenizer=tokenizer or model,
                run=kept,
                concurrency=pace.concurrency,
                progress=not pace.quiet,
                **arguments,
            )

    ties = run_kept(work, kept)
    if held is not None and held.digest != ties.digest:
        raise InputError(
            f"{out} holds other ties, and is left as it is: give these another file (the answers are kept in {kept})"
        )
    ties.save(out)
    note(f"{len(ties.ties)} ties are in {out}; the reference's answers are kept in {kept}", quiet=pace.quiet)


@app.command("show")
def show_ties(
    ties: Annotated[Path, typer.Argument(metavar="FILE", help="The file of ties.", show_default=False)],
) -> None:
    """How many ties a file holds, by gap and by place, and what a run over them takes."""
    from token_difr.ties import TieSet
    from token_difr.ties.table import ties_tables

    show(ties_tables(TieSet.load(ties)))


@app.command("curve")
def curve_of_runs(
    runs: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Trusted providers' runs on the ties.", show_default=False)
    ],
    ties: TiesFile,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file of what they gave.")],
) -> None:
    """How likely honest providers flip a tie, over its gap, and how much they differ: learnt once, for audits on any day."""
    from token_difr.ties import HonestFlips, TieSet
    from token_difr.ties.honest import curve_of, read_honest
    from token_difr.ties.table import curve_tables

    if out.exists():
        HonestFlips.load(out)  # any other file is left alone
    learnt = read_honest(runs, TieSet.load(ties))
    learnt.save(out)
    curve = curve_of([learnt])
    if curve is not None:
        show(curve_tables(curve))


@dataclass(frozen=True, kw_only=True)
class AskedOptions(EndpointOptions):
    """Who is asked, and how."""

    provider_only: options.ProviderOnly = None
    way: Annotated[
        str | None,
        typer.Option(
            "--by", metavar="ids|text|chat", help="How a begun answer is sent.  [default: as the service takes it]"
        ),
    ] = None
    extra_tokens: Annotated[
        int, typer.Option("--extra-tokens", min=0, help="Tokens asked for beyond the one that counts.")
    ] = 0
    precision: Annotated[
        str | None,
        typer.Option("--precision", metavar="NAME", help="What the provider claims to compute in, such as bfloat16."),
    ] = None
    mix: Annotated[
        int, typer.Option("--mix", min=0, metavar="K", help="Ordinary requests among which the ties are sent.")
    ] = 0

    def arguments(self) -> dict[str, Any]:
        """Those of :func:`~token_difr.ties.aaudit_ties`, but for the provider.

        Raises:
            InputError: ``--by`` takes no such way.
        """
        from token_difr.ties.asking import Way

        if self.way is not None and self.way not in set(Way):
            raise InputError(f"--by takes one of {', '.join(Way)}, not {self.way!r}")
        return {
            "model": self.model,
            "provider_service": self.provider_service,
            "provider_only": self.provider_only,
            "way": None if self.way is None else Way(self.way),
            "extra_tokens": self.extra_tokens,
            "mix": self.mix,
            "precision": self.precision,
        }


def tie_rule(judging: RuleOptions, tolerance: float | None) -> Rule:
    """The rule of audits of ties.

    Raises:
        InputError: A level, a seed or a tolerance out of range.
    """
    from token_difr.records import Rule
    from token_difr.ties.auditing import RULE

    rule = replace(RULE, tolerance=RULE.tolerance if tolerance is None else tolerance)
    return Rule.of(rule, level=judging.level, seed=judging.permutation_seed)


@app.command("audit")
@grouped
def audit(
    *,
    asked: AskedOptions,
    ties: TiesFile,
    out: options.Out,
    tokenizer: options.TokenizerName = None,
    baseline: options.Baseline = None,
    honest: HonestRuns = None,
    until: options.Until = None,
    tolerance: Tolerance = None,
    spread: Spread = None,
    curve: Curve = None,
    judging: RuleOptions,
    pace: PaceOptions,
    preflight: PreflightOptions,
    shown: ShownOptions,
) -> None:
    """Audit a provider for one token a tie; no reference is asked. The same command again goes on where DIR stopped."""
    from token_difr.sequences import load_tokenizer
    from token_difr.ties import HonestFlips, TieSet, aaudit_ties

    preflight.checked(dry=False)
    in_turn = until_verdict(until)
    rule, arguments = tie_rule(judging, tolerance), asked.arguments()
    given = TieSet.load(ties)
    known = None if curve is None else HonestFlips.load(curve)
    loaded = load_tokenizer(tokenizer or given.tokenizer or asked.model)

    async def work() -> Report:
        async with asked.opened(pace) as client:
            done = await aaudit_ties(
                given,
                provider=client,
                out=out,
                rule=rule,
                baseline=baseline,
                honest=honest or (),
                until_verdict=in_turn,
                spread=spread,
                curve=known,
                tokenizer=loaded,
                preflight=not preflight.no_preflight,
                concurrency=pace.concurrency,
                progress=not pace.quiet,
                **arguments,
            )
            return done.report

    report = run_kept(work, out)
    note(f"the run is kept in {out}", quiet=pace.quiet)
    raise show_report(report, shown, out)
