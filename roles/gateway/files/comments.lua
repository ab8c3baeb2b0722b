-- SPDX-FileCopyrightText: hearth.llm contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Gives a stream a sign of life while it waits for its turn or for the first token: a comment of server-sent events, which clients pass over.
-- HAProxy cannot say anything before its backend has, so such a request is asked once more from here, through the frontend `waiting`. Until the
-- first comment an answer goes through as it is; after it the status is told, and what goes wrong is told as an event.
-- Told by the environment: the socket of that frontend, and after how many seconds of silence.

local socket_path = os.getenv("GATEWAY_WAITING_SOCKET")
local patience = tonumber(os.getenv("GATEWAY_COMMENT_SECONDS"))
-- Of one connection only.
local OWN_HEADERS = { ["connection"] = true, ["content-length"] = true, ["keep-alive"] = true, ["transfer-encoding"] = true }
local CUT_OFF = hearth.error("The answer was cut off.", "cut_off", "server_error")
-- A client is gone that has taken nothing, or for which nobody has asked, for so many looks of a quarter of a second. Looks are counted and not seconds:
-- a machine that stood still for a while has served nobody in between.
local LONGEST_SEND, LONGEST_PAUSE = 480, 6

local function request_of(applet)
  local body = applet:receive()
  local lines = { applet.method .. " " .. applet.path .. " HTTP/1.1" }
  for name, values in pairs(applet.headers) do
    for _, value in pairs(OWN_HEADERS[name] and {} or values) do lines[#lines + 1] = name .. ": " .. value end
  end
  lines[#lines + 1] = "content-length: " .. #body
  lines[#lines + 1] = "connection: close"
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

local function read_head(socket)
  local status = (socket:receive("*l") or ""):match("^HTTP/%S+ (%d+)")
  local headers, length, chunked, events = {}, 0, false, false
  while status do
    local name, value = (socket:receive("*l") or ""):match("^([^:]+):%s*(.-)%s*$")
    if not name then break end
    name = name:lower()
    if name == "content-length" then length = tonumber(value) or 0 end
    if name == "transfer-encoding" then chunked = true end
    if name == "content-type" then events = value:lower():find("text/event-stream", 1, true) == 1 end
    if not OWN_HEADERS[name] then headers[#headers + 1] = { name, value } end
  end
  return { status = tonumber(status or 502), headers = headers, events = events }, length, chunked
end

-- Whether the body came to its end.
local function read_chunks(socket, stream)
  while true do
    local size = tonumber((socket:receive("*l") or ""):match("^%x+") or "", 16)
    if size == 0 then return true end
    local piece = size and socket:receive(size)
    if not piece then return false end
    stream.pieces[#stream.pieces + 1] = piece
    socket:receive("*l")
  end
end

-- Asks, and puts down what comes.
local function relay(stream)
  local socket = core.tcp()
  stream.socket = socket
  socket:settimeout(86400)
  local sent = socket:connect(socket_path) and socket:send(stream.request)
  -- It may be a megabyte, and the answer may take minutes.
  stream.request = nil
  if sent then
    local head, length, chunked = read_head(socket)
    stream.head = head
    if chunked then
      stream.whole = read_chunks(socket, stream)
    else
      local body = length > 0 and socket:receive(length)
      stream.pieces[1] = body or nil
      stream.whole = length == 0 or body ~= nil
    end
  end
  socket:close()
  stream.done = true
end

-- When the client hangs up, nobody here is told; but what served it is not there any more to be seen.
local function watch(stream)
  local last, looks = 0, 0
  while not stream.done do
    core.msleep(250)
    looks = stream.turns == last and looks + 1 or 0
    last = stream.turns
    if looks > (stream.sending and LONGEST_SEND or LONGEST_PAUSE) and stream.socket then
      stream.socket:close()
      return
    end
  end
end

local function take(stream)
  local pieces = table.concat(stream.pieces)
  stream.pieces = {}
  return pieces
end

core.register_service("comments", "http", function(applet)
  local stream = { pieces = {}, turns = 0, request = request_of(applet) }
  core.register_task(function() relay(stream) end)
  core.register_task(function() watch(stream) end)
  local said, began, commented = hearth.now(), false, false

  local function begin(status, headers)
    applet:set_status(status)
    for _, header in ipairs(headers) do applet:add_header(header[1], header[2]) end
    applet:start_response()
    began = true
  end
  local function send(text)
    stream.sending = true
    applet:send(text)
    stream.sending, said = false, hearth.now()
  end

  while true do
    stream.turns = stream.turns + 1
    local done, head = stream.done, stream.head
    if head and not began then
      begin(head.status, head.headers)
    elseif head and commented and not head.events then
      -- An error, or an answer in one piece: it is told as one event.
      if done then send("data: " .. take(stream):gsub("[\r\n]+", " ") .. "\n\n") return end
      core.msleep(5)
    elseif #stream.pieces > 0 then
      send(take(stream))
    elseif done then
      if not began then begin(502, { { "content-type", "application/json" } }) send(CUT_OFF)
      elseif not stream.whole then send("data: " .. CUT_OFF .. "\n\n") end
      return
    elseif hearth.now() - said >= patience and (not head or head.events) then
      if not began then begin(200, { { "content-type", "text/event-stream" } }) commented = true end
      send(": waiting\n\n")
    else
      core.msleep(hearth.now() - said < 1 and 2 or 20)
    end
  end
end)
