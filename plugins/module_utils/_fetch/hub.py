# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hub: from a repository and a revision to a commit and its files, and in words what it refuses."""

from __future__ import annotations

import difflib
import re
from typing import Any
from urllib.parse import quote, urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._errors import (
    HearthError,
    InputError,
    ProtocolError,
    StatusError,
)
from ansible_collections.hearth.llm.plugins.module_utils._fetch.remote import (
    Remote,
    WebRemote,
    content_size,
    html_instead,
)
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import (
    SPLIT,
    File,
    Source,
    checked,
    refuse_pieces,
    siblings,
)
from ansible_collections.hearth.llm.plugins.module_utils._http import TRANSIENT, Client, is_loopback
from ansible_collections.hearth.llm.plugins.module_utils._hub import HUB

DEFAULT_ENDPOINT = HUB
_SHA256, _SHA1 = re.compile(r"[0-9a-f]{64}\Z"), re.compile(r"[0-9a-f]{40}\Z")
TOKEN_REMEDY = "give it as token of hearth.llm.model (models_hub_token of the role models), or in HF_TOKEN"


class Hub:
    def __init__(self, client: Client, endpoint: str, token: str | None) -> None:
        self._client, self.endpoint, self._token = client, endpoint.rstrip("/"), token

    def resolve(self, source: Source, *, need_hashes: bool = True) -> tuple[str, list[File], list[str]]:
        """The commit behind the source's revision, its files with their sizes and hashes, and those that hold the same weights again."""
        self.refuse_open_token()
        url = f"{self.endpoint}/api/models/{source.repository}/revision/{quote(source.revision, safe='')}?blobs=true"
        try:
            answer = self._client.json("GET", url, token=self._token)
        except StatusError as error:
            raise self._explained(source, source.text, error) from error
        try:
            commit = str(answer["sha"])
            there = {str(entry["rfilename"]): entry for entry in answer["siblings"]}
        except (KeyError, TypeError) as error:
            raise ProtocolError(
                f"{source.text}: {self.endpoint} answered without commit and files. Check that endpoint (HF_ENDPOINT) names a Hugging Face hub or a mirror."
            ) from error
        wanted = [path for path in sorted(there) if source.wants(path)]
        self._check(source, wanted, list(there))
        wanted, left_out = source.without_copies(wanted)
        refuse_pieces(source.key, wanted)
        files = [self._file(source, commit, path, there[path]) for path in wanted]
        if need_hashes:
            self._check_hashes(source, commit, files)
        return commit, files, left_out

    def remote(self, source: Source, commit: str, file: File) -> Remote:
        self.refuse_open_token()
        url = self._url(source, commit, file.origin)

        def explain(error: StatusError) -> HearthError:
            return self._explained(source, f"hf://{source.repository}@{commit[:12]}/{file.origin}", error)

        return WebRemote(self._client, url, file.path, file.bytes, token=self._token, explain=explain)

    def _url(self, source: Source, commit: str, path: str) -> str:
        return f"{self.endpoint}/{source.repository}/resolve/{quote(commit, safe='')}/{quote(path)}"

    def _file(self, source: Source, commit: str, path: str, entry: dict[str, Any]) -> File:
        large = entry.get("lfs") or {}
        size = large.get("size", entry.get("size"))
        sha256, git_sha1 = str(large.get("sha256") or ""), "" if large else str(entry.get("blobId") or "")
        if not isinstance(size, int) or not (sha256 or git_sha1):
            size, sha256, git_sha1 = self._asked(source, commit, path)
        return File(checked(source.place(path)), path, size, sha256, git_sha1)

    def _asked(self, source: Source, commit: str, path: str) -> tuple[int, str, str]:
        """Some mirrors list names and nothing else. The file itself tells its size, and what the hub calls its content, where they pass that on."""
        url = self._url(source, commit, path)
        try:
            with self._client.request(
                "GET", url, headers={"Range": "bytes=0-0"}, token=self._token, expect=(200, 206)
            ) as response:
                html_instead(response, url, path)
                size, told = content_size(response), [*response.hops, response.headers]
        except StatusError as error:
            raise self._explained(source, f"hf://{source.repository}@{commit[:12]}/{path}", error) from error
        linked = next((headers["X-Linked-Size"] for headers in told if headers.get("X-Linked-Size")), "")
        tags = [headers.get("X-Linked-Etag") or headers.get("ETag") or "" for headers in told]
        names = [tag.strip('"') for tag in tags if not tag.startswith("W/")]
        size = int(linked) if linked.isdigit() else size
        if size is None:
            raise ProtocolError(
                f"{source.text}: {self.endpoint} tells no size of {path}, so it can be neither checked nor resumed. Ask the mirror's operator, or name another"
                " mirror as endpoint (HF_ENDPOINT)."
            )
        sha256 = next((name for name in names if _SHA256.match(name)), "")
        return size, sha256, next((name for name in names if not sha256 and _SHA1.match(name)), "")

    def _check_hashes(self, source: Source, commit: str, files: list[File]) -> None:
        bare = [file for file in files if not (file.sha256 or file.git_sha1)]
        if not bare:
            return
        named = ", ".join(file.origin for file in bare[:3]) + (f" and {len(bare) - 3} more" if len(bare) > 3 else "")
        entry = ", ".join(f"{{path: {file.origin}, bytes: {file.bytes}, sha256: …}}" for file in files[:2])
        remedy = (
            "Give the model's sha256"
            if len(files) == 1
            else f"Write all of them into the lock file, {source.key}: {{revision: {commit}, files: [{entry}{', …' if len(files) > 2 else ''}]}}"
        )
        raise ProtocolError(
            f"{source.text}: {self.endpoint} tells no hash of {named}, so nobody could say whether the right bytes came. {remedy}; "
            "or name a hub that tells them as endpoint (HF_ENDPOINT)."
        )

    def _check(self, source: Source, wanted: list[str], there: list[str]) -> None:
        """Every file that the source means has to be there."""
        named = source.pattern or " ".join(source.files) or "any file"
        absent = (
            [path for path in siblings(source.pattern) if path not in wanted] if SPLIT.search(source.pattern) else []
        )
        if wanted and not absent:
            return
        missing = ", ".join(absent) or named
        near = difflib.get_close_matches(absent[0] if absent else named, there, n=5, cutoff=0.3) or sorted(there)[:5]
        raise InputError(
            f"{source.text}: the repository {source.repository} has no {missing} at revision {source.revision}. "
            f"Nearest: {', '.join(near) or 'it has no files at all'}. Correct the source."
        )

    def refuse_open_token(self) -> None:
        """Before the token goes out: it must not be read on the way."""
        if self._token and urlsplit(self.endpoint).scheme == "http" and not is_loopback(self.endpoint):
            raise InputError(
                f"The hub's token would go in clear text to {self.endpoint}. Use https for the endpoint, or leave the token away."
            )

    def _explained(self, source: Source, what: str, error: StatusError) -> HearthError:
        """What the hub's refusal means, and which page and which variable help."""
        if error.status in TRANSIENT:
            return StatusError(f"{what}: {error.message}", status=error.status, headers=error.headers, body=error.body)
        page = f"{self.endpoint}/{source.repository}"
        code = error.headers.get("X-Error-Code") or ""
        if code == "RepoNotFound" or (error.status == 404 and not code):
            text = f"there is no such repository or file, or it is private. Check {page} in a browser; for a private one, {TOKEN_REMEDY}."
        elif code == "RevisionNotFound":
            text = f"the repository has no revision {source.revision}. Look at {page}/commits and correct what stands behind the @."
        elif code == "EntryNotFound" or error.status == 404:
            text = f"the file is not in that revision. Look at {page}/tree/{source.revision} and correct the source."
        elif error.status == 401 and not self._token:
            text = (
                f"the repository is gated or private, and no token was sent. Open {page}, accept its conditions there, "
                f"make a token that may read at {self.endpoint}/settings/tokens, and {TOKEN_REMEDY}."
            )
        elif error.status == 401:
            text = f"the token is not known: it was revoked or mistyped. Make a new one at {self.endpoint}/settings/tokens and {TOKEN_REMEDY}."
        elif error.status == 403:
            text = f"the token's owner may not read it. Open {page} as that user, accept its conditions (or wait until they grant access), and run again."
        else:
            return HearthError(f"{what}: {error.message}", **error.details)
        return HearthError(f"{what}: the hub at {self.endpoint} answered {error.status}: {text}", **error.details)
