-- SPDX-FileCopyrightText: hearth.llm contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Writes what status.lua tells as a page for people: status.html, with its places filled. The page is whole without a script; its script asks for the
-- page anew, and takes over what has changed.

local file = io.open("status.html")
local template = file:read("a")
file:close()

local WORDS = {
  idle = "Idle", sleeping = "Sleeping", loading = "Loading", loaded = "Loaded", fetching = "Being fetched",
  failed = "Failed", unreachable = "Not reachable", unknown = "Not known",
}
local MEANINGS = {
  idle = "The next request loads it.", sleeping = "It has given its memory back. The next request wakes it.",
  loading = "Requests wait until it is loaded.",
}
local NOTHING = '<span class="nothing" role="img" aria-label="not known">–</span>'
local SIGNS = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

local function safe(text) return (tostring(text):gsub("[&<>\"']", SIGNS)) end
local function known(value) return value ~= nil and value ~= json.null end

local function bytes(count)
  for _, unit in ipairs({ { 2 ^ 40, "TiB" }, { 2 ^ 30, "GiB" }, { 2 ^ 20, "MiB" }, { 1024, "KiB" } }) do
    if count >= unit[1] then return ("%.1f %s"):format(count / unit[1], unit[2]) end
  end
  return ("%d B"):format(count)
end

local function duration(seconds)
  seconds = math.floor(seconds + 0.5)
  if seconds < 60 then return ("%d s"):format(seconds) end
  if seconds < 3600 then return ("%d min %02d s"):format(seconds // 60, seconds % 60) end
  return ("%d h %02d min"):format(seconds // 3600, seconds % 3600 // 60)
end

local function thousands(number)
  local digits = ("%d"):format(number)
  return (digits:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

-- A cell says its column's name where a narrow screen shows no head.
local function cell(label, content, class)
  return ('<td role="cell" data-label="%s"%s>%s</td>'):format(label, class and (' class="' .. class .. '"') or "", content)
end

local function progress_of(model)
  local fetch = model.fetch
  if not known(fetch) then return "" end
  local words = {}
  if known(fetch.percent) then words[1] = ("%.0f %%"):format(fetch.percent) end
  if known(fetch.done_bytes) and known(fetch.total_bytes) then
    words[#words + 1] = ("%s of %s"):format(bytes(fetch.done_bytes), bytes(fetch.total_bytes))
  end
  if known(fetch.eta_seconds) then words[#words + 1] = duration(fetch.eta_seconds) .. " left" end
  local bar = known(fetch.percent) and ('<progress max="100" value="%s" aria-label="Fetched of %s"></progress>'):format(json.encode(fetch.percent), safe(model.name)) or ""
  return bar .. ('<small>%s</small>'):format(safe(table.concat(words, " · ")))
end

local function state_of(model)
  local why = known(model.why) and model.why or MEANINGS[model.state]
  return ('<span class="state %s">%s</span>%s%s'):format(
    model.state, WORDS[model.state], progress_of(model), why and ("<small>" .. safe(why) .. "</small>") or "")
end

local function slots_of(model)
  if not known(model.slots) then return ("%d"):format(model.slots_in_use) end
  return ('%d <span class="of">of %d</span><meter min="0" max="%d" value="%d" aria-hidden="true"></meter>'):format(
    model.slots_in_use, model.slots, model.slots, math.min(model.slots, model.slots_in_use))
end

local function waiting_of(model)
  if model.waiting == 0 then return "0" end
  return ('%d<small>longest %s</small>'):format(model.waiting, duration(model.longest_wait_seconds))
end

local function model_row(model)
  local about = { model.task }
  if model.instances > 1 then about[#about + 1] = ("%d of %d instances loaded"):format(model.instances_loaded, model.instances) end
  if known(model.context_length) then about[#about + 1] = thousands(model.context_length) .. " tokens of context" end
  return table.concat({
    ('<tr role="row" data-model="%s" data-state="%s">'):format(safe(model.name), WORDS[model.state]),
    ('<th role="rowheader" scope="row">%s<small>%s</small></th>'):format(safe(model.name), safe(table.concat(about, " · "))),
    cell("State", state_of(model), "wide"),
    cell("Slots in use", slots_of(model), "number"),
    cell("Waiting", waiting_of(model), "number"),
    cell("Per minute", ("%d"):format(model.requests_per_minute), "number"),
    cell("Tokens/s", known(model.tokens_per_second) and ("%.1f"):format(model.tokens_per_second) or NOTHING, "number"),
    cell("From cache", known(model.cached_share) and ("%.0f %%"):format(100 * model.cached_share) or NOTHING, "number"),
    cell("Errors", thousands(model.errors), model.errors > 0 and "number bad" or "number"),
    "</tr>",
  })
end

local function request_row(request)
  return ('<tr role="row"><th role="rowheader" scope="row">%s</th>%s%s</tr>'):format(
    safe(request.model), cell("Key", safe(request.key)), cell("Under way", thousands(request.under_way), "number"))
end

local function host_row(host)
  local memory = known(host.memory_bytes) and bytes(host.memory_bytes) or NOTHING
  if known(host.memory_available_bytes) then memory = memory .. "<small>" .. bytes(host.memory_available_bytes) .. " available</small>" end
  local gpus = {}
  for place, gpu in ipairs(host.gpus) do
    gpus[place] = ("<div>%s%s</div>"):format(safe(known(gpu.name) and gpu.name or "GPU"), known(gpu.memory_bytes) and "<small>" .. bytes(gpu.memory_bytes) .. "</small>" or "")
  end
  return ('<tr role="row"><th role="rowheader" scope="row">%s</th>%s%s</tr>'):format(
    safe(host.name), cell("Memory", memory), cell("GPUs", #gpus > 0 and table.concat(gpus) or "none"))
end

local function rows(entries, write)
  local written = {}
  for place, entry in ipairs(entries) do written[place] = write(entry) end
  return table.concat(written, "\n")
end

local function sum(entries, field)
  local all = 0
  for _, entry in ipairs(entries) do all = all + (entry[field] or 0) end
  return all
end

local function between(tag)
  return template:match("<" .. tag .. ">(.-)</" .. tag .. ">")
end

-- Nothing is loaded or run but what stands in the page itself.
local policy
local function policy_of(applet)
  local function hash(text) return "'sha256-" .. applet.c:base64(applet.c:sha2(text, 256)) .. "'" end
  policy = policy or ("default-src 'none'; style-src %s; script-src %s; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"):format(
    hash(between("style")), hash(between("script")))
  return policy
end

function status.page(seen, applet)
  local loaded = 0
  for _, model in ipairs(seen.models) do loaded = loaded + (model.state == "loaded" and 1 or 0) end
  local values = {
    time = os.date("!%H:%M:%S", seen.time),
    date = os.date("!%Y-%m-%d", seen.time),
    key = safe(seen.key),
    sees = seen.operator and "is an operator's, and sees everything" or "sees the models that it may use, and its own requests",
    loaded = ("%d"):format(loaded),
    described = ("%d"):format(#seen.models),
    under_way = thousands(sum(seen.requests, "under_way")),
    whose = seen.operator and "of all keys" or "of this key",
    waiting = thousands(sum(seen.models, "waiting")),
    per_minute = thousands(sum(seen.models, "requests_per_minute")),
    models = rows(seen.models, model_row),
    requests = rows(seen.requests, request_row),
    no_requests = #seen.requests == 0 and "" or "hidden",
    some_requests = #seen.requests == 0 and "hidden" or "",
    hosts = rows(seen.hosts, host_row),
    some_hosts = #seen.hosts == 0 and "hidden" or "",
  }
  applet:add_header("content-security-policy", policy_of(applet))
  applet:add_header("x-content-type-options", "nosniff")
  applet:add_header("referrer-policy", "no-referrer")
  return (template:gsub("{{(%l[%l_]*)}}", values))
end
