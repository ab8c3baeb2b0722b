# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the real Open WebUI says one thing and does another: nothing is done, and one sentence says why."""

from __future__ import annotations

import json
import unicodedata
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Runner
from integration.open_webui import EMAIL, PASSWORD
from integration.open_webui_house import ADMIN, ENGINE_KEY, House, open_house

BY_ENVIRONMENT = {"WEBUI_ADMIN_EMAIL": EMAIL, "WEBUI_ADMIN_PASSWORD": PASSWORD, "ENABLE_API_KEYS": "false"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, module_playbook: Runner) -> Iterator[House]:
    """A server whose administrator comes from its environment and which takes no keys, as it is by itself."""
    with open_house(tmp_path_factory.mktemp("open_webui"), module_playbook, BY_ENVIRONMENT) as running:
        running.run({**running.task("bootstrap", admin=ADMIN), "no_log": True})
        assert running.results["bootstrap"]["key_made"]
        assert not running.results["bootstrap"]["signed_up"]
        running.key = running.results["bootstrap"]["api_key"]
        yield running


def refused(house: House, module: str, **options: Any) -> str:
    """What the module says, which has written nothing; the same in check mode."""
    house.proxy.forget()
    words = house.run(house.task(module, **options), succeeds=False).words
    assert house.proxy.writes == []
    assert "SECRET" not in words
    return words


def way(house: House, **more: Any) -> dict[str, Any]:
    return {"url": f"http://{house.engine.address}/v1", "api_key": ENGINE_KEY, **more}


def connected(house: House) -> dict[str, Any]:
    return house.task("settings", connections=[way(house)], embedding=way(house, model="embedder"))


def test_the_key_that_is_there_is_got_and_never_made_anew(house: House) -> None:
    known, house.key = house.key, "sk-of-another-server"
    try:
        house.run({**house.task("bootstrap", admin=ADMIN), "no_log": True})
    finally:
        house.key = known

    assert house.results["bootstrap"]["api_key"] == known
    assert (house.results["bootstrap"]["key_made"], house.results["bootstrap"]["changed"]) == (False, False)


def test_a_wrong_password_and_too_many_of_them_are_named(house: House) -> None:
    stranger = {**ADMIN, "email": "stranger@example.com", "password": "wrong-SECRET"}
    known, house.key = house.key, ""
    try:
        first = house.run(house.task("bootstrap", admin=stranger), succeeds=False)
        for _attempt in range(14):
            with pytest.raises(urllib.error.HTTPError):
                house.session("stranger@example.com", "wrong")
        last = house.run(house.task("bootstrap", admin=stranger), succeeds=False)
    finally:
        house.key = known

    assert "stranger@example.com cannot sign in: the server does not take this password" in first.words
    assert "the server has counted 15 of his attempts within 3 minutes" in last.words
    assert "SECRET" not in first.output + last.output


def test_a_wrong_key_and_a_wrong_address_are_told_apart(house: House) -> None:
    wrong_key = house.run(
        {
            "name": "x",
            "hearth.llm.open_webui_info": {"api_url": house.proxy.url, "api_key": "sk-nobody"},
            "register": "x",
        },
        succeeds=False,
    )
    # The server answers unknown paths with its start page, and status 200.
    wrong_address = house.run(
        {
            "name": "x",
            "hearth.llm.open_webui_info": {"api_url": house.proxy.url + "/somewhere", "api_key": house.key},
            "register": "x",
        },
        succeeds=False,
    )

    assert "the server does not know this api_key. hearth.llm.open_webui_bootstrap makes one" in wrong_key.words
    assert "not with JSON" in wrong_address.words
    assert "Check api_url" in wrong_address.words


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"rag.topk": 3}, "this server has no rag.topk, and would store it without a word. Is it rag.top_k"),
        ({"rag.top_k": "3"}, "rag.top_k has to be a number and is a text"),
        ({"ui.enable_signup": "no"}, "ui.enable_signup has to be true or false and is a text"),
        ({"ui.banners": [{"text": "Hello"}]}, "a banner lacks content, dismissible, id, timestamp, type"),
        ({"ui.default_user_role": "superuser"}, "Give one of pending, user, admin"),
        ({"rag.top_k": 0}, "rag.top_k cannot be 0: the server would store it, and answer without documents"),
        ({"rag.template": "Answer."}, "rag.template names no {{CONTEXT}} or [context]"),
        ({"auth.jwt_expiry": "forever"}, "Give a number with ms, s, m, h, d or w"),
        ({"rag.embedding_model": "other"}, "Give it in embedding, or the running server goes on as before"),
        ({"openai.api_keys": ["k"]}, "Give it in connections, or the running server does not take it"),
        ({"oauth.google.client_id": "x"}, "read from the environment at each start, and what is stored would be lost"),
        ({"web.search.exa_api_key": "x-SECRET"}, "is a secret. Give it in secrets, so that it is never shown"),
    ],
)
def test_a_setting_that_the_server_would_store_and_not_stand_is_refused(
    house: House, settings: dict[str, Any], sentence: str
) -> None:
    assert sentence in refused(house, "settings", settings=settings)


def test_a_form_that_is_replaced_as_a_whole_keeps_what_is_not_named(house: House) -> None:
    by_hand = {
        "ENABLE_OPENAI_API": True,
        "OPENAI_API_BASE_URLS": ["http://127.0.0.1:9/v1"],
        "OPENAI_API_KEYS": ["sk-by-hand"],
        "OPENAI_API_CONFIGS": {"0": {"enable": False, "tags": [{"name": "mine"}]}},
    }
    house.ask("POST", "/openai/config/update", by_hand)
    before = house.ask("GET", "/api/v1/configs/export")

    house.run(
        connected(house),
        {
            **house.task("settings", settings={"user.permissions": {"chat": {"share": False}}}),
            "name": "permissions",
            "register": "permissions",
        },
    )

    after = house.ask("GET", "/api/v1/configs/export")
    assert after["openai.api_base_urls"] == ["http://127.0.0.1:9/v1", f"http://{house.engine.address}/v1"]
    assert after["openai.api_keys"] == ["sk-by-hand", ENGINE_KEY]
    assert after["openai.api_configs"]["0"] == {"enable": False, "tags": [{"name": "mine"}]}
    permissions = before["user.permissions"]
    assert after["user.permissions"] == {**permissions, "chat": {**permissions["chat"], "share": False}}
    assert {key for key in after if before.get(key) != after[key]} == {
        "openai.api_base_urls",
        "openai.api_keys",
        "openai.api_configs",
        "rag.embedding_model",
        "rag.openai.api_base_url",
        "rag.openai.api_key",
        "user.permissions",
    }


def test_users_that_cannot_be_are_refused_before_any_is_made(house: House) -> None:
    good = {"email": "good@example.com", "password": "good-SECRET"}
    for user, sentence in (
        ({"email": "m@example.com", "password": "good-SECRET", "role": "manager"}, "Open WebUI has no managers"),
        ({"email": "n@example.com"}, "cannot be made without a password"),
        ({"email": "nobody", "password": "good-SECRET"}, "nobody is no address that the server takes"),
        ({"email": "long@example.com", "password": "x" * 73}, "has to have 1 to 72 bytes"),
        (
            {"email": EMAIL, "role": "user"},
            "is the first administrator, and the server neither removes nor demotes him",
        ),
        ({"email": EMAIL, "state": "absent"}, "is the first administrator"),
    ):
        assert sentence in refused(house, "user", users=[good, user])
    assert "superuser" in refused(house, "user", users=[{**good, "role": "superuser"}])


def test_two_of_one_name_are_not_guessed(house: House) -> None:
    house.run(connected(house))
    for _twice in range(2):
        house.ask("POST", "/api/v1/knowledge/create", {"name": "twins", "description": ""})
        house.ask("POST", "/api/v1/groups/create", {"name": "twins", "description": ""})
    for key in ("one", "two"):
        house.ask("POST", "/api/v1/auths/add", {"name": "twins", "email": f"{key}@example.com", "password": "p"})

    assert "Two knowledge bases are called twins" in refused(house, "knowledge", knowledge=[{"name": "twins"}])
    assert "Two groups are called twins" in refused(house, "group", groups=[{"name": "twins"}])
    assert "2 users are called twins (one@example.com, two@example.com). Name the address." in refused(
        house, "model", models=[{"name": "new", "members": ["twins"]}]
    )
    model = {"base_model_id": "assistant", "params": {}, "meta": {}, "name": "twins"}
    for key in ("one", "two"):
        house.ask("POST", "/api/v1/models/create", {**model, "id": key})
    assert "Two assistants are called twins (" in refused(house, "model", models=[{"name": "twins"}])

    for item in house.ask("GET", "/api/v1/knowledge/")["items"]:
        house.ask("DELETE", f"/api/v1/knowledge/{item['id']}/delete")
    for item in house.ask("GET", "/api/v1/groups/"):
        house.ask("DELETE", f"/api/v1/groups/id/{item['id']}/delete")
    house.ask("POST", "/api/v1/models/model/delete", {"id": "two"})


def test_an_assistant_that_could_not_answer_is_refused(house: House) -> None:
    house.run(connected(house))

    assert "wants the model mistral, which no connection serves. There are: assistant, embedder" in refused(
        house, "model", models=[{"name": "new", "model": "mistral"}]
    )
    assert "cannot be made without a model" in refused(house, "model", models=[{"name": "new"}])
    assert "there is no knowledge nothing" in refused(
        house, "model", models=[{"name": "new", "model": "assistant", "knowledge": ["nothing"]}]
    )
    assert "There is no user nobody" in refused(
        house, "model", models=[{"name": "new", "model": "assistant", "members": ["nobody"]}]
    )
    assert "There is no group none" in refused(
        house, "model", models=[{"name": "new", "model": "assistant", "groups": ["none"]}]
    )
    assert "Give the option system_prompt instead" in refused(
        house, "model", models=[{"name": "new", "model": "assistant", "parameters": {"system": "x"}}]
    )


def test_every_name_gets_an_id_of_its_own_and_a_taken_one_is_no_matter_of_the_key(house: House) -> None:
    house.run(
        connected(house), {**house.task("model", models=[{"name": "Open", "model": "assistant", "everyone": True}])}
    )

    names = ["Assistant", "Bär", "Bör", "日本語", "a/b", "n" * 300]
    models = [{"name": name, "model": "assistant", "everyone": True} for name in names]
    house.run(house.task("model", models=models))

    ids = house.results["model"]["ids"]
    assert len({ids[name] for name in names}) == len(names)
    assert ids["Assistant"].startswith("assistant-")
    for name in names:
        assert house.chat(ids[name], "?")["choices"]
    assert house.run(house.task("model", models=models)).changed == 0
    taken = [{"name": "Other", "id": "assistant", "model": "assistant"}]
    assert "would get the id assistant, which another model has. Give another id" in (
        house.run(house.task("model", models=taken), succeeds=False).words
    )


def test_who_may_use_an_assistant_is_kept_apart_from_what_it_is(house: House) -> None:
    house.run(connected(house), house.task("user", users=[{"email": "eve@example.com", "password": "eve"}]))
    assistant = {"name": "Locked", "model": "assistant", "temperature": 0.5}
    house.run(house.task("model", models=[{**assistant, "members": ["eve@example.com"]}]))
    eve = house.session("eve@example.com", "eve")
    assert house.chat("locked", "?", key=eve)["choices"]

    house.run(house.task("model", models=[{**assistant, "temperature": 0.6}]))
    assert house.chat("locked", "?", key=eve)["choices"]
    house.run(house.task("model", models=[{**assistant, "members": []}]))
    with pytest.raises(urllib.error.HTTPError):
        house.chat("locked", "?", key=eve)


def test_a_document_that_fails_is_named_and_the_next_run_goes_on(house: House, tmp_path: Path) -> None:
    house.run(connected(house))
    (tmp_path / "a.md").write_text("One.")
    (tmp_path / "b.md").write_text(" \n\n ")
    (tmp_path / "c.md").write_text("Three.")
    task = house.task("knowledge", knowledge=[{"name": "broken", "src": str(tmp_path)}])

    words = house.run(task, succeeds=False).words
    assert "1 document is not there; all others are. broken: b.md: is blank. Write something into it" in words
    assert len(house.ask("GET", f"/api/v1/knowledge/{_id_of(house, 'broken')}/files")["items"]) == 2
    # Other bytes of the same text are the same to the server.
    (tmp_path / "b.md").write_text(unicodedata.normalize("NFC", "Café, café."))
    (tmp_path / "d.md").write_text(unicodedata.normalize("NFD", "Café, café."))
    assert "another document says the same in another file" in house.run(task, succeeds=False).words
    (tmp_path / "d.md").unlink()
    house.run(task)
    assert house.run(task).changed == 0

    # An engine that is down takes nothing away.
    (tmp_path / "a.md").write_text("One and a half.")
    house.run(house.task("settings", embedding={"url": "http://127.0.0.1:9/v1"}))
    words = house.run(task, succeeds=False).words
    assert "a.md: the server cannot embed it" in words
    assert "Check embedding in hearth.llm.open_webui_settings" in words
    path = f"/api/v1/knowledge/{_id_of(house, 'broken')}/files"
    assert sorted(file["filename"] for file in house.ask("GET", path)["items"]) == ["a.md", "b.md", "c.md"]
    house.run(connected(house), task)
    assert house.run(task).changed == 0


def _id_of(house: House, name: str) -> str:
    return next(str(item["id"]) for item in house.ask("GET", "/api/v1/knowledge/")["items"] if item["name"] == name)


def test_nothing_secret_is_said_however_much_is_asked_for(house: House) -> None:
    house.run({**house.task("settings", secrets={"web.search.exa_api_key": "old-SECRET"}), "no_log": True})

    loud = ("-vvv", "--diff")
    tasks = (
        house.task("settings", secrets={"web.search.exa_api_key": "new-SECRET"}, connections=[way(house)]),
        house.task("user", users=[{"email": "s@example.com", "password": "s-SECRET"}], update_password="always"),
        house.task("info"),
    )
    outcome = house.run(*tasks, flags=loud)

    assert outcome.changed == 2
    for secret in ("old-SECRET", "new-SECRET", "s-SECRET", ENGINE_KEY, house.key):
        assert secret not in outcome.output
    assert "SECRET" not in json.dumps(house.results["info"])
