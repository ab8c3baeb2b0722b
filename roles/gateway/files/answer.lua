-- SPDX-FileCopyrightText: hearth.llm contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- What the other files here share: an answer of the gateway's own, the shape of an error, and the time.

hearth = {}

function hearth.now()
  local moment = core.now()
  return moment.sec + moment.usec / 1000000
end

local function text_or_null(text)
  return text and '"' .. text .. '"' or "null"
end

-- As error.j2 writes it: OpenAI's shape, and what clients of Anthropic's look for beside it. The message has nothing that JSON would want escaped.
function hearth.error(message, code, kind, param)
  return ('{"type":"error","error":{"message":"%s","type":"%s","param":%s,"code":"%s"}}'):format(message, kind, text_or_null(param), code)
end

function hearth.answer(applet, status, kind, body)
  applet:set_status(status)
  applet:add_header("content-type", kind)
  applet:add_header("content-length", #body)
  applet:start_response()
  if applet.method ~= "HEAD" then applet:send(body) end
end
