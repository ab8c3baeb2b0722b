-- SPDX-FileCopyrightText: hearth.llm contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- GET /status: what the models do now, as JSON and as a page (status_page.lua). What HAProxy counts is read here, and what engines say by engines.lua.
-- Whoever asks sees the models of his grant and his own requests, an operator everything. Prompts, texts of keys and users of frontends are not known here.
-- What follows from the description stands in models.json.

status = {}
local file = io.open("models.json")
local described = json.decode(file:read("a"))
file:close()
local names = {}
for name in pairs(described.models) do names[#names + 1] = name end
table.sort(names)
local routes = Map.new("routes.map", Map._str)
-- Seconds for which figures do for everybody who looks, and over which tokens are counted.
local FRESH, TOKENS_SECONDS = 1, 60

-- What the gateway counts of the tokens of models (ledger.lua) is heard as it is counted: its sums are of keys and months, and summing them up is dear.
local heard = {}
if hearth_ledger then
  local add = hearth_ledger.add
  function hearth_ledger.add(key, user, model, counts)
    local sums = heard[model] or { prompt = 0, cached = 0, completion = 0 }
    heard[model] = sums
    for kind in pairs(sums) do sums[kind] = sums[kind] + counts[kind] end
    return add(key, user, model, counts)
  end
end
local NONE_YET = { prompt = 0, cached = 0, completion = 0 }
local function tokens(name, id)
  return hearth_ledger and (heard[name] or heard[id] or NONE_YET)
end

-- By model, what the table of KEY/MODEL sums up; and each pair that has something under way.
local function asked()
  local tally, rates, open = core.backends["tally:models"].stktable, {}, {}
  for pair, values in pairs(tally:dump({ { "http_req_rate", "gt", 0 } })) do
    local id = pair:match("/(.*)$")
    rates[id] = (rates[id] or 0) + values.http_req_rate
  end
  for pair, values in pairs(tally:dump({ { "conn_cur", "gt", 0 } })) do
    local key, id = pair:match("^(.-)/(.*)$")
    open[#open + 1] = { key = key, id = id, under_way = values.conn_cur }
  end
  table.sort(open, function(one, other) return one.key .. "/" .. one.id < other.key .. "/" .. other.id end)
  return rates, open
end

local function longest_waits()
  local waits = {}
  for _session, id, server, age in sessions.all() do
    if server == "<none>" then waits[id] = math.max(waits[id] or 0, age) end
  end
  return waits
end

-- Tokens of answers in a second, over the last minute in which somebody looked.
local samples = {}
local function tokens_per_second(name, moment, answered)
  local own = samples[name] or {}
  samples[name] = own
  own[#own + 1] = { moment, answered }
  while moment - own[1][1] > TOKENS_SECONDS do table.remove(own, 1) end
  local first = own[1]
  return moment > first[1] and (answered - first[2]) / (moment - first[1]) or json.null
end

local function fetch_of(told)
  if told.state ~= "fetching" then return json.null end
  local done, total = tonumber(told.done_bytes), tonumber(told.total_bytes)
  return {
    done_bytes = done or json.null,
    total_bytes = total or json.null,
    percent = done and total and total > 0 and math.min(100, math.floor(1000 * done / total) / 10) or json.null,
    eta_seconds = tonumber(told.eta_seconds) or json.null,
  }
end

-- A model that is not there is not with its engine either.
local NOT_THERE = {
  absent = { state = "idle", why = "It is fetched on its first request." },
  waiting = { state = "fetching", why = "Others are fetched before it." },
  fetching = { state = "fetching" },
  loading = { state = "loading" },
}

-- Of several instances the one that is most ready to answer speaks for the model.
local READY = { loaded = 1, loading = 2, sleeping = 3, idle = 4, unreachable = 5, failed = 6, unknown = 7 }
local function best_of(name, model)
  local best, loaded = nil, 0
  for _, engine in ipairs(model.engines) do
    local seen = engines.state(engine, name, model.id)
    if seen.state == "loaded" then loaded = loaded + 1 end
    if not best or (READY[seen.state] or 9) < (READY[best.state] or 9) then best = seen end
  end
  return best, loaded
end

local function said(text) return type(text) == "string" and text ~= "" and text or nil end

local function state_of(name, model, fetch)
  if NOT_THERE[fetch.state] then return NOT_THERE[fetch.state] end
  if fetch.state ~= "failed" then return best_of(name, model) end
  local reason = said(fetch.reason)
  -- What is told to whoever runs the host names paths and addresses.
  return { state = "failed", why = reason and "It was not fetched: " .. reason .. ".", why_for_operators = said(fetch.why) }
end

local function slots_of(model)
  local sum = 0
  for _, server in ipairs(model.servers) do sum = sum + server.slots end
  return math.tointeger(sum)
end

-- What its servers have under way and in their queues; and where hosts are told apart, one for each, with what it does: whether it gets requests, and what of
-- the model it has. HAProxy tells a hundred figures of a server, which takes its time: each is asked once, and none that would say nothing.
local function servers_of(name, model, backend, rests)
  local in_use, queued, told = 0, 0, json.list()
  for place, server in ipairs(model.servers) do
    if server.host ~= "" or not rests then
      local counted = backend.servers[server.name]:get_stats()
      local current = tonumber(counted.scur) or 0
      in_use, queued = in_use + current, queued + (tonumber(counted.qcur) or 0)
      if server.host ~= "" then
        told[#told + 1] = {
          host = server.host,
          state = engines.state(model.engines[place], name, model.id).state,
          gets_requests = not (counted.status:match("^DOWN") or counted.status:match("^MAINT")),
          slots = server.slots or json.null,
          slots_in_use = current,
        }
      end
    end
  end
  return in_use, queued, #told > 0 and told or json.null
end

local function model_of(name, model, moment, rate)
  local backend = core.backends[model.id]
  local counted = backend:get_stats()
  local in_use, queued, servers = servers_of(name, model, backend, tonumber(counted.scur) == 0)
  local fetch = engines.fetch(name) or engines.fetch(model.id) or {}
  local seen, loaded = state_of(name, model, fetch)
  local counted_tokens = tokens(name, model.id)
  return {
    name = name,
    task = model.task,
    context_length = model.context_length or json.null,
    state = seen.state,
    why = seen.why or json.null,
    why_for_operators = seen.why_for_operators,
    fetch = fetch_of(fetch),
    instances = #model.engines,
    instances_loaded = loaded or 0,
    slots = model.slots and slots_of(model) or json.null,
    slots_in_use = in_use,
    waiting = (tonumber(counted.qcur) or 0) + queued,
    servers = servers,
    longest_wait_seconds = 0,
    requests_per_minute = rate or 0,
    tokens_per_second = counted_tokens and tokens_per_second(name, moment, counted_tokens.completion) or json.null,
    cached_share = counted_tokens and counted_tokens.prompt > 0 and counted_tokens.cached / counted_tokens.prompt or json.null,
    errors = tonumber(counted.hrsp_5xx) or 0,
  }
end

local function host_of(host)
  local told = { name = host.name, gpus = json.list(host.gpus), memory_bytes = json.null, memory_available_bytes = json.null }
  -- Of its own host the gateway sees the memory, in a container as well.
  local memory = host.is_here ~= false and io.open("/proc/meminfo")
  for line in memory and memory:lines() or function() end do
    local name, kib = line:match("^(%w+):%s+(%d+) kB")
    if name == "MemTotal" then told.memory_bytes = tonumber(kib) * 1024 end
    if name == "MemAvailable" then told.memory_available_bytes = tonumber(kib) * 1024 end
  end
  if memory then memory:close() end
  return told
end

local last
local function figures()
  local moment = hearth.now()
  if last and moment - last.moment < FRESH then return last end
  local rates, open = asked()
  local taken = { moment = moment, time = os.time(), models = json.list(), open = open, hosts = json.list() }
  local waits
  for place, name in ipairs(names) do
    local model = described.models[name]
    local one = model_of(name, model, moment, rates[model.id])
    taken.models[place] = one
    -- Requests pass in between.
    if place % 4 == 0 then core.yield() end
    if one.waiting > 0 then
      waits = waits or longest_waits()
      one.longest_wait_seconds = waits[model.id] or 0
    end
  end
  for place, host in ipairs(described.hosts) do taken.hosts[place] = host_of(host) end
  last = taken
  return taken
end

local function as_seen(model, operator)
  if operator and not model.why_for_operators then return model end
  local seen = {}
  for name, value in pairs(model) do seen[name] = value end
  seen.why, seen.why_for_operators = operator and model.why_for_operators or model.why, nil
  -- Which hosts there are is theirs to know.
  if not operator then seen.servers = json.null end
  return seen
end

-- What of it this key may see.
local function view(key, grant, operator)
  local all = figures()
  local seen = { object = "status", time = all.time, key = key, operator = operator, models = json.list(), requests = json.list(), hosts = json.list() }
  local visible = {}
  for place, name in ipairs(names) do
    if operator or routes:lookup(grant .. "/" .. name) then
      visible[described.models[name].id] = name
      seen.models[#seen.models + 1] = as_seen(all.models[place], operator)
    end
  end
  for _, request in ipairs(all.open) do
    if visible[request.id] and (operator or request.key == key) then
      seen.requests[#seen.requests + 1] = { key = request.key, model = visible[request.id], under_way = request.under_way }
    end
  end
  if operator then seen.hosts = all.hosts end
  return seen
end

local all_engines = {}
for engine in pairs(described.engines) do all_engines[#all_engines + 1] = engine end

core.register_service("status", "http", function(applet)
  engines.look(all_engines)
  local limits = applet:get_var("txn.limits") or ""
  local seen = view(applet:get_var("txn.key"), applet:get_var("txn.grant"), limits:match("^%S+ %S+ %S+ %S+ %S+ %S+ (%S+)") == "operator")
  applet:add_header("cache-control", "no-store")
  applet:add_header("vary", "Accept, Authorization")
  if applet:get_var("txn.page") then
    hearth.answer(applet, 200, "text/html; charset=utf-8", status.page(seen, applet))
  else
    hearth.answer(applet, 200, "application/json", json.encode(seen))
  end
end)
