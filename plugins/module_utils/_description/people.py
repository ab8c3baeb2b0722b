# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""hearth_frontends, hearth_assistants, hearth_users: the pages, who is there to be asked, and who may ask."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import (
    Choice,
    Key,
    ListOf,
    MapOf,
    Number,
    Prose,
    Record,
    Text,
    Whole,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.special import (
    ControllerDocuments,
    Email,
    HostName,
    Name,
    Secret,
    Url,
)
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends

_KINDS = {"text": Text(), "texts": ListOf(Text()), "secret": Secret(), "url": Url()}

_DOMAIN = Key(
    "domain",
    HostName(),
    "the name of its page, where there are two frontends",
    default="hearth_domain",
    also=("host", "hostname", "url", "name", "fqdn"),
)

FRONTENDS_KIND = Record(
    *(
        Key(
            name,
            Record(
                _DOMAIN,
                *(
                    Key(key.name, _KINDS[key.kind], key.meaning, default=key.default, also=key.also)
                    for key in frontend.keys
                ),
                words="a dictionary, {} at least",
                null=True,
                short="{domain: …}",
            ),
            frontend.title if "process" in frontend.runtimes else f"{frontend.title} (docker only)",
            default="not run",
            also=tuple(frontend.misspelled),
        )
        for name, frontend in frontends().items()
    ),
    words="a dictionary of frontends",
    short="{…: {}}",
)

_STATE = Key(
    "state",
    Choice(
        "present",
        "absent",
        also={
            "enabled": "write present",
            "disabled": "write absent",
            "deleted": "write absent",
            "removed": "write absent",
        },
    ),
    "absent takes it away",
    value="present",
)

ASSISTANT_NAME = Name(
    "an assistant's name",
    r"[^\s/\\][^/\\\t\r\n]{0,99}",
    "use a name of one line without slashes, of at most 100 characters",
    "DocExplorer",
)
USER_NAME = Name(
    "a user's name",
    r"[A-Za-z0-9_@-][A-Za-z0-9._@-]{0,63}",
    "use letters, digits, '.', '_', '@' and '-', without blanks",
    "ana",
)

ASSISTANT = Record(
    Key(
        "model",
        Text("a served name"),
        "served name of its model, one of hearth_models",
        default="needed, where it is not absent",
        also=("llm", "models"),
    ),
    Key(
        "system_prompt",
        Prose(),
        "what the model is told before each chat",
        default="none",
        also=("prompt", "system", "instructions"),
    ),
    Key(
        "description",
        Prose(),
        "what the page says of it (open_webui)",
        default="none",
        also=("about", "summary"),
    ),
    Key(
        "temperature",
        Number(0, 2),
        "how freely the model picks its words; 0 is always the same",
        default="the frontend's",
        also=("temp",),
    ),
    Key(
        "slug",
        Text(
            "the end of its address in AnythingLLM",
            pattern=r"[^\s/\\?#]+",
            rule="write the end of its address there, behind /workspace/",
            example="docexplorer",
        ),
        "AnythingLLM's own name of it, which stays: only to give an assistant another name and keep its chats",
        default="found by its name",
    ),
    Key(
        "history",
        Whole("questions", most=1000),
        "earlier questions of a chat that the model is shown again, with their answers (anythingllm)",
        default="20, or what the window has room for beside documents",
        also=("history_messages", "memory"),
    ),
    Key(
        "mode",
        Choice("chat", "query", "automatic", also={"agent": "write automatic", "auto": "write automatic"}),
        "chat answers also without documents, query only from them, automatic is an agent that heeds no temperature (anythingllm)",
        value="chat",
        also=("chat_mode",),
    ),
    Key(
        "documents",
        ControllerDocuments(),
        "a directory or a file on the controller that it knows",
        default="none",
        also=("document", "docs", "files", "knowledge"),
    ),
    Key(
        "top_n",
        Whole("pieces", most=1000),
        "pieces of documents that the model is shown (anythingllm)",
        default="4",
        also=("top_k", "topn", "n"),
    ),
    Key(
        "similarity_threshold",
        Number(0, 1),
        "how like the question a piece has to be, 0 to 1 (anythingllm)",
        default="0.25",
        also=("threshold", "similarity"),
    ),
    Key(
        "chunk_tokens",
        Whole("tokens", most=1 << 20),
        "how long the pieces are that its documents are cut into",
        default="the frontend's",
        also=("chunk", "chunk_size"),
    ),
    Key(
        "chunk_overlap_tokens",
        Whole("tokens", least=0, most=1 << 20),
        "how far the pieces overlap",
        default="the frontend's",
        also=("overlap", "chunk_overlap"),
    ),
    Key(
        "members",
        ListOf(
            Text("a user's name"),
            words="a list of users' names",
            empty="nobody could see it; name a user, or leave members out for all",
        ),
        "names of the users who see it",
        default="all",
        also=("users", "people"),
    ),
    Key(
        "frontends",
        ListOf(
            Choice(
                *frontends(),
                also={word: f"write {name}" for name, frontend in frontends().items() for word in frontend.misspelled},
            ),
            words="a list of frontends",
            empty="it would be in none; name one, or leave frontends out for all",
        ),
        "the frontends that it is in",
        default="all",
        also=("frontend", "pages"),
    ),
    _STATE,
    words="an assistant with its model",
    short="{model: …}",
)

ASSISTANTS = MapOf(
    ASSISTANT_NAME,
    ASSISTANT,
    words="a dictionary of assistants",
    empty="describe an assistant, or leave hearth_assistants out",
)

USER = Record(
    Key(
        "name",
        USER_NAME,
        "name to log in with, and of the password's file below hearth_secrets_directory",
        required=True,
        also=("user", "username", "login", "id"),
    ),
    Key(
        "role",
        Choice(
            "user",
            "manager",
            "admin",
            also={"administrator": "write admin", "default": "write user", "owner": "write admin"},
        ),
        "what the user may do (open_webui takes a manager for a user)",
        value="user",
        also=("roles", "type"),
    ),
    Key(
        "email",
        Email(),
        "address to sign in with (open_webui)",
        default="name@hearth_domain",
        also=("mail", "e_mail", "address"),
    ),
    Key(
        "assistants",
        ListOf(
            Text("an assistant's name"),
            words="a list of assistants' names",
            empty="the user would see none; name an assistant, or leave assistants out",
        ),
        "the assistants that the user sees",
        default="those without members, and those that name the user",
        also=("assistant", "workspaces"),
    ),
    Key(
        "daily_messages",
        Whole("messages", most=1_000_000),
        "messages that the user may send in a day (anythingllm)",
        default="no limit",
        also=("messages", "daily_limit", "limit"),
    ),
    _STATE,
    words="a user with a name",
    short="{name: …}",
)

USERS = ListOf(
    USER,
    words="a list of users with their names",
    empty="describe a user, such as - name: ana, or leave hearth_users out",
)
