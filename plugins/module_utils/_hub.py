# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where models lie on a hub: `hf://owner/repository[@revision][/path]`, and what people paste from a browser or a command instead of it.

Addresses after the hub's own pages: /{repository}, /{repository}/{blob,resolve,tree,raw}/{revision}/{path} (huggingface_hub's HfFileSystem and its
documentation on downloads), and the short forms that llama.cpp (-hf) and Ollama take.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote, urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._url import origin, safe_url

if TYPE_CHECKING:
    from urllib.parse import SplitResult

HUB = "https://huggingface.co"
HUB_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co", "www.hf.co")
_MIRROR_HOSTS = ("hf-mirror.com", "www.hf-mirror.com")
# Addresses that the hub signs for a time.
_SIGNED_HOSTS = re.compile(r"(?:cdn-lfs[\w-]*|cas-bridge|[\w.-]*\.xethub|(?:[\w.-]+\.)?cdn)\.(?:hf|huggingface)\.co\Z")
# The hub's own revisions that are written with slashes.
_REFS = re.compile(r"refs/(?:pr/\d+|convert/[\w.-]+)(?=/|\Z)")
# The one grammar of such a source. A path may be a glob, or be none for the whole repository.
SOURCE = re.compile(r"hf://(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[^/@]+))?(?:/(?P<path>.*))?\Z")
_NAME = r"[A-Za-z0-9][\w.-]*"
_REPOSITORY = rf"{_NAME}/{_NAME}"
_KINDS = "blob|resolve|tree|raw|blame|commit|commits|discussions|edit"
# The name of a repository ends before .git, with which git clones it.
_PAGE = re.compile(rf"/({_NAME}/{_NAME}?)(?:\.git)?(?:/({_KINDS})(?:/([^/]+)(?:/(.*))?)?)?/?\Z")
_QUANTIZED = re.compile(rf"({_REPOSITORY}):([\w.-]+)\Z")
_PLACES = ("api", "collections", "datasets", "docs", "models", "organizations", "papers", "settings", "spaces")
# What a file of a model ends with: an address with such a path names a file, whatever its host.
_FILE = re.compile(r"\.(?:gguf|safetensors|bin|json|pt|pth|onnx)\Z", re.IGNORECASE)
_COMMAND = re.compile(r"(?:hf|huggingface-cli|ollama|llama-server|llama-cli|git|wget|curl)\s")
# What has a blank and no scheme is words: a command behind a prompt or a variable, which may be a token's.
_WORDS = re.compile(r"(?!\w+://|[/~.])\S+\s+\S")
# Where else models come from, and what to do with them here.
_ELSEWHERE = (
    (
        re.compile(r"(?:https?://)?(?:www\.)?modelscope\.(?:cn|com|ai)/|(?:ms|modelscope)://"),
        "ModelScope is no Hugging Face hub",
    ),
    (
        re.compile(r"(?:https?://)?(?:www\.|registry\.)?ollama\.(?:com|ai)/|ollama://|ollama\s"),
        "Ollama's library is no Hugging Face hub",
    ),
    (
        re.compile(r"(?:docker|oci)://|(?:https?://)?hub\.docker\.com/"),
        "a registry of containers is no Hugging Face hub",
    ),
)
_ELSEWHERE_REMEDY = "write the repository that it was made from, hf://owner/repository/file.gguf, or a file of your own, https://… or file:///…"
_STORES = ("s3", "gs", "gcs", "az", "abfs", "ftp", "ftps", "sftp", "scp", "ssh", "rsync")
_ANY_HOST = "|".join(map(re.escape, (*HUB_HOSTS, *_MIRROR_HOSTS)))


def file_url(source: str, endpoint: str = HUB) -> str:
    """The address of the one file that an hf:// source names."""
    _repository, revision, path = _parts(source)
    return f"{repository_url(source, endpoint)}/resolve/{quote(revision or 'main', safe='%')}/{quote(path)}"


def repository_url(source: str, endpoint: str = HUB) -> str:
    """The page of its repository, for people."""
    return f"{endpoint.rstrip('/')}/{_parts(source)[0]}"


def meant(text: str, endpoint: str | None = HUB) -> str:
    """The source as it is written here: what stands around it is taken away, and an address of the hub's pages becomes hf://.

    `endpoint` is the hub that is asked, which may be a mirror; None where that is not known, and every mirror may be it.
    What cannot be taken for something is refused with what to write; what is no business of a hub comes back as it is.
    """
    bare = _bare(text)
    _refuse_other_places(bare)
    parts = urlsplit(bare)
    if parts.scheme == "hf":
        return _of_hub(bare, endpoint)
    if parts.scheme in ("http", "https"):
        return _of_address(bare, parts, endpoint)
    if bare.startswith(("/", "~", "./", "../")):
        raise InputError(
            f"{bare!r} is not a source. Write file:///path, with the whole path on the host, for a file that lies there."
        )
    if not parts.scheme and re.fullmatch(_REPOSITORY + r"(?:/.*)?", bare):
        raise InputError(
            f"{bare!r} is not a source. Write hf://owner/repository[/path], so hf://{bare} where it lies on the hub."
        )
    return bare


def _bare(text: str) -> str:
    """Without blanks, quotes and brackets around it, with the schemes in small letters, and hosts of the hub with one."""
    bare = text.strip().strip("'\"<>`").strip()
    bare = re.sub(r"(?i)\Agit\+(?=https?://)", "", bare)
    bare = re.sub(r"(?i)\A(?:huggingface://|hf:/{0,3}(?=\w))", "hf://", bare)
    bare = re.sub(rf"(?i)\A(?:hf://|//)?(?=(?:{_ANY_HOST})(?:/|\Z))", "https://", bare)
    bare = re.sub(r"(?i)\Afile:(?://localhost)?/(?!/)", "file:///", bare)
    return re.sub(r"\A\w+(?=://)", lambda found: found.group().lower(), bare)


def _refuse_other_places(bare: str) -> None:
    for pattern, why in _ELSEWHERE:
        if pattern.match(bare.lower()):
            raise InputError(f"{safe_url(bare)!r} is not a source: {why}. Here {_ELSEWHERE_REMEDY}.")
    command = _COMMAND.match(bare)
    if command:
        # Without what stands behind it, which may be a token.
        raise InputError(
            f"A command ({command.group().strip()} …) is not a source. Write what it fetches: hf://owner/repository/file.gguf, or https://…"
        )
    if _WORDS.match(bare):
        raise InputError(
            "Several words, as a command has them, are not a source. Write what is to be fetched: hf://owner/repository/file.gguf, https://… or file:///path."
        )
    short = _QUANTIZED.match(re.sub(rf"(?i)\A(?:hf://)?(?:https?://(?={_ANY_HOST}))?(?:(?:{_ANY_HOST})/)?", "", bare))
    if short:
        raise InputError(
            f"{bare!r} is the short form of llama.cpp and Ollama. Write the file, or a glob that means one: hf://{short[1]}/*{short[2]}*.gguf."
        )
    scheme = "git" if bare.startswith("git@") else urlsplit(bare).scheme
    if scheme in ("git", *_STORES):
        raise InputError(
            f"{safe_url(bare)!r} is not a source: {scheme} is not spoken here. "
            "Write hf://owner/repository/path for a model of the hub, an https:// address (a signed"
            " one will do), or fetch it to the host and write file:///path."
        )


def _of_hub(text: str, endpoint: str | None) -> str:
    """Some write a page's path behind hf://, or a browser's query."""
    bare = re.sub(r"\?download=\w+\Z", "", text)
    if bare.startswith(("hf://datasets/", "hf://spaces/")):
        raise InputError(f"{bare!r} is no model's. Write hf://owner/repository/path of a model.")
    bare = re.sub(rf"\Ahf://models/(?={_REPOSITORY})", "hf://", bare)
    behind = re.match(rf"hf://({_REPOSITORY})/([^@]+)@([^/@]+)\Z", bare)
    if behind:
        raise InputError(
            f"{bare!r} is not a source: the revision stands behind the repository. Write hf://{behind[1]}@{behind[3]}/{behind[2]}."
        )
    bare = re.sub(rf"\A(hf://{_REPOSITORY}@)(refs/.*)", lambda found: found[1] + _with_refs_quoted(found[2]), bare)
    if re.match(rf"hf://{_REPOSITORY}(?:@[^/@]+)?/.*[^/*]/\Z", bare):
        # A folder, as people write one.
        bare += "*"
    page = re.match(rf"hf://({_REPOSITORY}/(?:blob|resolve|tree|raw)/.+)\Z", bare)
    return _of_address(f"{HUB}/{page[1]}", urlsplit(f"{HUB}/{page[1]}"), endpoint) if page else bare


def _of_address(text: str, parts: SplitResult, endpoint: str | None) -> str:
    host = parts.hostname or ""
    if _SIGNED_HOSTS.match(host):
        raise InputError(
            f"{safe_url(text)!r} is an address that the hub has signed for some minutes. Write the file's own, hf://owner/repository/path."
        )
    of_hub = host in HUB_HOSTS
    ours = of_hub or (host in _MIRROR_HOSTS if endpoint is None else origin(text)[1:] == origin(endpoint)[1:])
    page = _PAGE.match(_page_path(parts.path, endpoint if ours and not of_hub else None))
    named = page is not None and page[1].split("/", 1)[0] not in _PLACES
    if of_hub and not named:
        raise InputError(
            f"{safe_url(text)!r} is a page of the hub that is no model's. Open the model's page and write hf://owner/repository/file.gguf."
        )
    if not (ours or host in _MIRROR_HOSTS) or page is None or not named:
        return text
    # Elsewhere than on the hub, a path of two names may be a file's.
    if not of_hub and ((not page[2] and _FILE.search(parts.path)) or (not ours and page[2] == "resolve")):
        return text
    kind = page[2] or ""
    listed = kind in ("", "tree", "blob", "resolve", "raw", "blame", "edit")
    shown = parse_qs(parts.query).get("show_file_info", [""])[0]
    path = unquote((page[4] or "").strip("/")) or shown
    source = _source(page[1], page[3] or "" if kind != "discussions" else "", kind, path if listed else "")
    if not ours:
        raise InputError(
            f"{safe_url(text)!r} is a page of a mirror of the hub. Write {source}, and the mirror as hearth_hub_endpoint: https://{host}."
        )
    if kind in ("", "blob", "resolve", "tree"):
        return source
    why = "gives pointers in place of large files" if kind == "raw" else f"is a page about the repository ({kind})"
    raise InputError(f"{safe_url(text)!r} is not a source: it {why}. Write {source}.")


def _page_path(path: str, endpoint: str | None) -> str:
    """Of the hub's pages, with the hub's own revisions in one word; a mirror may lie below a path of its own."""
    below = urlsplit(endpoint).path.rstrip("/") if endpoint else ""
    if below and path.startswith(below + "/"):
        path = path[len(below) :]
    kind = re.match(rf"(/{_REPOSITORY}/(?:{_KINDS})/)(refs/.*)", path)
    return kind[1] + _with_refs_quoted(kind[2]) if kind else path


def _with_refs_quoted(text: str) -> str:
    return _REFS.sub(lambda found: quote(found.group(), safe=""), text, count=1)


def _source(repository: str, revision: str, kind: str, path: str) -> str:
    at = "" if unquote(revision) in ("", "main") else f"@{revision}"
    if kind == "tree" and path and not _FILE.search(path):
        path += "/*"
    return f"hf://{repository}{at}{'/' if path else ''}{path}"


def _parts(source: str) -> tuple[str, str | None, str]:
    found = SOURCE.match(source)
    if not found or not found["path"] or found["path"].endswith("/"):
        raise InputError(
            f"{source} does not name a file of a hub. Write hf://owner/repository/path or hf://owner/repository@revision/path."
        )
    return found["repository"], found["revision"], found["path"]
