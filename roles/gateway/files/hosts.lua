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

local models, all_engines = {}, {}
for name, model in pairs(described.models) do
  local hosts, several = {}, false
  for _, server in ipairs(model.servers) do
    several = several or (hosts[1] ~= nil and hosts[1] ~= server.host)
    hosts[#hosts + 1] = server.host
  end
  if several then models[name] = model end
end
for engine in pairs(described.engines) do all_engines[#all_engines + 1] = engine end

local function is_leaving(server)
  local mark = io.open(directory .. "/" .. server.mark)
  if mark then mark:close() end
  return mark ~= nil
end

-- By engine and model, since when it could not load it.
local failed_since = {}
local function cannot(engine, name, id)
  local state = engines.state(engine, name, id).state
  local place = engine .. " " .. id
  if state ~= "failed" then
    failed_since[place] = nil
    return state == "loading"
  end
  failed_since[place] = failed_since[place] or now()
  return (now() - failed_since[place]) % (LEFT_ALONE + TRIED) < LEFT_ALONE
end

local function is_up(server) return not server:get_stats().status:match("^DOWN") end

-- Servers that are kept out, by model and server.
local out = {}
local function share_out(name, model)
  local servers, wanted, others = core.backends[model.id].servers, {}, false
  for place, server in ipairs(model.servers) do
    wanted[place] = is_leaving(server) or cannot(model.engines[place], name, model.id)
    others = others or (not wanted[place] and is_up(servers[server.name]))
  end
  for place, server in ipairs(model.servers) do
    local key, is_out = model.id .. "/" .. server.name, wanted[place] and others
    if is_out ~= (out[key] or false) then
      -- Requests that it has go on, and no new one comes.
      if is_out then servers[server.name]:set_maint() else servers[server.name]:set_ready() end
      out[key] = is_out
    end
  end
end

core.register_task(function()
  while tonumber(core.get_info()["Stopping"]) == 0 do
    for name, model in pairs(models) do share_out(name, model) end
    engines.look(all_engines)
    core.msleep(300)
  end
end)
