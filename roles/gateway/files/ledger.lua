-- SPDX-FileCopyrightText: hearth.llm contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Keeps sums of tokens by key, user and model, of this day and this month (UTC) in memory and of all on the disk, so that they outlive reloads and restarts.
-- Told by the environment: the directory. In it are
--   journal            what was added since, a line for each answer. Every process appends, also the old one of a reload.
--   journal.closed     a journal that is being summed up
--   2026-11-29.sums    a day
--   2026-11.sums       a month, as far as its days are over
-- A line is: day, process, key, user, model, requests, those of them that are estimated, tokens of the prompt, those of them that were cached, tokens of the
-- answer, and a full stop, without which it is a line that was torn off.
-- HAProxy may let others run here after each 10,000 instructions of a task or a service, though never of a filter: so nothing that may take longer leaves in
-- between what others may not find, and lists that others add to are gone through by number.

local directory = os.getenv("GATEWAY_USAGE_DIRECTORY")
-- A journal that is longer, or of another day, is summed up. So many days are kept, and all months.
local LONGEST_JOURNAL, DAYS_KEPT = 1048576, 62
-- So many lines wait one by one for a disk that can be written.
local MOST_UNWRITTEN = 5000
local COUNTED = { "requests", "estimated", "prompt", "cached", "completion" }
local LINE = "^(%d%d%d%d%-%d%d%-%d%d) (%S+) (%S+) (%S+) (%S+) (%d+) (%d+) (%d+) (%d+) (%d+) %.$"

local ledger = { errors = 0 }
hearth_ledger = ledger

-- By this a process knows its own lines, also where another one had its number before.
local process
local today
-- What was added here and is not written down yet, in order.
local unwritten = {}
-- What was added and is not counted yet, whether somebody is on his way to do so, and whether somebody changes sums now.
local added, is_coming, is_busy, is_loaded = {}, false, false, false
-- Whether this process ends with its last stream: a reload has begun another one.
local is_leaving = false
-- How far the journal was read.
local read_to = 0

local function new_sums() return { rows = {}, list = {}, totals = {} } end
local day, month = new_sums(), new_sums()

local function path(name) return directory .. "/" .. name end

local function day_of(moment) return os.date("!%Y-%m-%d", moment) end
local function month_of(its_day) return its_day:sub(1, 7) end

local function escaped(text)
  if text == "" then return "-" end
  if text == "-" then return "%2D" end
  return (text:gsub("[^%w._@:/%-]", function(character) return ("%%%02X"):format(character:byte()) end))
end

local function unescaped(word)
  if word == "-" then return "" end
  return (word:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

-- A number that somebody has written into a file may be none that can be written down again.
local MOST = 1 << 53

local function row_of(key, user, model, ...)
  local row = { key = key, user = user, model = model }
  for place, name in ipairs(COUNTED) do row[name] = math.min(tonumber((select(place, ...))), MOST) end
  return row
end

local function add_to(sums, more)
  local name = more.key .. " " .. more.user .. " " .. more.model
  local row = sums.rows[name]
  if not row then
    row = row_of(more.key, more.user, more.model, 0, 0, 0, 0, 0)
    sums.rows[name] = row
    sums.list[#sums.list + 1] = row
  end
  for _place, counted in ipairs(COUNTED) do row[counted] = row[counted] + more[counted] end
  sums.totals[more.key] = (sums.totals[more.key] or 0) + more.prompt + more.completion
end

local function add_all(sums, more)
  for _place, row in ipairs(more.list) do add_to(sums, row) end
end

-- A new day begins with nothing, and so does a new month. A clock that was set back does not begin them once more.
local function turn_the_page()
  local now = day_of()
  if today and now <= today then return end
  day = new_sums()
  if today and month_of(today) ~= month_of(now) then month = new_sums() end
  today = now
end

local function count(its_day, row)
  if its_day == today then add_to(day, row) end
  if month_of(its_day) == month_of(today) then add_to(month, row) end
end

-- The day, the process and the row of a line; nothing where it is none.
local function read_line(line)
  local its_day, whose, key, user, model, a, b, c, d, e = line:match(LINE)
  if its_day then return its_day, whose, row_of(key, user, model, a, b, c, d, e) end
end

local function words_of(row)
  local words = { row.key, row.user, row.model }
  for _place, counted in ipairs(COUNTED) do words[#words + 1] = ("%d"):format(row[counted]) end
  return table.concat(words, " ")
end

local function line_of(its_day, row)
  return ("%s %s %s .\n"):format(its_day, process, words_of(row))
end

local said
local function say(trouble)
  if trouble == said then return end
  said = trouble
  core.log(trouble and core.err or core.notice, ('{"time":%d,"usage":"%s"}'):format(os.time(),
    trouble and "cannot be written down, and is kept in memory until it can: " .. trouble:gsub('[%c"\\]', " ") or "is written down again"))
end

local function read_whole(name)
  local file = io.open(path(name), "r")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text
end

-- A file is there whole, or as it was before.
local function write_whole(name, text)
  local new = ("%s.new-%s"):format(path(name), process)
  local file, trouble = io.open(new, "w")
  local done = file and file:write(text)
  if file then
    local closed, why = file:close()
    done, trouble = done and closed, why or trouble
  end
  if done then done, trouble = os.rename(new, path(name)) end
  if not done then
    ledger.errors = ledger.errors + 1
    say(trouble or "it could not be written")
  end
  return done
end

-- What is left of a line that could not be written to its end, by whomever, must not become one with the next.
local function ends_within_a_line(file)
  local length = file:seek("end")
  if not length or length == 0 then return false end
  file:seek("end", -1)
  local last = file:read(1)
  file:seek("end")
  return last ~= "\n"
end

-- Appends what waits, each line by one write: whoever reads sees it whole.
local function write_down()
  if #unwritten == 0 then return end
  -- Who comes in between has his own.
  local waiting = unwritten
  unwritten = {}
  local file, trouble = io.open(path("journal"), "a+")
  local written = 0
  if file then
    file:setvbuf("no")
    local before = ends_within_a_line(file) and " torn\n" or ""
    for _place, line in ipairs(waiting) do
      local done
      done, trouble = file:write(before .. line)
      if not done then break end
      before, written = "", written + 1
    end
    file:close()
  end
  if written == #waiting then
    say(nil)
    return
  end
  unwritten = table.move(unwritten, 1, #unwritten, #waiting - written + 1, table.move(waiting, written + 1, #waiting, 1, {}))
  ledger.errors = ledger.errors + 1
  say(trouble or "the journal cannot be opened")
end

local function lines_of(text)
  return text:gmatch("([^\n]*)\n")
end

-- What others have appended since. Says how long the journal is.
local function read_on()
  local file = io.open(path("journal"), "r")
  if not file then return 0 end
  local length = file:seek("end")
  if length < read_to then read_to = 0 end
  if length > read_to then
    file:seek("set", read_to)
    local text = file:read("a"):match("^.*\n") or ""
    read_to = read_to + #text
    for line in lines_of(text) do
      local its_day, whose, row = read_line(line)
      if its_day and whose ~= process then count(its_day, row) end
    end
  end
  file:close()
  return length
end

-- A file of sums, and what its head says.
local function read_sums(name)
  local sums, head = new_sums(), {}
  for line in (read_whole(name .. ".sums") or ""):gmatch("[^\n]+") do
    local key, user, model, a, b, c, d, e = line:match("^(%S+) (%S+) (%S+) (%d+) (%d+) (%d+) (%d+) (%d+)$")
    if key then
      add_to(sums, row_of(key, user, model, a, b, c, d, e))
    else
      local word, value = line:match("^# (%S+) (%S+)$")
      if word then head[word] = value end
    end
  end
  return sums, head
end

local function head_of(name)
  local head, file = {}, io.open(path(name .. ".sums"), "r")
  if not file then return head end
  for line in file:lines() do
    local word, value = line:match("^# (%S+) (%S+)$")
    if not word then break end
    head[word] = value
  end
  file:close()
  return head
end

local function write_sums(name, sums, head)
  local lines = {}
  for word, value in pairs(head) do lines[#lines + 1] = ("# %s %s"):format(word, value) end
  for _place, row in ipairs(sums.list) do
    lines[#lines + 1] = words_of(row)
  end
  return write_whole(name .. ".sums", table.concat(lines, "\n") .. "\n")
end

-- The name by which sums remember which journal they have in them.
local function closing_of(text)
  return text:match("\n# closed (%S+)\n")
end

local function is_stopping() return tonumber(core.get_info()["Stopping"]) ~= 0 end

local function name_process()
  process = process or ("%d-%d"):format(tonumber(core.get_info()["Pid"]) or 0, os.time())
end

-- What is on the disk of this month.
local function load()
  name_process()
  turn_the_page()
  local this_month, head = read_sums(month_of(today))
  add_all(month, this_month)
  local closed = read_whole("journal.closed") or ""
  local summed_up = {}
  for number = 1, tonumber(today:sub(9)) do
    local its_day = ("%s-%02d"):format(month_of(today), number)
    local head_of_day = head_of(its_day)
    summed_up[its_day] = head_of_day.closed ~= nil and closing_of(closed) == head_of_day.closed
    if its_day > (head.through or "") and next(head_of_day) then
      for _place, row in ipairs(read_sums(its_day).list) do count(its_day, row) end
    end
  end
  for line in lines_of(closed) do
    local its_day, _whose, row = read_line(line)
    if its_day and not summed_up[its_day] then count(its_day, row) end
  end
  read_on()
  is_loaded = true
end

-- Sums a closed journal up. It may begin anew at any time: each file says which journal it has in it.
local function sum_up()
  local text = read_whole("journal.closed")
  if not text then return true end
  local closing = closing_of(text)
  if not closing then
    closing = process .. "-" .. os.time()
    local file = io.open(path("journal.closed"), "a")
    if not file or not file:write("\n# closed " .. closing .. "\n") or not file:close() then return false end
  end
  local days = {}
  for line in lines_of(text) do
    local its_day, _whose, row = read_line(line)
    if its_day then
      days[its_day] = days[its_day] or new_sums()
      add_to(days[its_day], row)
    end
  end
  for its_day, more in pairs(days) do
    local is_over = its_day <= (head_of(month_of(its_day)).through or "") or its_day < day_of(os.time() - DAYS_KEPT * 86400)
    for _place, name in ipairs(is_over and { its_day, month_of(its_day) } or { its_day }) do
      local sums, head = read_sums(name)
      if head.closed ~= closing then
        add_all(sums, more)
        head.closed = closing
        -- The new process of a reload sums up.
        if is_stopping() or not write_sums(name, sums, head) then return false end
      end
    end
  end
  return os.remove(path("journal.closed"))
end

-- Days that are over become a part of their month.
local function end_days()
  local now = os.time()
  for ago = DAYS_KEPT, 1, -1 do
    local its_day = day_of(now - ago * 86400)
    if its_day > (head_of(month_of(its_day)).through or "") and next(head_of(its_day)) then
      local sums, head = read_sums(month_of(its_day))
      add_all(sums, (read_sums(its_day)))
      head.through = its_day
      if is_stopping() or not write_sums(month_of(its_day), sums, head) then return end
    end
  end
  for ago = DAYS_KEPT + 1, 2 * DAYS_KEPT do os.remove(path(day_of(now - ago * 86400) .. ".sums")) end
end

-- The next line begins a new journal.
local function close_journal()
  -- Nobody comes in between now.
  core.msleep(1)
  read_on()
  if #unwritten > 0 or not os.rename(path("journal"), path("journal.closed")) then return end
  read_to = 0
  -- Who has opened it before writes to it still.
  core.sleep(1)
end

-- Where a disk cannot be written for long, lines of the same become one.
local most_unwritten = MOST_UNWRITTEN
local function shorten()
  local days, order = {}, {}
  for _place, line in ipairs(unwritten) do
    local its_day, _whose, row = read_line(line:sub(1, -2))
    if not days[its_day] then days[its_day], order[#order + 1] = new_sums(), its_day end
    add_to(days[its_day], row)
  end
  unwritten = {}
  for _place, its_day in ipairs(order) do
    for _number, row in ipairs(days[its_day].list) do unwritten[#unwritten + 1] = line_of(its_day, row) end
  end
  most_unwritten = math.max(MOST_UNWRITTEN, 2 * #unwritten)
end

-- Sums are changed by one at a time, who may be interrupted. Says whether it was done.
local function alone(change)
  if is_busy then return false end
  is_busy = true
  local done, trouble = pcall(change)
  is_busy = false
  if not done then say(trouble) end
  return true
end

-- Counts and writes down what was added.
local function take_in()
  repeat
    turn_the_page()
    local taken = added
    added = {}
    for _place, row in ipairs(taken) do
      count(today, row)
      unwritten[#unwritten + 1] = line_of(today, row)
    end
    write_down()
    if #unwritten > most_unwritten then shorten() end
    -- Who ends while somebody is at it finds nobody later: the process of before a reload goes with its last stream.
  until #added == 0
end

-- Only tasks change sums: what serves a client goes with it, at any moment, and what it was in the middle of would be lost, and never be free again.
local function come()
  if is_coming then return end
  is_coming = true
  core.register_task(function()
    is_coming = false
    alone(take_in)
  end)
end

core.register_task(function()
  load()
  local ended
  while true do
    alone(take_in)
    -- After a reload the new process reads what this one appends, and sums up.
    if not is_stopping() then
      local length = 0
      alone(function() length = read_on() end)
      if sum_up() and (length > LONGEST_JOURNAL or ended ~= today) then
        if length > 0 then close_journal() end
        if sum_up() and ended ~= today then
          end_days()
          ended = today
        end
      end
    end
    core.sleep(1)
  end
end)

core.register_task(function()
  while not is_stopping() do core.msleep(200) end
  is_leaving = true
end)

-- Nobody waits for this: the answer is on its way meanwhile.
function ledger.add(key, user, model, counts)
  added[#added + 1] = row_of(escaped(key), escaped(user), escaped(model), counts.requests, counts.estimated, counts.prompt, counts.cached, counts.completion)
  if not is_loaded then return end
  -- No task runs any more behind the last stream of a process.
  if is_leaving then alone(take_in) else come() end
end

local function await()
  while not is_loaded do core.msleep(5) end
  while #added > 0 or is_busy do
    if not is_busy then come() end
    core.msleep(1)
  end
  turn_the_page()
end

function ledger.used(key)
  await()
  local name = escaped(key)
  return { day = day.totals[name] or 0, month = month.totals[name] or 0 }
end

-- The rows of a day or of a month, of one key or of all.
function ledger.rows(period, key)
  await()
  local sums = period == today and day or period == month_of(today) and month or read_sums(period)
  local place, name = 0, key and escaped(key)
  return function()
    repeat
      place = place + 1
      local row = sums.list[place]
      if row and (not name or row.key == name) then return unescaped(row.key), unescaped(row.user), unescaped(row.model), row end
    until not row
  end
end

function ledger.unwritten() return #unwritten end

-- os.time() takes a table for local time; days of UTC are counted from the epoch.
function ledger.next_day(now) return now - now % 86400 + 86400 end

function ledger.next_month(now)
  local this, moment = os.date("!%Y-%m", now), ledger.next_day(now)
  while os.date("!%Y-%m", moment) == this do moment = moment + 86400 end
  return moment
end
