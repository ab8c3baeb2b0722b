-- SPDX-FileCopyrightText: hearth.llm contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Keeps requests away from hosts that would not answer them well, of models that several hosts serve. HAProxy's own checks see whether an engine is there;
-- this sees what they cannot: that a router, which is well, loads this very model or could not load it (engines.lua), and that a host is about to be
-- changed, for which there is a mark, an empty file, in the directory that the environment tells. Marks outlive a reload, which forgets what servers were in.
-- The last server of a model is left in: it may answer, and nobody else would.

local directory = os.getenv("GATEWAY_LEAVING_DIRECTORY")
-- Seconds for which one that could not load the model is left alone, and for which it is then tried: a request has it load the model again.
local LEFT_ALONE, TRIED = 60, 5
local now = hearth.now

local file = io.open("models.json")
local described = json.decode(file:read("a"))
file:close()

local models, all_engines, marks = {}, {}, {}
for name, model in pairs(described.models) do
  local several = false
  for _, server in ipairs(model.servers) do several = several or server.host ~= model.servers[1].host end
  if several then
    models[name] = model
    for _, server in ipairs(model.servers) do marks[server.mark] = true end
  end
end
for engine in pairs(described.engines) do all_engines[#all_engines + 1] = engine end

-- Marks that are there. A host may have a hundred models, and its mark is looked for once.
local function leaving()
  local found = {}
  for mark in pairs(marks) do
    local its_file = io.open(directory .. "/" .. mark)
    if its_file then its_file:close() end
    found[mark] = its_file ~= nil
  end
  return found
end

-- By model and place, since when its engine could not load it.
local failed_since = {}
local function cannot(name, model, place)
  local state = engines.state(model.engines[place], name, model.id).state
  local since = failed_since[name]
  if state ~= "failed" then
    if since then since[place] = nil end
    return state == "loading"
  end
  since = since or {}
  failed_since[name] = since
  since[place] = since[place] or now()
  return (now() - since[place]) % (LEFT_ALONE + TRIED) < LEFT_ALONE
end

local function is_up(server) return not server:get_stats().status:match("^DOWN") end

-- Places of servers that are kept out, by model.
local out = {}
local function share_out(name, model, left)
  local wanted, any = {}, false
  for place, server in ipairs(model.servers) do
    wanted[place] = left[server.mark] or cannot(name, model, place)
    any = any or wanted[place]
  end
  -- HAProxy tells a hundred figures of a server, which takes its time: none is asked for as long as all are well.
  if not any and not out[name] then return end
  local servers, others, kept = core.backends[model.id].servers, false, out[name] or {}
  for place, server in ipairs(model.servers) do others = others or (not wanted[place] and is_up(servers[server.name])) end
  for place, server in ipairs(model.servers) do
    local is_out = wanted[place] and others
    if is_out ~= (kept[place] or false) then
      -- Requests that it has go on, and no new one comes.
      if is_out then servers[server.name]:set_maint() else servers[server.name]:set_ready() end
      kept[place] = is_out or nil
    end
  end
  out[name] = next(kept) and kept
end

core.register_task(function()
  while tonumber(core.get_info()["Stopping"]) == 0 do
    local left = leaving()
    for name, model in pairs(models) do share_out(name, model, left) end
    engines.watch(all_engines)
    core.msleep(300)
  end
end)
