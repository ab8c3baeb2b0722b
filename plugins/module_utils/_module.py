# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How every module runs: one way to end, one way to fail. It refuses what cannot be a secret, and shows none, however it is spelled. PRIVATE to the collection.

Ansible itself leaves out of a result what an option with `no_log` says, word for word. A text that was escaped on its way, as Python's own errors, servers
and the system's log do it, passes there.
"""

from __future__ import annotations

import functools
import json
import os
import traceback
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import quote

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, NotYetError
from ansible_collections.hearth.llm.plugins.module_utils._hidden import HIDDEN, all_shown, hide, shown, texts_of
from ansible_collections.hearth.llm.plugins.module_utils._secrets import password_finding, text_finding, token_finding
from ansible_collections.hearth.llm.plugins.module_utils._url import secrets_of

if TYPE_CHECKING:
    from typing import Iterator, Mapping, NoReturn

# What is refused in an option with `no_log`, by its name. Every such option of every module has a rule.
RULES: Mapping[str, Callable[[Any], str | None]] = {
    "api_key": token_finding,
    "key": token_finding,
    "token": token_finding,
    "password": password_finding,
    "secrets": text_finding,
}
# Whole files, in which everything may stand.
FILES = ("secret_content", "user_data")
_ENVIRONMENT_TOKENS = ("HF_TOKEN",)
_ENVIRONMENT_ADDRESSES = (
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "HF_ENDPOINT",
)

_running: list[HearthModule] = []


class HearthModule(AnsibleModule):  # type: ignore[misc]
    """As AnsibleModule. Options with `no_log` are checked by RULES before the module does anything."""

    _understood = False
    _forms: frozenset[str] = frozenset()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        _running[:] = [self]
        self._understood = True
        self._learn()
        found = list(_findings(self.argument_spec, self.params))
        if found:
            self.fail_json(msg=" ".join(f"{finding}." for finding in found))

    def exit_json(self, **result: Any) -> NoReturn:  # type: ignore[misc]
        self._learn()
        super().exit_json(**all_shown(result))

    def fail_json(self, msg: str, **result: Any) -> NoReturn:  # type: ignore[misc]
        self._learn()
        if not self._understood:
            # A misspelled option may hold a secret, and nobody knows that it is one.
            result["invocation"] = {"module_args": dict.fromkeys(self.params, HIDDEN)}
        # The trace of what led here has words of others, such as those of Python's HTTP client.
        result["exception"] = shown(str(result.get("exception") or traceback.format_exc()))
        super().fail_json(shown(str(msg)), **all_shown(result))

    def _log_invocation(self) -> None:
        # It writes options that hold others as Python does.
        self._learn()
        super()._log_invocation()

    def _learn(self) -> None:
        known = {text for text in self.no_log_values - self._forms if isinstance(text, str)}
        known.update(secret for text in texts_of(self.params) for secret in secrets_of(text))
        known.update(secret for name in _ENVIRONMENT_ADDRESSES for secret in secrets_of(os.environ.get(name, "")))
        known.update(os.environ[name] for name in _ENVIRONMENT_TOKENS if os.environ.get(name))
        hide(*known)
        self._forms = self._forms | {form for text in known for form in _forms(text) if form not in known}
        self.no_log_values.update(known, self._forms)


def run_module(work: Callable[[HearthModule], Mapping[str, Any]], argument_spec: dict[str, Any], **rules: Any) -> None:
    """What every module is: `work` tells what the module returns (nothing changed, where it does not say so), or raises why it cannot."""
    module = HearthModule(argument_spec=argument_spec, supports_check_mode=True, **rules)
    try:
        module.exit_json(**{"changed": False, **work(module)})
    except NotYetError as missing:
        module.exit_json(changed=False, **missing.result)
    except HearthError as error:
        module.fail_json(msg=error.message, **error.details)
    except Exception as error:
        where = isinstance(error, OSError) and (error.filename or module.params.get("directory"))
        if not where:
            module.fail_json(msg=_unexpected(error))
        module.fail_json(
            msg=f"{where}: {getattr(error, 'strerror', None) or error}. Check the file system, and that the user who runs this may write there (become)."
        )


def guarded(main: Callable[[], None]) -> Callable[[], None]:
    """For main() of a module: what nobody expected is told, too, without what is secret in it."""

    @functools.wraps(main)
    def run() -> None:
        try:
            main()
        except Exception as error:
            if not _running:
                raise
            _running[0].fail_json(msg=_unexpected(error))

    return run


def _unexpected(error: Exception) -> str:
    return f"An unexpected {type(error).__name__}: {error}. This is a fault of the module: please report it, with what it was asked to do."


def _findings(spec: Mapping[str, Any], params: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, option in spec.items():
        value = params.get(name)
        if option.get("no_log") and name in RULES:
            yield from _judged(path + name, value, RULES[name], required=bool(option.get("required")))
        for part, item in _items(value) if option.get("options") else ():
            yield from _findings(option["options"], item, f"{path}{name}{part}.")


def _judged(path: str, value: Any, rule: Callable[[Any], str | None], *, required: bool) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _judged(f"{path}.{name}", item, rule, required=False)
    elif isinstance(value, str) and (value or required):
        finding = rule(value)
        if finding:
            yield f"{path} {finding}"


def _items(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The dictionaries of a list by the name that each has, or by its place."""
    if isinstance(value, dict):
        yield "", value
    for place, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            name = next((item[key] for key in ("name", "model", "email") if item.get(key)), place)
            yield f"[{name}]", item


def _forms(text: str) -> Iterator[str]:
    yield repr(text)[1:-1]
    yield json.dumps(text)[1:-1]
    yield quote(text, safe="")
