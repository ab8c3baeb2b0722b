-- SPDX-FileCopyrightText: hearth.llm contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Reads and writes JSON, for the files that are loaded after this one. HAProxy's own json_query reads single values only.

json = {}
-- What is written as null, for Lua's tables hold no nil; and as a list, which a table without entries would not show.
json.null = setmetatable({}, { __tostring = function() return "null" end })
local LIST = {}
function json.list(entries) return setmetatable(entries or {}, LIST) end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(sign) return ESCAPES[sign] or ("\\u%04x"):format(sign:byte()) end) .. '"'
end

function json.encode(value)
  local kind = type(value)
  if value == nil or value == json.null then return "null" end
  if kind == "boolean" then return tostring(value) end
  if kind == "string" then return quoted(value) end
  if kind == "number" then
    if value % 1 == 0 then return ("%d"):format(value) end
    return (("%.3f"):format(value):gsub("0+$", ""):gsub("%.$", ".0"))
  end
  local parts = {}
  if getmetatable(value) == LIST or value[1] ~= nil then
    for place, entry in ipairs(value) do parts[place] = json.encode(entry) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for name, entry in pairs(value) do parts[#parts + 1] = quoted(tostring(name)) .. ":" .. json.encode(entry) end
  -- In an order of their own, so that the same is written in the same way.
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

local SIGNS = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local WORDS = { ["true"] = true, ["false"] = false, ["null"] = json.null }
local DEEPEST = 64

local function read_string(text, at)
  local parts = {}
  while true do
    local from, to, sign = text:find('(["\\])', at)
    if not from then error("a text does not end") end
    parts[#parts + 1] = text:sub(at, from - 1)
    if sign == '"' then return table.concat(parts), to + 1 end
    local escape = text:sub(to + 1, to + 1)
    at = to + 2
    if escape == "u" then
      local code = tonumber(text:sub(at, at + 3), 16) or error("an escape is none")
      at = at + 4
      local low = code >= 0xD800 and code < 0xDC00 and tonumber(text:match("^\\u(%x%x%x%x)", at) or "", 16)
      if low then code, at = 0x10000 + (code - 0xD800) * 1024 + (low - 0xDC00), at + 6 end
      parts[#parts + 1] = utf8.char(code)
    else
      parts[#parts + 1] = SIGNS[escape] or escape
    end
  end
end

local read_value
local function read_entries(text, at, depth, closing, read_entry)
  at = text:find("%S", at) or error("something is missing at the end")
  if text:sub(at, at) == closing then return at + 1 end
  while true do
    at = read_entry(at, depth)
    local sign
    sign, at = text:match("^%s*([,%]}])()", at)
    if sign == closing then return at end
    if sign ~= "," then error("a comma is missing") end
  end
end

function read_value(text, at, depth)
  if depth > DEEPEST then error("it is nested too deeply") end
  at = text:find("%S", at) or error("something is missing at the end")
  local sign = text:sub(at, at)
  if sign == '"' then return read_string(text, at + 1) end
  local found = {}
  if sign == "{" then
    return found, read_entries(text, at + 1, depth, "}", function(from)
      local start = text:match('^%s*"()', from) or error("a name is missing")
      local name, behind = read_string(text, start)
      behind = text:match("^%s*:()", behind) or error("a colon is missing")
      found[name], behind = read_value(text, behind, depth + 1)
      return behind
    end)
  elseif sign == "[" then
    json.list(found)
    return found, read_entries(text, at + 1, depth, "]", function(from)
      found[#found + 1], from = read_value(text, from, depth + 1)
      return from
    end)
  end
  local word, behind = text:match("^([%w+.-]+)()", at)
  local value = WORDS[word]
  if value == nil then value = tonumber(word) or error("a value is none") end
  return value, behind
end

-- What a text says; nil where it is no JSON.
function json.decode(text)
  local is_json, value = pcall(function()
    local value, behind = read_value(text, 1, 0)
    if text:find("%S", behind) then error("something follows") end
    return value
  end)
  if is_json then return value end
end
