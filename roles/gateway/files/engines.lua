-- SPDX-FileCopyrightText: hearth.llm contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Asks the engines which of their models are loaded, and the service that fetches models how far it is, while somebody looks, or hosts.lua watches: no request
-- ever waits for this, nor one of them for another that hangs. An engine is asked once for all of its models.
-- Engines are asked through the frontend `look:engines`, which knows their addresses and their key, and ends what takes long.
-- Told by the environment: the sockets of that frontend and of that service, which is not there where no model is fetched on its first request.

engines = {}
local look_socket, fetcher_socket = os.getenv("GATEWAY_LOOK_SOCKET"), os.getenv("GATEWAY_FETCHER_SOCKET") or ""
-- Seconds for which an answer does, and for which they are asked on after somebody has looked. Who only watches learns of a server of one model little that
-- HAProxy's own checks do not see: its answer does for longer.
local FRESH, LOOKED_AT, SELDOM = 1, 10, 3
local looked, watched = -LOOKED_AT, -LOOKED_AT
-- By engine: what its models are, whether it is being asked, when it was, whether it says of its only model that it sleeps, and whether it has just that one.
local found, asking, asked, has_properties, has_one = {}, {}, {}, {}, {}
-- No engine is called so.
local FETCHER = ":fetcher"

local now = hearth.now

local function get(where, path, engine, body)
  local socket = core.tcp()
  socket:settimeout(3)
  local head = engine and "X-Hearth-Engine: " .. engine .. "\r\n" or ""
  if body then head = ("%sContent-Type: application/json\r\nContent-Length: %d\r\n"):format(head, #body) end
  local answer = socket:connect(where)
    -- Of HTTP/1.0, so that the answer comes in one piece and ends with the connection.
    and socket:send(("%s %s HTTP/1.0\r\n%s\r\n%s"):format(body and "POST" or "GET", path, head, body or ""))
    and socket:receive("*a")
  socket:close()
  local status, body = (answer or ""):match("^HTTP/%S+ (%d+).-\r\n\r\n(.*)$")
  return tonumber(status), json.decode(body or "")
end

-- A server of one model tells that by answering at all.
local function sleeps(engine)
  if has_properties[engine] == false then return false end
  local status, properties = get(look_socket, "/props", engine)
  has_properties[engine] = status == 200 and type(properties) == "table" and properties.is_sleeping ~= nil
  return has_properties[engine] and properties.is_sleeping == true
end

local STATES = { loaded = "loaded", loading = "loading", sleeping = "sleeping", unloaded = "idle", downloaded = "idle", downloading = "fetching" }

local function state_of(engine, entry)
  local status = entry.status
  if type(status) ~= "table" then return { state = sleeps(engine) and "sleeping" or "loaded" } end
  if status.failed == true then
    local code = tonumber(status.exit_code)
    return {
      state = "failed",
      why = "It ended while it was being loaded" .. (code and (", with status %d"):format(code) or "") .. ". The log of its engine says more.",
    }
  end
  return { state = STATES[status.value] or "unknown" }
end

local function ask(engine)
  local status, listing = get(look_socket, "/v1/models", engine)
  local models, last = {}, nil
  has_one[engine] = nil
  if status == 200 and type(listing) == "table" and type(listing.data) == "table" then
    for _, entry in ipairs(listing.data) do
      if type(entry) == "table" and type(entry.id) == "string" then
        last = state_of(engine, entry)
        models[entry.id] = last
      end
    end
    -- A server of one model serves it by whatever name.
    has_one[engine] = #listing.data == 1 and type(listing.data[1].status) ~= "table"
    if has_one[engine] then models["*"] = last end
  elseif status == 503 and type(listing) == "table" and type(listing.error) == "table" and listing.error.message == "Loading model" then
    models["*"] = { state = "loading" }
  else
    models["*"] = { state = "unreachable", why = "Its engine does not answer: it may be starting, or it is down." }
  end
  return models
end

-- Models by name, each with what the service says of it.
local function ask_fetcher()
  local status, told = get(fetcher_socket, "/models")
  local models = {}
  for _, model in ipairs(status == 200 and type(told) == "table" and type(told.models) == "table" and told.models or {}) do
    if type(model) == "table" and type(model.name) == "string" then models[model.name] = model end
  end
  return models
end

local function ask_once(name)
  local is_told, told = pcall(name == FETCHER and ask_fetcher or ask, name)
  found[name], asked[name], asking[name] = is_told and told or {}, now(), false
end

-- What is told of a model that is fetched on its first request: state (absent, waiting, fetching, loading, ready, failed), done_bytes, total_bytes,
-- eta_seconds; why it failed, for who runs the host, and reason, for everybody.
function engines.fetch(model)
  return (found[FETCHER] or {})[model]
end

-- What an engine last said of a model, which it may know by its name or by its identifier.
function engines.state(engine, name, id)
  local models = found[engine]
  if not models then return { state = "unknown", why = "Its engine has not answered yet." } end
  return models[name] or models[id] or models["*"] or { state = "failed", why = "Its engine does not serve it." }
end

-- A router is told to load a model, by the name that it has for it. It may fail again, which is then seen. Says whether it has that name.
function engines.load(engine, name, id)
  local models = found[engine] or {}
  local known = models[name] and name or models[id] and id
  if known then core.register_task(function() get(look_socket, "/models/load", engine, json.encode({ model = known })) end) end
  return known ~= nil
end

local function ask_on(names)
  engines.names = fetcher_socket ~= "" and { FETCHER, table.unpack(names) } or names
end

-- They are asked, and nobody waits.
function engines.watch(names)
  watched = now()
  if not engines.names then ask_on(names) end
end

-- Somebody looks: they are asked, and for a moment waited for, where nobody has looked for a while.
function engines.look(names)
  looked = now()
  ask_on(names)
  local last = looked + 0.5
  while now() < last do
    local all = true
    for _, name in ipairs(engines.names) do all = all and now() - (asked[name] or 0) < LOOKED_AT end
    if all then return end
    core.msleep(20)
  end
end

local function is_due(name)
  local age = now() - (asked[name] or -SELDOM)
  if now() - looked < LOOKED_AT then return age >= FRESH end
  return now() - watched < LOOKED_AT and name ~= FETCHER and age >= (has_one[name] and SELDOM or FRESH)
end

core.register_task(function()
  while tonumber(core.get_info()["Stopping"]) == 0 do
    core.msleep(200)
    if engines.names then
      for _, name in ipairs(engines.names) do
        if not asking[name] and is_due(name) then
          asking[name] = true
          core.register_task(function() ask_once(name) end)
        end
      end
    end
  end
end)
