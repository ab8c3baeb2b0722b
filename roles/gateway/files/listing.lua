-- SPDX-FileCopyrightText: hearth.llm contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- GET /v1/models: what is listed to each grant. HAProxy reads no line of a map that is longer than 16 KiB, and that of a hundred models is.

local listings = {}
for line in io.lines("listings.map") do
  local grant, listing = line:match("^([^#%s]%S*) (.*)$")
  if grant then listings[grant] = listing end
end

core.register_service("listing", "http", function(applet)
  hearth.answer(applet, 200, "application/json", listings[applet:get_var("txn.grant")])
end)
