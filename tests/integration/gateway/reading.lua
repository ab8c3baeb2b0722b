-- SPDX-FileCopyrightText: hearth.llm contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- door.lua without HAProxy: bodies come in, each with its length before it, and what was judged and written goes out in the same way.
-- Arguments: door.lua, what every model is called, and its longest answer.

local actions = {}
core = {
  register_action = function(name, _, action) actions[name] = action end,
  register_service = function() end,
}
local path, served, longest = arg[1], arg[2], tonumber(arg[3])
dofile(path)

local function message_of(body)
  local message = { body = body }
  function message:set(text, from, length) self.body = self.body:sub(1, from) .. text .. self.body:sub(from + length + 1) end
  function message:insert(text, from) self:set(text, from, 0) end
  return message
end

local function judged(body)
  local variables, private = { ["txn.served"] = served, ["txn.longest"] = longest, ["txn.asks_usage"] = true }, nil
  local txn = { sf = { req_body = function() return body end, path = function() return "/v1/completions" end } }
  function txn:set_var(name, value) variables[name] = value end
  function txn:get_var(name) return variables[name] end
  function txn:set_priv(value) private = value end
  function txn:get_priv() return private end
  local message = message_of(body)
  actions.judge(txn)
  if variables["txn.judged"] then
    actions.fit(txn)
    if variables["txn.edits"] then hearth_door.write(txn, message) end
  end
  local words = { variables["txn.fault"] or "", variables["txn.model"] or "", variables["txn.answers"] or 0, variables["txn.entries"] or 0 }
  return table.concat(words, "\0"), message.body
end

while true do
  local size = io.read(4)
  if not size then break end
  local size_of_body = string.unpack("<I4", size)
  local body = size_of_body > 0 and io.read(size_of_body) or ""
  io.write(string.pack("<s4s4", judged(body)))
end
