-- SPDX-FileCopyrightText: hearth.llm contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Ends requests that take longer than their model may, however much of an answer still comes: HAProxy's own timeouts are for silence.
-- Told by the environment, for HAProxy 2.6 hands no arguments over: the control socket, and BACKEND=SECONDS for each model.

-- What HAProxy says of its requests is read here for status.lua, too.

sessions = {}
local socket_path = os.getenv("GATEWAY_CONTROL_SOCKET")
local deadlines = {}
for model, seconds in os.getenv("GATEWAY_DEADLINES"):gmatch("(%S+)=(%d+)") do deadlines[model] = tonumber(seconds) end

local function control(command)
  local socket = core.tcp()
  socket:settimeout(5)
  if not socket:connect(socket_path) then return "" end
  socket:send(command .. "\n")
  local answer = socket:receive("*a") or ""
  socket:close()
  return answer
end

-- HAProxy writes 1h2m, 2m3s or 3s.
local function seconds_in(age)
  local units, sum = { d = 86400, h = 3600, m = 60, s = 1 }, 0
  for number, unit in age:gmatch("(%d+)([dhms])") do sum = sum + number * units[unit] end
  return sum
end

-- Of each request: how it is named there, its backend and its server (<none> while it waits for one), and its seconds.
function sessions.all()
  local lines = control("show sess"):gmatch("[^\n]+")
  return function()
    for line in lines do
      local session, backend, server, age = line:match("^(0x%x+):.- be=(%S+) srv=(%S+).- age=(%w+)")
      if session then return session, backend, server, seconds_in(age) end
    end
  end
end

core.register_task(function()
  while true do
    core.sleep(1)
    -- After a reload the socket leads to the new process, which has deadlines of its own; hard-stop-after ends the streams of this one.
    if tonumber(core.get_info()["Stopping"]) ~= 0 then return end
    for session, model, _server, age in sessions.all() do
      -- An answer that has not begun is ended by timeout server, which tells the client so.
      if deadlines[model] and age > deadlines[model] then control("shutdown session " .. session) end
    end
  end
end)
