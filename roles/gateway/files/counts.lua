-- SPDX-FileCopyrightText: hearth.llm contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Counts what each key asks of each model, for Prometheus. HAProxy's own exporter knows models, and not keys.

local BUCKETS = { 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120 }
-- Seconds in the queue and until the first byte, by labels; and counts of answers and refusals.
local times = { queue = {}, first_byte = {} }
local answers, refusals = {}, {}
-- What other files here count: functions, each of which is given one that writes series.
hearth_metrics = {}

-- What a backend serves, by the name that people know.
local served = Map.new("served.map", Map._str)

-- How the series of a key and a model are labelled. There are as many as there are pairs.
local known_labels = {}

local function labels_of(key, backend)
  local of_key = known_labels[key] or {}
  known_labels[key] = of_key
  of_key[backend] = of_key[backend] or ('key="%s",model="%s"'):format(key, served:lookup(backend) or backend)
  return of_key[backend]
end

local function labels(txn)
  return labels_of(txn:get_var("txn.key"), txn:get_var("txn.backend"))
end

local function count(counts, label)
  counts[label] = (counts[label] or 0) + 1
end

local function observe(histograms, label, seconds)
  local histogram = histograms[label]
  if not histogram then
    histogram = { sum = 0, count = 0 }
    for place = 1, #BUCKETS do histogram[place] = 0 end
    histograms[label] = histogram
  end
  histogram.sum, histogram.count = histogram.sum + seconds, histogram.count + 1
  for place, bound in ipairs(BUCKETS) do
    if seconds <= bound then histogram[place] = histogram[place] + 1 end
  end
end

local function seconds(txn, variable)
  return math.max(0, tonumber(txn:get_var(variable)) or 0) / 1000
end

hearth_counts = {}

-- Of a request for a model whose engine has begun to answer. Others have waited for none.
function hearth_counts.answer(txn)
  if not txn:get_var("txn.ms_engine") or not txn:get_var("txn.key") then return end
  local label, queued = labels(txn), seconds(txn, "txn.ms_queued")
  count(answers, ('%s,status="%d"'):format(label, txn.f:status()))
  observe(times.queue, label, queued)
  observe(times.first_byte, label, queued + seconds(txn, "txn.ms_connect") + seconds(txn, "txn.ms_engine"))
end

core.register_action("count_answer", { "http-res" }, hearth_counts.answer)

core.register_action("count_refusal", { "http-req" }, function(txn, reason)
  count(refusals, ('%s,reason="%s"'):format(labels(txn), reason))
end, 1)

-- For whom is told that he waited in vain, or may not wait: how many were before him, and what that means. The number of slots comes from the configuration.
core.register_action("foresee", { "http-req" }, function(txn, slots)
  local stats = core.backends[txn.f:be_name()]:get_stats()
  local waiting, answer = tonumber(stats.qcur) or 0, math.max(0, (tonumber(stats.ttime) or 0) - (tonumber(stats.qtime) or 0)) / 1000
  txn:set_var("txn.forecast", (" %d requests were before it, for %d slots, and an answer takes %.1f s on average: its turn is to be expected after %d s."):format(
    waiting, slots, answer, math.ceil(waiting * answer / slots)))
end, 1)

local function write_counts(out, name, help, counts, kind)
  out[#out + 1] = ("# HELP %s %s\n# TYPE %s %s\n"):format(name, help, name, kind or "counter")
  for label, value in pairs(counts) do out[#out + 1] = ("%s{%s} %d\n"):format(name, label, value) end
end

local function write_histograms(out, name, help, histograms)
  out[#out + 1] = ("# HELP %s %s\n# TYPE %s histogram\n"):format(name, help, name)
  for label, histogram in pairs(histograms) do
    for place, bound in ipairs(BUCKETS) do
      out[#out + 1] = ('%s_bucket{%s,le="%s"} %d\n'):format(name, label, bound, histogram[place])
    end
    out[#out + 1] = ('%s_bucket{%s,le="+Inf"} %d\n'):format(name, label, histogram.count)
    out[#out + 1] = ("%s_sum{%s} %.3f\n%s_count{%s} %d\n"):format(name, label, histogram.sum, name, label, histogram.count)
  end
end

-- What HAProxy counts itself, of what is under way, too: its table of KEY/MODEL.
local function tracked(field)
  local counts = {}
  for entry, values in pairs(core.backends["tally:models"].stktable:dump()) do
    counts[labels_of(entry:match("^(.-)/(.*)$"))] = values[field]
  end
  return counts
end

-- When the certificate ends, from ASN.1's YYMMDDhhmmssZ. Unknown until somebody has asked over TLS, which each run does at its end.
local function certificate_end(applet)
  local year, month, day, hour, minute, second = (applet:get_var("proc.certificate_end") or ""):match("^(%d%d)(%d%d)(%d%d)(%d%d)(%d%d)(%d%d)")
  if not year then return {} end
  -- os.time takes what it is given for local time.
  local there = { year = 2000 + year, month = month, day = day, hour = hour, min = minute, sec = second, isdst = false }
  local here = os.time(there)
  local utc = os.date("!*t", here)
  utc.isdst = false
  return { [""] = here + os.difftime(here, os.time(utc)) }
end

core.register_service("counts", "http", function(applet)
  local out = {}
  write_counts(out, "hearth_requests_total", "Requests for a model that the key may use.", tracked("http_req_cnt"))
  write_counts(out, "hearth_requests_open", "Requests that wait or are being answered.", tracked("conn_cur"), "gauge")
  write_counts(out, "hearth_request_bytes_total", "Bytes that clients have sent.", tracked("bytes_in_cnt"))
  write_counts(out, "hearth_answer_bytes_total", "Bytes that clients have got.", tracked("bytes_out_cnt"))
  write_counts(out, "hearth_answers_total", "Answers of the engines.", answers)
  write_counts(out, "hearth_refusals_total", "Requests that a limit has refused.", refusals)
  write_histograms(out, "hearth_queue_seconds", "Time in the queue of a model.", times.queue)
  write_histograms(out, "hearth_first_byte_seconds", "Time until the engine began to answer, with that in the queue.", times.first_byte)
  write_counts(out, "hearth_certificate_end_seconds", "When the certificate ends, seconds since 1970.", certificate_end(applet), "gauge")
  for _, write in ipairs(hearth_metrics) do
    write(function(name, help, counts, kind) write_counts(out, name, help, counts, kind) end)
  end
  hearth.answer(applet, 200, "text/plain; version=0.0.4", table.concat(out))
end)
