-- SPDX-FileCopyrightText: hearth.llm contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- The one filter of the gateway: what was judged is written into the request as it passes (door.lua), and the tokens of the answer are counted (usage.lua).
-- Each that is called costs, and each filter more: so there is one, and it takes part only in what there is something to do with.

local Passing = { id = "What passes the gateway", flags = filter.FLT_CFG_FL_HTX }
Passing.__index = Passing

function Passing:new()
  return setmetatable({}, Passing)
end

function Passing:http_headers(txn, message)
  if message:is_resp() then
    hearth_counts.answer(txn)
    self.usage = hearth_usage(txn)
    if self.usage then filter.register_data_filter(self, message.channel) end
  elseif txn:get_var("txn.edits") then
    self.unwritten = true
    filter.register_data_filter(self, message.channel)
  end
end

function Passing:http_payload(txn, message)
  if message:is_resp() then
    local may_go_on = self.usage:read(message)
    -- Nothing lets all of it go on, and nil would let none.
    if may_go_on then return may_go_on end
  elseif self.unwritten then
    self.unwritten = false
    hearth_door.write(txn, message)
  end
end

function Passing:http_end(txn, message)
  if not self.usage or not message:is_resp() then return end
  local is_whole = not self.usage.is_open
  self.usage:ended(txn, is_whole)
  -- A router ends a stream whose model it has lost as if that were all of it. What breaks off, clients tell as an error.
  if not is_whole then return filter.ERROR end
end

function Passing:end_analyze(txn, channel)
  if not channel:is_resp() then hearth_door.let_go(txn)
  elseif self.usage then self.usage:ended(txn, false) end
end

core.register_filter("passing", Passing, function(passing) return passing end)
