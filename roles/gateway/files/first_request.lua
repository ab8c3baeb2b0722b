-- SPDX-FileCopyrightText: hearth.llm contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Holds a request for a model that is fetched on its first request until the model is there, and tells the service that fetches who uses what.
-- A model that is there has a mark, an empty file: looking for it is all that a request costs then.
-- Told by the environment: the directory of that service, and GATEWAY_DEADLINES, MODEL=SECONDS for each model.

local directory = os.getenv("GATEWAY_FETCHER_DIRECTORY")
local socket_path = directory .. "/fetcher.sock"
local fetched, deadlines = {}, {}
for model in os.getenv("GATEWAY_FETCHED"):gmatch("%S+") do fetched[model] = true end
for model, seconds in os.getenv("GATEWAY_DEADLINES"):gmatch("(%S+)=(%d+)") do deadlines[model] = tonumber(seconds) end
-- Between two questions about one model, whoever waits for it, in seconds; and so long may the service be away, for it is started again when it was killed.
local EVERY, LONGEST_ABSENCE = 0.2, 10
-- No deadline is longer.
local LONGEST_PATIENCE = 24 * 3600
-- Whoever has asked and is gone with its client has told nobody.
local LONGEST_QUESTION = 6
-- What a model is in while nobody is at work for it.
local AT_REST = { absent = true, unloaded = true, ready = true }
-- Of each model when it was asked, what was heard last, and who waits: requests that have not been told of for a while are gone, for nobody says so here.
local asked, heard, waiting = {}, {}, {}

local now = hearth.now

local function is_there(model)
  local mark = io.open(directory .. "/present/" .. model)
  if mark then mark:close() end
  return mark ~= nil
end

local function ask(method, path, body)
  local socket = core.tcp()
  socket:settimeout(5)
  local answer
  if socket:connect(socket_path) then
    socket:send(method .. " " .. path .. " HTTP/1.0\r\ncontent-length: " .. #body .. "\r\n\r\n" .. body)
    answer = socket:receive("*a")
  end
  socket:close()
  return answer
end

-- How it stands, as it was written by us and no one else; nil where nobody answers.
local function state_of(answer)
  local status = tonumber((answer or ""):match("^HTTP/%S+ (%d+)"))
  if status == 404 then return { state = "gone" } end
  if status ~= 200 then return nil end
  local function number(name) return tonumber(answer:match('"' .. name .. '":(%d+)')) end
  return {
    state = answer:match('"state":"(%a+)"'), reason = answer:match('"reason":"([^"]*)"'), done = number("done_bytes"), total = number("total_bytes"),
    left = number("eta_seconds"), again = number("retry_seconds"),
  }
end

-- All who wait for a model share what one of them asks.
local function look(model, method)
  local last = heard[model]
  if not last or method == "POST" or (now() - last.at > EVERY and (not last.asked or now() - last.asked > LONGEST_QUESTION)) then
    if last then last.asked = now() end
    local state = state_of(ask(method, "/models/" .. model, ""))
    last = { at = now(), state = state, answered = state and now() or last and last.answered or now() }
    heard[model] = last
  end
  return last
end

local function size(bytes) return bytes >= 1e9 and string.format("%.1f GB", bytes / 1e9) or string.format("%.0f MB", bytes / 1e6) end

local function progress(state)
  if state.state == "loading" then return "is fetched, and being loaded" end
  if state.state == "unloaded" then return "is going to be loaded" end
  if state.state ~= "fetching" or not state.total or state.total == 0 then return "is going to be fetched: others come first" end
  local left = state.left and ", about " .. state.left .. " s are left" or ""
  return "is being fetched: " .. size(state.done) .. " of " .. size(state.total) .. " are here" .. left
end

local function refuse(txn, status, message, code, again)
  local reply = txn:reply()
  reply:set_status(status)
  reply:add_header("content-type", "application/json")
  if again then reply:add_header("retry-after", tostring(math.max(1, again))) end
  reply:set_body(hearth.error(message, code, "server_error", "model"))
  txn:done(reply)
end

local function refuse_for(txn, model, state)
  if not state then
    refuse(txn, 503, "This model is not here, and what fetches it does not answer. Try again later.", "model_not_here", 5)
  elseif state.state == "gone" then
    refuse(txn, 404, "This model is not served any more.", "model_not_found")
  elseif state.state == "failed" then
    refuse(txn, 503, "This model is not here, and was not fetched: " .. state.reason .. ". The next request tries again.", "model_not_fetched", state.again)
  else
    refuse(txn, 503, "This model " .. progress(state) .. ". Ask again " .. (state.left and "then." or "later."), "model_not_here", state.left or 5)
  end
end

-- How long a client wants to wait, in seconds, as RFC 7240 has it say so; nil where it says nothing. Who says both how long and respond-async waits so long first.
local function patience(txn)
  local patient
  for _, value in pairs(txn.http:req_get_headers()["prefer"] or {}) do
    for preference in value:lower():gmatch("[^,]+") do
      local name, rest = preference:match("^%s*([%w-]+)%s*(.*)$")
      local seconds = rest and rest:match('^=%s*"?(%d+)')
      if name == "wait" and seconds then return math.min(tonumber(seconds), LONGEST_PATIENCE) end
      if name == "respond-async" then patient = 0 end
    end
  end
  return patient
end

-- Before a stream is begun, and while the client's headers are here: whoever does not want to wait is told at once.
core.register_action("first_request_asked", { "http-req" }, function(txn)
  local model, seconds = txn:get_var("txn.backend"), patience(txn)
  if not fetched[model] or not seconds then return end
  txn:set_var("txn.patience", seconds)
  if seconds == 0 and not is_there(model) then refuse_for(txn, model, look(model, "POST").state) end
end, 0)

-- Behind the queue's rules of a model's backend, so that who waits here is counted there.
core.register_action("first_request", { "http-req" }, function(txn)
  local model = txn:get_var("txn.backend")
  asked[model] = now()
  if is_there(model) then return end
  local began, mine = now(), {}
  local longest = math.min(deadlines[model] - 1, tonumber(txn:get_var("txn.patience") or "") or deadlines[model])
  waiting[model] = waiting[model] or {}
  local last = look(model, "POST")
  while true do
    waiting[model][mine] = now()
    local state = last.state
    if state and state.state == "ready" and is_there(model) then
      -- Nothing comes between: from here on it is counted as one that is at the engine.
      waiting[model][mine] = nil
      return
    end
    if state and (state.state == "failed" or state.state == "gone") then break end
    if not state and now() - last.answered > LONGEST_ABSENCE then break end
    if now() - began > longest then break end
    core.msleep(100)
    -- One that was killed has forgotten what it was asked for.
    last = look(model, (not state or AT_REST[state.state]) and "POST" or "GET")
  end
  waiting[model][mine] = nil
  refuse_for(txn, model, last.state)
end, 0)

-- Requests of a model that are at its engine or in its queue: those that wait here are in the same count.
local function under_way(model, current)
  local here = 0
  for request, seen in pairs(waiting[model] or {}) do
    if now() - seen > 2 then waiting[model][request] = nil else here = here + 1 end
  end
  return math.max(0, current - here)
end

-- A process that a reload has left with its streams goes on telling of them.
core.register_task(function()
  local pid = core.get_info()["Pid"]
  while true do
    -- By the service's clock: what is counted behind it is no older than that, however long the report is on its way.
    local moment = (ask("GET", "/moment", "") or ""):match('"moment":([%d.]+)')
    local lines = { pid .. " " .. (moment or "") }
    for model in pairs(fetched) do
      local stats = core.backends[model] and core.backends[model]:get_stats() or {}
      local ago = asked[model] and math.floor((now() - asked[model]) * 1000) or -1
      lines[#lines + 1] = string.format("%s %d %d", model, under_way(model, stats["scur"] or 0), ago)
    end
    if moment then ask("POST", "/usage", table.concat(lines, "\n")) end
    core.msleep(500)
  end
end)
