-- SPDX-FileCopyrightText: hearth.llm contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Counts tokens by key, user and model: what engines say at the end of an answer is read as it passes (see filter.lua), told to whoever has a key
-- (service usage_report), and held against the limits of a key (action tokens_left). ledger.lua keeps it.

-- How much of an event that has not come to its end is kept, and how much of an answer in one piece: what an engine says of tokens is shorter.
local LONGEST_EVENT, KEPT_OF_EVENT, KEPT_OF_ANSWER = 262144, 65536, 1024
-- A usage-only event is shorter. What is longer is passed on as it comes.
local LONGEST_HELD = 8192
-- Until a model has answered: a token of plain English has about so many bytes, with what is around it in JSON.
local BYTES_PER_TOKEN = 4

local ledger = hearth_ledger

-- Bytes of requests and tokens of their prompts, by model: an answer that was cut off before its end has said nothing of its prompt.
local known_prompts = {}

local function learn(model, bytes, tokens)
  local known = known_prompts[model] or { bytes = 0, tokens = 0 }
  known_prompts[model] = known
  -- What came later counts more.
  known.bytes, known.tokens = known.bytes * 0.98 + bytes, known.tokens * 0.98 + tokens
end

local function guessed_prompt(model, bytes)
  local known = known_prompts[model]
  return math.floor(known and known.bytes > 0 and bytes * known.tokens / known.bytes or bytes / BYTES_PER_TOKEN)
end

-- No text is as long as a number of more digits says, and sums of them would be none any more.
local MOST_DIGITS = 15

local function number(text, name)
  local digits = text:match('"' .. name .. '"%s*:%s*(%d+)')
  return digits and #digits <= MOST_DIGITS and tonumber(digits) or nil
end

-- The tokens in what an engine says, an object of JSON: as OpenAI's chat, as its responses, or as Anthropic's messages, where the prompt is without what was
-- read from the cache. Names that do not stand there stay as they were.
local function read_usage(text, counts)
  local input = number(text, "input_tokens")
  if input then input = input + (number(text, "cache_read_input_tokens") or 0) + (number(text, "cache_creation_input_tokens") or 0) end
  counts.prompt = number(text, "prompt_tokens") or input or counts.prompt or number(text, "total_tokens")
  counts.cached = number(text, "cached_tokens") or number(text, "cache_read_input_tokens") or counts.cached
  counts.completion = number(text, "completion_tokens") or number(text, "output_tokens") or counts.completion
  return counts
end

-- llama.cpp's own words, which it has at the end of every stream, whether usage was asked for or not.
local function read_timings(text, counts)
  local processed, cached = number(text, "prompt_n"), number(text, "cache_n") or 0
  if processed then counts.prompt, counts.cached, counts.completion = processed + cached, cached, number(text, "predicted_n") end
  return counts
end

-- A quote within a text has a backslash before it: a name with its quotes and a colon is a name and never a part of what a model has written.
local function last_object(text, name)
  local found, from = nil, 1
  while true do
    local start = text:find('"' .. name .. '"', from, true)
    if not start then return found end
    found = text:match("^%s*:%s*(%b{})", start + #name + 2) or found
    from = start + #name + 2
  end
end

local function read_counts(text, counts)
  local usage = last_object(text, "usage")
  if usage then return read_usage(usage, counts) end
  local timings = last_object(text, "timings")
  return timings and read_timings(timings, counts)
end

local function occurrences(text, mark)
  local count, from = 0, 1
  while true do
    local start, finish = text:find(mark, from, true)
    if not start then return count end
    count, from = count + 1, finish + 1
  end
end

local function is_true(value)
  return value == true or value == 1
end

-- The tokens of one answer.
local Usage = {}
Usage.__index = Usage

-- Of an answer whose head is there; nothing where it is not counted: only what goes to an engine is, and what it refuses has cost nothing.
function hearth_usage(txn)
  if not is_true(txn:get_var("txn.counted")) or txn.f:status() ~= 200 then return nil end
  local kind = txn.sf:res_fhdr("content-type")
  return setmetatable({
    rest = "", held = 0, pieces = 0, choices = 0, by_choice = {}, counts = true,
    streams = kind ~= nil and kind:lower():find("text/event-stream", 1, true) == 1,
    hides = is_true(txn:get_var("txn.usage_added")),
    -- By what the pieces of an answer are known.
    mark = txn:get_var("txn.path") == "/v1/completions" and '"text"' or '"delta"',
  }, Usage)
end

local function is_usage_only(event)
  return event:find('"choices"%s*:%s*%[%s*%]') ~= nil and event:find('"usage"', 1, true) ~= nil
end

-- Whether what has come of an event may still turn out to be one that has the usage only.
local function may_be_usage_only(start)
  return #start < LONGEST_HELD and not start:find('"choices"%s*:%s*%[%s*[^%s%]]')
end

function Usage:count_pieces(events)
  self.pieces = self.pieces + occurrences(events, self.mark)
  -- Something comes after the last piece of every answer, such as [DONE].
  self.is_open = (events:sub(1, -3):match(".*\n\n(.*)$") or events):find(self.mark, 1, true) ~= nil
end

function Usage:read_event(event)
  self:count_pieces(event)
  if not event:find('"usage"', 1, true) and not event:find('"timings"', 1, true) then return end
  if is_usage_only(event) then
    -- vLLM says it once for all choices, llama.cpp once for each.
    local counts = read_counts(event, {}) or {}
    local whole = self.whole or { prompt = 0, cached = 0, completion = 0 }
    self.whole = whole
    for name in pairs(whole) do whole[name] = whole[name] + (counts[name] or 0) end
  else
    local choice = event:match('"choices"%s*:.-"index"%s*:%s*(%d+)') or ""
    self.by_choice[choice] = read_counts(event, self.by_choice[choice] or {}) or self.by_choice[choice]
  end
end

-- Reads the events that have come to their end. What has come of the next is kept, and is held back only where it may be an event that is not for the
-- client. Says how much may go on.
function Usage:read_stream(data, message)
  if self.rest == "" and data:sub(-2) == "\n\n" and not data:find('"usage"', 1, true) and not data:find('"timings"', 1, true) then
    self:count_pieces(data)
    return
  end
  local text = self.rest .. data:sub(self.held + 1)
  -- So much of the text has gone on before.
  local gone, removed, from = #self.rest - self.held, 0, 1
  while true do
    local _start, finish = text:find("\n\r?\n", from)
    if not finish then break end
    local event = text:sub(from, finish)
    self:read_event(event)
    if self.hides and from > gone and is_usage_only(event) then
      message:remove(from - 1 - gone - removed, #event)
      removed = removed + #event
    end
    from = finish + 1
  end
  self.rest = text:sub(from)
  local holds = self.hides and from > gone and self.rest ~= "" and message:may_recv() and may_be_usage_only(self.rest)
  self.held = holds and #self.rest or 0
  if #self.rest > LONGEST_EVENT then self.rest = self.rest:sub(-KEPT_OF_EVENT) end
  if holds then return #data - removed - self.held end
end

-- An answer in one piece. What it says of tokens may stand at its beginning (embeddings) or at its end.
function Usage:read_answer(data)
  local text = self.rest .. data
  self.answer = read_counts(text, self.answer or {}) or self.answer
  self.has_timings = self.has_timings or text:find('"timings"', 1, true) ~= nil
  self.choices = self.choices + occurrences(text, '"finish_reason"') - occurrences(self.rest, '"finish_reason"')
  self.rest = #text > KEPT_OF_ANSWER and text:sub(-KEPT_OF_ANSWER) or text
end

-- Whatever goes wrong here, the answer goes on.
function Usage:safely(...)
  local done, result = pcall(...)
  if done then return result end
  self.counts = false
  core.log(core.err, ('{"time":%d,"usage":"an answer is not counted: %s"}'):format(os.time(), result:gsub('[%c"\\]', " ")))
end

-- A part of the answer. Says how much of it may go on, and nothing where all of it may.
function Usage:read(message)
  local data = message:body()
  if not data or data == "" or not self.counts then return end
  return self:safely(self.streams and self.read_stream or self.read_answer, self, data, message)
end

-- What was said of tokens, all choices together.
function Usage:said()
  if self.whole then return self.whole end
  local sum
  if self.streams then
    for _choice, counts in pairs(self.by_choice) do
      sum = sum or { prompt = 0, cached = 0, completion = 0 }
      for name in pairs(sum) do sum[name] = sum[name] + (counts[name] or 0) end
    end
  elseif self.answer and self.answer.prompt then
    -- llama.cpp says what the first of several choices has cost.
    local times = self.has_timings and math.max(1, self.choices) or 1
    sum = {}
    for _place, name in ipairs({ "prompt", "cached", "completion" }) do sum[name] = (self.answer[name] or 0) * times end
  end
  return sum
end

function Usage:settle(txn, is_whole)
  if not self.counts then return end
  self.counts = false
  if self.rest ~= "" and self.streams then self:read_event(self.rest) end
  local said, model, bytes = self:said(), txn:get_var("txn.served") or txn:get_var("txn.backend"), tonumber(txn:get_var("txn.body_bytes")) or 0
  -- A stream begins with the gateway's comments where it waits: the engine of one without a piece has not begun to answer, or has refused.
  if self.streams and not said and self.pieces == 0 then return end
  local counts = said or { prompt = guessed_prompt(model, bytes), cached = 0, completion = 0 }
  if said and is_whole and said.prompt > 0 then learn(model, bytes, said.prompt) end
  -- The first piece of a chat only says who speaks.
  if not (said and is_whole) then counts.completion = math.max(counts.completion, self.pieces - (self.mark == '"delta"' and 1 or 0)) end
  ledger.add(txn:get_var("txn.key"), txn:get_var("txn.user") or "", model, {
    requests = 1, estimated = said and is_whole and 0 or 1, prompt = counts.prompt, cached = counts.cached, completion = counts.completion,
  })
end

-- The end of an answer, or of one that has no end: the client has hung up, a deadline has come, or the engine has broken off.
function Usage:ended(txn, is_whole)
  self:safely(self.settle, self, txn, is_whole)
end

local function words_of(seconds)
  local minutes = math.ceil(seconds / 60)
  local parts = { { minutes // 1440, "day" }, { minutes // 60 % 24, "hour" }, { minutes % 60, "minute" } }
  local words = {}
  for _place, part in ipairs(parts) do
    if part[1] > 0 then words[#words + 1] = ("%d %s%s"):format(part[1], part[2], part[1] == 1 and "" or "s") end
  end
  return table.concat(words, " ", 1, math.min(2, #words))
end

core.register_action("tokens_left", { "http-req" }, function(txn)
  local limits = {}
  for word in txn:get_var("txn.limits"):gmatch("%S+") do limits[#limits + 1] = word end
  local used, again = ledger.used(txn:get_var("txn.key")), nil
  local now = os.time()
  local of_day = { tonumber(limits[8]), used.day, "today", ledger.next_day(now) }
  local of_month = { tonumber(limits[9]), used.month, "this month", ledger.next_month(now) }
  for _place, limit in ipairs({ of_day, of_month }) do
    -- Of both the one that lasts longer.
    if (limit[1] or 0) > 0 and limit[2] >= limit[1] then again = limit end
  end
  if not again then return end
  txn:set_var("txn.tokens_again", again[4] - now)
  txn:set_var("txn.tokens_message", ("This API key has used the %d tokens that it may use %s. Counting begins anew on %s (UTC), in %s."):format(
    again[1], again[3], os.date("!%Y-%m-%d at %H:%M", again[4]), words_of(again[4] - now)))
end)

local COLUMNS = { "period", "key", "user", "model", "requests", "estimated_requests", "prompt_tokens", "cached_tokens", "completion_tokens", "total_tokens" }

local function quoted(text)
  -- A name may have been cut in the middle of a letter.
  if not utf8.len(text) then text = text:gsub("[\128-\255]", "?") end
  return '"' .. text:gsub('[%c"\\]', function(character) return ("\\u%04x"):format(character:byte()) end) .. '"'
end

local function fields(period, key, user, model, row)
  return { period, key, user, model, row.requests, row.estimated, row.prompt, row.cached, row.completion, row.prompt + row.completion }
end

local function as_json(values)
  local members = {}
  for place, column in ipairs(COLUMNS) do
    local value = values[place]
    if type(value) == "number" then value = ("%d"):format(value)
    elseif column == "user" and value == "" then value = "null"
    else value = quoted(value) end
    members[place] = ('"%s":%s'):format(column, value)
  end
  return "{" .. table.concat(members, ",") .. "}"
end

local function as_csv(values)
  local cells = {}
  for place in ipairs(COLUMNS) do
    local text = tostring(values[place])
    -- A spreadsheet would reckon with it.
    if text:find("^[=+@\t\r-]") then text = "'" .. text end
    cells[place] = text:find('[",\r\n]') and '"' .. text:gsub('"', '""') .. '"' or text
  end
  return table.concat(cells, ",") .. "\r\n"
end

-- A month, or a day, that some year has.
local function is_period(text)
  local month_of_year, day_of_month = text:match("^%d%d%d%d%-(%d%d)(.*)$")
  if not month_of_year or tonumber(month_of_year) < 1 or tonumber(month_of_year) > 12 then return false end
  local number = tonumber(day_of_month:match("^%-(%d%d)$") or "")
  return day_of_month == "" or number ~= nil and number >= 1 and number <= 31
end

core.register_service("usage_report", "http", function(applet)
  applet:add_header("cache-control", "no-store")
  local asked = {}
  for name, value in applet.qs:gmatch("([^&=]+)=([^&]*)") do asked[name] = value end
  local key, words = applet:get_var("txn.key"), {}
  for word in applet:get_var("txn.limits"):gmatch("%S+") do words[#words + 1] = word end
  local period = asked.period or os.date("!%Y-%m")
  if not is_period(period) or asked.format and asked.format ~= "csv" and asked.format ~= "json" then
    return hearth.answer(applet, 400, "application/json", hearth.error("Ask for a month, period=2026-11, or for a day, period=2026-11-29 (both UTC), "
      .. "and for format=json or format=csv.", "invalid_period", "invalid_request_error", "period"))
  end
  local accepts = applet.headers["accept"]
  local is_csv = asked.format == "csv" or not asked.format and accepts ~= nil and accepts[0]:find("text/csv", 1, true) ~= nil
  local rows = {}
  for whose, user, model, row in ledger.rows(period, words[7] ~= "operator" and key or nil) do
    rows[#rows + 1] = (is_csv and as_csv or as_json)(fields(period, whose, user, model, row))
  end
  table.sort(rows)
  if is_csv then return hearth.answer(applet, 200, "text/csv; charset=utf-8; header=present", table.concat(COLUMNS, ",") .. "\r\n" .. table.concat(rows)) end
  local function limit(word) return (tonumber(words[word]) or 0) > 0 and words[word] or "null" end
  local used = ledger.used(key)
  hearth.answer(applet, 200, "application/json", ('{"object":"usage","period":"%s","key":%s,"tokens_per_day":%s,"tokens_per_month":%s,"tokens_today":%d,'
    .. '"tokens_this_month":%d,"data":[%s]}\n'):format(period, quoted(key), limit(8), limit(9), used.day, used.month, table.concat(rows, ",")))
end)

-- For counts.lua, which answers /metrics/keys.
hearth_metrics[#hearth_metrics + 1] = function(write)
  local kinds = { prompt = {}, cached = {}, completion = {} }
  local estimated = {}
  for key, _user, model, row in ledger.rows(os.date("!%Y-%m")) do
    local label = ('key="%s",model="%s"'):format(key, model)
    for kind, sums in pairs(kinds) do
      local labels = ('%s,kind="%s"'):format(label, kind)
      sums[labels] = (sums[labels] or 0) + row[kind]
    end
    estimated[label] = (estimated[label] or 0) + row.estimated
  end
  local tokens = {}
  for _kind, sums in pairs(kinds) do
    for labels, sum in pairs(sums) do tokens[labels] = sum end
  end
  write("hearth_tokens_total", "Tokens of this calendar month (UTC), kept over restarts; those of the prompt that came from the cache are in both.", tokens)
  write("hearth_tokens_estimated_requests_total", "Requests of this month that were cut off, and whose tokens are estimated.", estimated)
  write("hearth_usage_write_errors_total", "Attempts to write down usage that have failed; it is kept in memory meanwhile.", { [""] = ledger.errors })
  write("hearth_usage_unwritten", "Sums that wait to be written down.", { [""] = ledger.unwritten() }, "gauge")
end
