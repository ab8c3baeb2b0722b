-- SPDX-FileCopyrightText: hearth.llm contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Keeps requests away from hosts that would not answer them well, of models that several hosts serve. HAProxy's own checks see whether an engine is there;
-- this sees what they cannot: that a router, which is well, loads this very model or could not load it (engines.lua), and that a host is about to be
-- changed, for which there is a mark, a file, in the directory that the environment tells; in it is until when it counts, for a run may be killed that would
-- have taken it away. Marks outlive a reload, which forgets what servers were in.
-- The last server of a model is left in: it may answer, and nobody else would.

local directory = os.getenv("GATEWAY_LEAVING_DIRECTORY")
-- Seconds for which one that could not load the model is left alone, before it is told to load it again; where the model is loaded on demand only, those for
-- which a request may have it do so.
local LEFT_ALONE, TRIED = 60, 5
-- Seconds after which one that says nothing of its models is missed. Checks that hang take longer.
local SILENT = 5
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
  if not mark then return false end
  local last = mark:read("n")
  mark:close()
  return not last or now() < last
end

-- By engine and model, since when it could not load it or says nothing, and when it was last told to load it.
local since, told = {}, {}
local function cannot(engine, name, model)
  local state = engines.state(engine, name, model.id).state
  local place = engine .. " " .. model.id
  if state ~= "failed" and state ~= "unreachable" then
    since[place] = nil
    return state == "loading"
  end
  since[place] = since[place] or now()
  local seconds = now() - since[place]
  if state == "unreachable" then return seconds > SILENT end
  if model.load == "on_demand" then return seconds % (LEFT_ALONE + TRIED) < LEFT_ALONE end
  if now() - (told[place] or 0) > LEFT_ALONE then
    told[place] = now()
    engines.load(engine, name, model.id)
  end
  return true
end

local function is_up(server) return not server:get_stats().status:match("^DOWN") end

-- Servers that are kept out, by model and server.
local out = {}
local function share_out(name, model)
  local servers, wanted, others = core.backends[model.id].servers, {}, false
  for place, server in ipairs(model.servers) do
    wanted[place] = is_leaving(server) or cannot(model.engines[place], name, model)
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
