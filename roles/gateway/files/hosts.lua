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

-- Marks that count. A host may have a hundred models, and its mark is looked for once.
local function leaving()
  local found = {}
  for mark in pairs(marks) do
    local its_file = io.open(directory .. "/" .. mark)
    if its_file then
      local last = its_file:read("n")
      its_file:close()
      found[mark] = not last or now() < last
    end
  end
  return found
end

-- By model and place, since when its engine could not load it or says nothing, and when it was last told to load it.
local since, told = {}, {}
for name in pairs(models) do since[name], told[name] = {}, {} end
local function cannot(name, model, place)
  local engine = model.engines[place]
  local state = engines.state(engine, name, model.id).state
  if state ~= "failed" and state ~= "unreachable" then
    since[name][place] = nil
    return state == "loading"
  end
  since[name][place] = since[name][place] or now()
  local seconds = now() - since[name][place]
  if state == "unreachable" then return seconds > SILENT end
  if model.load == "on_demand" then return seconds % (LEFT_ALONE + TRIED) < LEFT_ALONE end
  if now() - (told[name][place] or 0) > LEFT_ALONE and engines.load(engine, name, model.id) then told[name][place] = now() end
  return true
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
