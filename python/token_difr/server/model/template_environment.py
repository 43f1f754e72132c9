"""The environment that chat templates run in: what Hugging Face's templates are written for, in a sandbox with limits.

The sandbox bounds ``range``; here every step that can make a text or a list many times as large as what it is made of is
bounded too. The time is bounded by who renders.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import Template, TemplateError, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from token_difr.sequences.template_limits import TemplateLimitError

__all__ = ["LARGEST", "compile_template"]

LARGEST = 2**26
"""Most characters of a text or elements of a list that a template may make: four times the largest body."""

_LARGEST_EXPONENT = 4096


def compile_template(source: str) -> Template:
    """A template, ready to render.

    Raises:
        TemplateError: The source is none.
    """
    environment = _BoundedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _Generation])
    environment.filters["tojson"] = _to_json
    for name, check in FILTERS.items():
        environment.filters[name] = _bounded(environment.filters[name], check)
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    return environment.from_string(source)


class _BoundedGenerator(CodeGenerator):
    """Writes ``a ~ b`` as a call that is bounded; the output of a template is counted as it comes."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        self.write("environment.concatenated((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class _BoundedEnvironment(ImmutableSandboxedEnvironment):
    code_generator_class = _BoundedGenerator
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """The value of an operator, unless it would be too large."""
        match operator:
            case "*":
                _check(_size(left) * right if isinstance(right, int) else 0)
                _check(_size(right) * left if isinstance(left, int) else 0)
            case "+":
                _check(_size(left) + _size(right))
            case "**" if isinstance(right, int) and right > _LARGEST_EXPONENT:
                _check(right + LARGEST)
            case "%" if isinstance(left, str):
                _check_format(left, *(right if isinstance(right, tuple) else (right,)))
        return super().call_binop(context, operator, left, right)

    def concatenated(self, parts: Sequence[Any]) -> str:
        """The texts of all parts, one behind the other."""
        texts = [str(part) for part in parts]
        _check(sum(map(len, texts)))
        return "".join(texts)

    def call(self, context: Context, called: Any, /, *arguments: Any, **options: Any) -> Any:
        """The value of a call; methods of texts that pad, replace, join or format are bounded."""
        method = getattr(called, "__wrapped__", called)  # the sandbox wraps formats
        owner = getattr(method, "__self__", None)
        if isinstance(owner, str) and method.__name__ in METHODS:
            METHODS[method.__name__](owner, *arguments, *options.values())
        return super().call(context, called, *arguments, **options)


def _bounded(apply: Callable[..., Any], check: Callable[..., None]) -> Callable[..., Any]:
    """A filter whose arguments are looked at before it acts."""
    # How Jinja marks a filter that wants the environment or the context as its first argument.
    wants = getattr(apply, "jinja_pass_arg", None)
    skipped = 0 if wants is None else 1

    def checked(*arguments: Any, **options: Any) -> Any:
        given = [list(one) if isinstance(one, Iterator) else one for one in arguments]
        check(*given[skipped:], *options.values())
        return apply(*given, **options)

    if wants is not None:
        checked.jinja_pass_arg = wants  # type: ignore[attr-defined]
    return checked


def _check_width(_: Any, *arguments: Any) -> None:
    _check(max((one for one in arguments if isinstance(one, int)), default=0))


def _check_indent(text: Any, width: Any = 4, *_: Any) -> None:
    _check((str(text).count("\n") + 1) * (width if isinstance(width, int) else len(str(width))))


def _check_tabs(text: str, size: Any = 8) -> None:
    _check(text.count("\t") * (size if isinstance(size, int) else 0))


def _check_replace(text: Any, old: Any = "", new: Any = "", *_: Any) -> None:
    _check(len(str(text)) + str(text).count(str(old)) * len(str(new)))


def _check_join(values: Any, separator: Any = "", *_: Any) -> None:
    parts = values if isinstance(values, Collection) and not isinstance(values, str) else []
    _check(sum(len(str(part)) for part in parts) + len(parts) * len(str(separator)))


def _check_joined(separator: str, values: Any) -> None:
    _check_join(values, separator)


def _check_format(pattern: Any, *values: Any) -> None:
    """No number in a format may be large, since it may be a width, nor a value, since a width may be one."""
    digits = "".join(character if character.isdecimal() else " " for character in str(pattern))
    longest = max((len(number) for number in digits.split()), default=0)
    _check(10**longest if longest < len(str(LARGEST)) else LARGEST + 1)
    if "*" in str(pattern):
        _check_width(pattern, *values)


METHODS: dict[str, Callable[..., None]] = {
    **dict.fromkeys(("center", "ljust", "rjust", "zfill"), _check_width),
    "expandtabs": _check_tabs,
    "replace": _check_replace,
    "join": _check_joined,
    **dict.fromkeys(("format", "format_map"), _check_format),
}
"""Methods of texts that can make one many times as large as what they are given, and what looks at that first."""
FILTERS: dict[str, Callable[..., None]] = {
    **dict.fromkeys(("center", "batch", "slice"), _check_width),
    "indent": _check_indent,
    "replace": _check_replace,
    "join": _check_join,
    "format": _check_format,
}
"""The same of Jinja's filters."""


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes | list | tuple) else 0


def _check(size: int) -> None:
    if size > LARGEST:
        raise TemplateLimitError(f"it makes a text or a list of more than {LARGEST} elements")


class _Generation(Extension):
    """``{% generation %}``, by which templates mark what the model writes, for training: here it shows its content."""

    tags = {"generation"}  # noqa: RUF012  # as jinja2 declares it

    def parse(self, parser: Parser) -> nodes.Node:
        """The block's content, in a scope of its own."""
        line = next(parser.stream).lineno
        content = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_shown"), [], [], content).set_lineno(line)

    def _shown(self, caller: Callable[[], str]) -> str:
        return caller()


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    # Jinja's own filter escapes HTML, which would change the prompt.
    _check(indent or 0)
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)


def _strftime_now(pattern: str) -> str:
    # Local time, as in Hugging Face's environment: templates print the date of the machine.
    return datetime.now().astimezone().strftime(pattern)
