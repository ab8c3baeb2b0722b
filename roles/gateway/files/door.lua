-- SPDX-FileCopyrightText: hearth.llm contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Judges what a request asks for by the top level of its JSON, and writes into it what the engine is to read in its place: the served name of an alias, an
-- answer no longer than the model gives, and that the engine says what it has counted.
-- Only where texts and brackets begin and end is looked at, which every reader of JSON sees alike; a body that only looks like JSON is refused by the engine.
-- Told by the environment: how many long requests may be in memory, from how many bytes on they are long, what one is told that is too long
-- or one too many, and whether who asks for too long an answer is refused.

local LONG_BYTES = tonumber(os.getenv("GATEWAY_LONG_BYTES"))
local LONG_REQUESTS = tonumber(os.getenv("GATEWAY_LONG_REQUESTS"))
-- Of one key: the others' are left to others.
local LONG_REQUESTS_OF_ONE = math.max(1, LONG_REQUESTS // 2)
-- An object of a request has some dozens at most. Each takes memory, and each is looked at several times.
local MOST_MEMBERS = 10000
-- Of a client that is not known no more is read to its end.
local LONGEST_OF_STRANGERS = 64 * 1024 * 1024
local REFUSES = os.getenv("GATEWAY_LONGER_ANSWERS") == "refuse"

local find, byte, sub = string.find, string.byte, string.sub
local QUOTE, BACKSLASH, OPENS, CLOSES, LIST = 34, 92, 123, 125, 91

-- By which a request says how long its answer may be, and how many it wants.
local LONGEST = { max_tokens = true, max_completion_tokens = true, max_output_tokens = true, n_predict = true }
local ANSWERS = { n = true, n_cmpl = true, best_of = true }
-- What the engine is to work on, where it may be a list of which each is worked on by itself.
local MANY = { ["/v1/completions"] = { "prompt" }, ["/v1/embeddings"] = { "input", "content" }, ["/v1/rerank"] = { "documents", "texts" } }
local STREAMS_SAY_USAGE_WHEN_ASKED = { ["/v1/chat/completions"] = true, ["/v1/completions"] = true }

local function is_escaped(body, quote)
  local before = quote - 1
  while byte(body, before) == BACKSLASH do before = before - 1 end
  return (quote - before) % 2 == 0
end

-- The next quote that has no backslash before it, or two. Places only grow while something is read, so each part of it is searched once for either; `seen` is of
-- one reading, for HAProxy may let another request in between at any moment.
local function next_quote(body, from, seen)
  if seen.bare < from then seen.bare = find(body, '[^\\]"', from) or math.huge end
  if seen.pair < from + 1 then seen.pair = find(body, '\\\\"', from + 1, true) or math.huge end
  return math.min(seen.bare + 1, seen.pair + 2)
end

local function nothing_seen() return { bare = 0, pair = 0 } end

-- Where a text ends that begins with the quote at a place.
local function text_end(body, place, seen)
  local quote = find(body, '"', place + 1, true)
  while quote and is_escaped(body, quote) do
    -- Where there is one there may be a hundred thousand.
    quote = next_quote(body, quote, seen)
    if quote == math.huge then return nil end
  end
  return quote
end

local function value_end(body, place, seen)
  local first = byte(body, place)
  if first == QUOTE then return text_end(body, place, seen) end
  if first ~= OPENS and first ~= LIST then return select(2, find(body, "^[%w%.+-]+", place)) end
  local depth, from = 0, place
  while true do
    local next = find(body, '["%[%]{}]', from)
    if not next then return nil end
    local sign = byte(body, next)
    if sign == QUOTE then
      next = text_end(body, next, seen)
      if not next then return nil end
    elseif sign == OPENS or sign == LIST then
      depth = depth + 1
    else
      depth = depth - 1
      if depth == 0 then return next end
    end
    from = next + 1
  end
end

local function behind_blanks(body, place)
  return select(2, find(body, "^[ \t\r\n]*", place)) + 1
end

-- A text as it is meant. Names are of ASCII here: what is spelled otherwise is none.
local function meant(text)
  if not find(text, "\\", 1, true) then return text end
  return (text:gsub("\\(.)(%x?%x?%x?%x?)", function(sign, digits)
    if sign ~= "u" then return (sign == "/" and sign or "\\" .. sign) .. digits end
    local code = #digits == 4 and tonumber(digits, 16) or 128
    return code < 128 and string.char(code) or nil
  end))
end

-- The members of the object that begins at a place: name, where its value begins and ends. Nothing where it is no object, and the place behind it, which is
-- missing where there are more than anybody means.
local function members(body, place)
  if byte(body, place) ~= OPENS then return nil end
  local found, seen = {}, nothing_seen()
  place = behind_blanks(body, place + 1)
  if byte(body, place) == CLOSES then return found, place + 1 end
  while true do
    local quote = byte(body, place) == QUOTE and text_end(body, place, seen)
    if not quote then return nil end
    local name = meant(sub(body, place + 1, quote - 1))
    place = behind_blanks(body, quote + 1)
    if sub(body, place, place) ~= ":" then return nil end
    place = behind_blanks(body, place + 1)
    local last = value_end(body, place, seen)
    if not last then return nil end
    found[#found + 1] = { name = name, from = place, to = last }
    place = behind_blanks(body, last + 1)
    local sign = sub(body, place, place)
    if sign == "}" then return found, place + 1 end
    if sign ~= "," then return nil end
    if #found == MOST_MEMBERS then return found end
    place = behind_blanks(body, place + 1)
  end
end

-- How many of a list are each worked on by itself. A list that has a number is one text, in tokens, whatever else it has.
local function entries(body, member)
  if byte(body, member.from) ~= LIST then return 1 end
  local number, behind, seen = 0, member.from + 1, nothing_seen()
  while true do
    local place = find(body, '["%[%]{}]', behind)
    if find(sub(body, behind, place - 1), "%d") then return 1 end
    if place >= member.to then return math.max(1, number) end
    number = number + 1
    behind = value_end(body, place, seen) + 1
  end
end

-- A number as JSON has it, or its digits as a text, which one engine takes for a number and another one for none.
local function number_in(body, member)
  local value = meant(sub(body, member.from, member.to))
  local digits = value:match('^"(-?%d+)"$')
  if digits then return tonumber(digits) end
  local whole, rest = value:match("^-?(%d+)(.*)$")
  if not whole or find(whole, "^0%d") then return nil end
  rest = rest:gsub("^%.%d+", ""):gsub("^[eE][+-]?%d+", "")
  return rest == "" and tonumber(value) or nil
end

local function is_null(body, member)
  return sub(body, member.from, member.to) == "null"
end

-- What is asked for: nothing where the body is no object, or why it is not read.
local function read(body)
  local begin = behind_blanks(body, 1)
  local found, behind = members(body, begin)
  if found and not behind then return nil, "too_many_members" end
  if not found or behind_blanks(body, behind) <= #body then return nil, "no_object" end
  local last = {}
  for _, member in ipairs(found) do last[member.name] = member end
  return { begin = begin, found = found, last = last }
end

-- Long requests that are in memory, all and by key.
local long, long_of = 0, {}

local function let_go(txn)
  local key = txn:get_var("txn.is_long")
  if not key then return end
  txn:unset_var("txn.is_long")
  long, long_of[key] = long - 1, long_of[key] > 1 and long_of[key] - 1 or nil
end

-- One that says how long it is, or does not say how short.
local function admit(txn)
  local key = txn:get_var("txn.key")
  local its, most = long_of[key] or 0, math.min(LONG_REQUESTS_OF_ONE, tonumber(txn:get_var("txn.limits"):match("^%d+")))
  if long >= LONG_REQUESTS or its >= most then
    txn:set_var("txn.fault", "too_many_long_requests")
    return
  end
  long, long_of[key] = long + 1, its + 1
  txn:set_var("txn.is_long", key)
end

local function judge(txn)
  local body = txn.sf:req_body() or ""
  -- It did not say beforehand how short it is.
  if #body < LONG_BYTES then let_go(txn) end
  local asked, why = read(body)
  if not asked then txn:set_var("txn.fault", why) return end
  local name
  for _, member in ipairs(asked.found) do
    if member.name == "model" then
      local value = meant(sub(body, member.from, member.to))
      if name and name ~= value then txn:set_var("txn.fault", "ambiguous_model") return end
      name = value
    end
  end
  if name and name ~= "null" and name ~= '""' then
    if byte(name) ~= QUOTE then txn:set_var("txn.fault", "missing_model") return end
    -- Nothing behind such a sign would be compared.
    txn:set_var("txn.model", (sub(name, 2, -2):gsub("%z", "?")))
  end

  local path, last, answers = txn.sf:path(), asked.last, 1
  for _, member in ipairs(asked.found) do
    if ANSWERS[member.name] and not is_null(body, member) then
      local number = number_in(body, member)
      if not number then txn:set_var("txn.fault", "no_number") return end
      if number > answers then answers = math.min(math.ceil(number), 1000000) end
    end
  end
  local most = 1
  for _, member in ipairs(MANY[path] or {}) do
    if last[member] then most = math.max(most, entries(body, last[member])) end
  end
  if most > 1 then txn:set_var("txn.entries", most) end
  txn:set_var("txn.answers", math.tointeger(answers))
  if last.stream and sub(body, last.stream.from, last.stream.to) == "true" then txn:set_var("txn.stream", true) end
  local kept = last.previous_response_id or last.conversation
  if kept and not is_null(body, kept) or last.background and sub(body, last.background.from, last.background.to) == "true" then
    txn:set_var("txn.keeps", true)
  end
  txn:set_priv({ body = body, asked = asked })
  -- Whoever goes on without this has not been judged.
  txn:set_var("txn.judged", true)
end

-- What is written into a body, in its order: from which byte on, how many bytes it replaces, and the text.
local Edits = {}
Edits.__index = Edits

function Edits:replace(member, text)
  self[#self + 1] = { member.from - 1, member.to - member.from + 1, text }
end

function Edits:add(object, is_empty, text)
  self[#self + 1] = { object, 0, is_empty and text or text .. "," }
end

-- The last comes first: so no place moves before it is written to.
function Edits:packed()
  table.sort(self, function(one, other) return one[1] > other[1] end)
  local parts = {}
  for _, edit in ipairs(self) do parts[#parts + 1] = string.pack("<I4I4s4", edit[1], edit[2], edit[3]) end
  return table.concat(parts)
end

function Edits:growth()
  local bytes = 0
  for _, edit in ipairs(self) do bytes = bytes + #edit[3] - edit[2] end
  return bytes
end

local function write_model(edits, body, asked, served)
  if not asked.last.model then
    edits:add(asked.begin, #asked.found == 0, '"model":"' .. served .. '"')
    return
  end
  for _, member in ipairs(asked.found) do
    if member.name == "model" and sub(body, member.from + 1, member.to - 1) ~= served then edits:replace(member, '"' .. served .. '"') end
  end
end

-- Writes numbers that both engines read alike, and says what was lowered; or the name of what cannot be.
local function write_longest(edits, body, asked, longest)
  local lowered
  for _, member in ipairs(asked.found) do
    if LONGEST[member.name] and not is_null(body, member) then
      local number = number_in(body, member)
      if not number then return nil, member.name end
      if number < 0 or number > longest then
        if REFUSES then return nil, member.name end
        lowered = member.name
        edits:replace(member, tostring(longest))
      elseif not find(sub(body, member.from, member.to), "^%d+$") then
        edits:replace(member, ("%d"):format(math.floor(number)))
      end
    end
  end
  return lowered
end

-- Asks the engine of a stream what it has counted, where the client has not.
local function write_usage(edits, body, asked)
  local options = asked.last.stream_options
  if not options then
    edits:add(asked.begin, #asked.found == 0, '"stream_options":{"include_usage":true}')
    return true
  end
  local within = members(body, options.from)
  if not within then
    if is_null(body, options) then edits:replace(options, '{"include_usage":true}') end
    return is_null(body, options)
  end
  local wish
  for _, member in ipairs(within) do
    if member.name == "include_usage" then wish = member end
  end
  if not wish then
    edits:add(options.from, #within == 0, '"include_usage":true')
  elseif sub(body, wish.from, wish.to) ~= "true" then
    edits:replace(wish, "true")
  end
  return not wish or sub(body, wish.from, wish.to) ~= "true"
end

-- What a conversation is known by from its first question on: all that stands before its second, for what comes before the first is often the same for all.
local BEGINNINGS = { "messages", "input", "prompt" }
local function beginning(body, asked)
  local member
  for _, name in ipairs(BEGINNINGS) do member = member or asked.last[name] end
  if not member then return nil end
  local behind, seen = member.from + 1, nothing_seen()
  while byte(body, member.from) == LIST do
    local place = find(body, "[%S]", behind)
    local last = place and place < member.to and value_end(body, place, seen)
    local within = last and members(body, place)
    if not within then break end
    for _, part in ipairs(within) do
      if part.name == "role" and sub(body, part.from, part.to) == '"user"' then return sub(body, member.from, last) end
    end
    behind = (find(body, ",", last, true) or member.to) + 1
  end
  -- A text, or a list with no question in it.
  return sub(body, member.from, member.to)
end

-- Behind `judge`, when the model is known.
local function fit(txn)
  local judged, edits = txn:get_priv(), setmetatable({}, Edits)
  local body, asked = judged.body, judged.asked
  txn:set_priv(nil)
  write_model(edits, body, asked, txn:get_var("txn.served"))
  if txn:get_var("txn.several") then
    local begun = beginning(body, asked)
    if begun then txn:set_var("txn.conversation", txn.c:xxh32(begun)) end
  end
  local longest = txn:get_var("txn.longest")
  if longest then
    local lowered, wrong = write_longest(edits, body, asked, longest)
    if wrong then txn:set_var("txn.fault", wrong) return end
    if lowered then txn:set_var("txn.lowered", ("%s=%d"):format(lowered, longest)) end
  end
  if txn:get_var("txn.stream") and txn:get_var("txn.asks_usage") and STREAMS_SAY_USAGE_WHEN_ASKED[txn.sf:path()] then
    if write_usage(edits, body, asked) then txn:set_var("txn.usage_added", true) end
  end
  if #edits > 0 then
    txn:set_var("txn.edits", edits:packed())
    txn:set_var("txn.length", #body + edits:growth())
  end
  txn:set_var("txn.fits", true)
end

-- Clients read an answer when they have sent all that they wanted to: so it is taken, and thrown away.
local function refuse(status, text, name, value, longest)
  return function(applet)
    local read, piece = 0, nil
    repeat
      piece = applet:receive(65536)
      read = read + #(piece or "")
    until not piece or #piece == 0 or read > (longest or math.huge)
    if name then applet:add_header(name, value) end
    hearth.answer(applet, status, "application/json", text)
  end
end

-- For filter.lua.
hearth_door = { let_go = let_go }

-- What `fit` has put down for the body that goes on.
function hearth_door.write(txn, message)
  local edits, place = txn:get_var("txn.edits"), 1
  while place <= #edits do
    local from, length, text
    from, length, text, place = string.unpack("<I4I4s4", edits, place)
    if length > 0 then message:set(text, from, length) else message:insert(text, from) end
  end
end

core.register_action("admit", { "http-req" }, admit)
core.register_action("judge", { "http-req" }, judge)
core.register_action("fit", { "http-req" }, fit)
core.register_service("refuse_too_long", "http", refuse(413, os.getenv("GATEWAY_TOO_LONG")))
core.register_service("refuse_too_many", "http", refuse(503, os.getenv("GATEWAY_TOO_MANY"), "retry-after", "5"))
for name, variable in pairs({ refuse_missing_key = "GATEWAY_MISSING_KEY", refuse_wrong_key = "GATEWAY_WRONG_KEY", refuse_expired_key = "GATEWAY_EXPIRED_KEY" }) do
  local challenge = 'Bearer realm="hearth"' .. (name == "refuse_missing_key" and "" or ', error="invalid_token"')
  core.register_service(name, "http", refuse(401, os.getenv(variable), "www-authenticate", challenge, LONGEST_OF_STRANGERS))
end
