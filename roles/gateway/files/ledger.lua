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
local loads = 0
-- Sums by key; each has its total and its rows.
local day, month = {}, {}
local today
-- What was added here and is not written down yet, in order.
local unwritten = {}
-- How far the journal was read.
local read_to = 0

local function path(name) return directory .. "/" .. name end

local function escaped(text)
  if text == "" then return "-" end
  if text == "-" then return "%2D" end
  return (text:gsub("[^%w._@:/%-]", function(character) return ("%%%02X"):format(character:byte()) end))
end

local function unescaped(word)
  if word == "-" then return "" end
  return (word:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function counts_of(...)
  local counts = {}
  for place, name in ipairs(COUNTED) do counts[name] = tonumber((select(place, ...))) end
  return counts
end

local function add_to(sums, key, user, model, counts)
  local mine = sums[key] or { total = 0, rows = {} }
  sums[key] = mine
  local name = user .. " " .. model
  local row = mine.rows[name]
  if not row then
    row = { requests = 0, estimated = 0, prompt = 0, cached = 0, completion = 0 }
    mine.rows[name] = row
  end
  for _place, counted in ipairs(COUNTED) do row[counted] = row[counted] + counts[counted] end
  mine.total = mine.total + counts.prompt + counts.completion
end

local function count(its_day, key, user, model, counts)
  if its_day == today then add_to(day, key, user, model, counts) end
  if its_day:sub(1, 7) == today:sub(1, 7) then add_to(month, key, user, model, counts) end
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
  local file, trouble = io.open(path("journal"), "a+")
  local written = 0
  if file then
    file:setvbuf("no")
    local before = ends_within_a_line(file) and " torn\n" or ""
    for _place, line in ipairs(unwritten) do
      local done
      done, trouble = file:write(before .. line)
      if not done then break end
      before, written = "", written + 1
    end
    file:close()
  end
  if written == #unwritten then
    unwritten = {}
    say(nil)
    return
  end
  if written > 0 then table.move(unwritten, written + 1, #unwritten + written, 1) end
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
      local its_day, whose, key, user, model, a, b, c, d, e = line:match(LINE)
      if its_day and whose ~= process then count(its_day, key, user, model, counts_of(a, b, c, d, e)) end
    end
  end
  file:close()
  return length
end

-- A file of sums: by name, with what its head says.
local function read_sums(name)
  local text = read_whole(name .. ".sums")
  local sums, head = {}, {}
  for line in (text or ""):gmatch("[^\n]+") do
    local key, user, model, a, b, c, d, e = line:match("^(%S+) (%S+) (%S+) (%d+) (%d+) (%d+) (%d+) (%d+)$")
    if key then
      add_to(sums, key, user, model, counts_of(a, b, c, d, e))
    else
      local word, value = line:match("^# (%S+) (%S+)$")
      if word then head[word] = value end
    end
  end
  return sums, head
end

local function write_sums(name, sums, head)
  local lines = {}
  for word, value in pairs(head) do lines[#lines + 1] = ("# %s %s"):format(word, value) end
  for key, mine in pairs(sums) do
    for names, row in pairs(mine.rows) do
      lines[#lines + 1] = ("%s %s %d %d %d %d %d"):format(key, names, row.requests, row.estimated, row.prompt, row.cached, row.completion)
    end
  end
  return write_whole(name .. ".sums", table.concat(lines, "\n") .. "\n")
end

local function each_row(sums, whose, see)
  for key, mine in pairs(whose and { [whose] = sums[whose] } or sums) do
    for names, row in pairs(mine.rows) do
      local user, model = names:match("^(%S+) (%S+)$")
      see(key, user, model, row)
    end
  end
end

local function add_all(sums, more)
  each_row(more, nil, function(key, user, model, row) add_to(sums, key, user, model, row) end)
end

-- The name by which sums remember which journal they have in them.
local function closing_of(text)
  return text:match("\n# closed (%S+)\n")
end

local function is_stopping() return tonumber(core.get_info()["Stopping"]) ~= 0 end

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

-- What is on the disk, at the start and when a day begins.
local function load()
  local now = os.date("!%Y-%m-%d")
  if now == today then return end
  today, loads, read_to = now, loads + 1, 0
  process = ("%d-%d-%d"):format(tonumber(core.get_info()["Pid"]) or 0, os.time(), loads)
  local head
  month, head = read_sums(today:sub(1, 7))
  day = {}
  local closed = read_whole("journal.closed")
  local summed_up = {}
  for number = 1, tonumber(today:sub(9)) do
    local its_day = ("%s-%02d"):format(today:sub(1, 7), number)
    local head_of_day = head_of(its_day)
    summed_up[its_day] = closed and closing_of(closed) == (head_of_day.closed or "")
    if its_day > (head.through or "") and next(head_of_day) then
      local sums = read_sums(its_day)
      add_all(month, sums)
      if its_day == today then day = sums end
    end
  end
  for line in lines_of(closed or "") do
    local its_day, _whose, key, user, model, a, b, c, d, e = line:match(LINE)
    if its_day and not summed_up[its_day] then count(its_day, key, user, model, counts_of(a, b, c, d, e)) end
  end
  read_on()
  for _place, line in ipairs(unwritten) do
    local its_day, _whose, key, user, model, a, b, c, d, e = line:sub(1, -2):match(LINE)
    count(its_day, key, user, model, counts_of(a, b, c, d, e))
  end
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
  local seen = 0
  for line in lines_of(text) do
    local its_day, _whose, key, user, model, a, b, c, d, e = line:match(LINE)
    if its_day then
      days[its_day] = days[its_day] or {}
      add_to(days[its_day], key, user, model, counts_of(a, b, c, d, e))
    end
    seen = seen + 1
    -- Streams pass in between.
    if seen % 500 == 0 then
      core.msleep(1)
      if is_stopping() then return false end
    end
  end
  for its_day, more in pairs(days) do
    local its_month = its_day:sub(1, 7)
    local is_over = its_day <= (head_of(its_month).through or "") or its_day < os.date("!%Y-%m-%d", os.time() - DAYS_KEPT * 86400)
    for _place, name in ipairs(is_over and { its_day, its_month } or { its_day }) do
      local sums, head = read_sums(name)
      if head.closed ~= closing then
        add_all(sums, more)
        head.closed = closing
        if not write_sums(name, sums, head) then return false end
      end
      core.msleep(1)
      if is_stopping() then return false end
    end
  end
  return os.remove(path("journal.closed"))
end

-- Days that are over become a part of their month.
local function end_days()
  local now = os.time()
  for ago = DAYS_KEPT, 1, -1 do
    local its_day = os.date("!%Y-%m-%d", now - ago * 86400)
    local its_month = its_day:sub(1, 7)
    if its_day > (head_of(its_month).through or "") and next(head_of(its_day)) then
      local sums, head = read_sums(its_month)
      add_all(sums, (read_sums(its_day)))
      head.through = its_day
      if not write_sums(its_month, sums, head) then return end
      core.msleep(1)
      if is_stopping() then return end
    end
  end
  for ago = DAYS_KEPT + 1, 2 * DAYS_KEPT do os.remove(path(os.date("!%Y-%m-%d.sums", now - ago * 86400))) end
end

-- The next line begins a new journal.
local function close_journal()
  read_on()
  if #unwritten > 0 or not os.rename(path("journal"), path("journal.closed")) then return end
  read_to = 0
  -- Who has opened it before writes to it still.
  core.sleep(1)
end

core.register_task(function()
  load()
  local ended
  while true do
    write_down()
    -- After a reload the new process reads what this one appends, and sums up.
    if not is_stopping() then
      load()
      local length = read_on()
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

-- Where a disk cannot be written for long, lines of the same become one.
local most_unwritten = MOST_UNWRITTEN
local function shorten()
  local sums, order = {}, {}
  for _place, line in ipairs(unwritten) do
    local its_day, _whose, key, user, model, a, b, c, d, e = line:sub(1, -2):match(LINE)
    if not sums[its_day] then sums[its_day], order[#order + 1] = {}, its_day end
    add_to(sums[its_day], key, user, model, counts_of(a, b, c, d, e))
  end
  unwritten = {}
  for _place, its_day in ipairs(order) do
    each_row(sums[its_day], nil, function(key, user, model, row)
      unwritten[#unwritten + 1] = ("%s %s %s %s %s %d %d %d %d %d .\n"):format(its_day, process, key, user, model, row.requests, row.estimated, row.prompt, row.cached, row.completion)
    end)
  end
  most_unwritten = math.max(MOST_UNWRITTEN, 2 * #unwritten)
end

function ledger.add(key, user, model, counts)
  load()
  local words = { today, process, escaped(key), escaped(user), escaped(model) }
  count(today, words[3], words[4], words[5], counts)
  for _place, counted in ipairs(COUNTED) do words[#words + 1] = ("%d"):format(counts[counted]) end
  unwritten[#unwritten + 1] = table.concat(words, " ") .. " .\n"
  write_down()
  if #unwritten > most_unwritten then shorten() end
end

function ledger.used(key)
  load()
  local name = escaped(key)
  return { day = day[name] and day[name].total or 0, month = month[name] and month[name].total or 0 }
end

-- The rows of a day or of a month, of one key or of all.
function ledger.rows(period, key)
  load()
  local sums
  if period == today then sums = day
  elseif period == today:sub(1, 7) then sums = month
  else sums = read_sums(period) end
  local rows = {}
  local name = key and escaped(key)
  if not name or sums[name] then
    each_row(sums, name, function(whose, user, model, row) rows[#rows + 1] = { unescaped(whose), unescaped(user), unescaped(model), row } end)
  end
  local place = 0
  return function()
    place = place + 1
    if rows[place] then return table.unpack(rows[place]) end
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
