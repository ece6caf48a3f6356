-- Edits for wrk, none of which was asked before: images in turn, another amount each time.
--
-- wrk -t1 -c8 -d8s -s serving_load.lua URL -- POOL FACTOR SEED THINK_MS PATH STEP_MS
--
-- POOL holds images: each its length in decimal, a newline, its bytes. A connection waits between its requests for a
-- random time, THINK_MS on average; so many connections together are nearly a Poisson process. 0: it does not wait.
-- With STEP_MS, requests are sent one after another at that distance, by whichever connection is free.

local ffi = require("ffi")
ffi.cdef("typedef struct { long s; long ns; } timespec; int clock_gettime(int, timespec *);")
local time = ffi.new("timespec")

local images, factor, path, think, step, due, count = {}, "", "", 0, 0, 0, 0
-- By status; globals, since `done` reads them from outside.
answered, refused, other, wrong = 0, 0, 0, 0

local threads = {}
function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  local file = assert(io.open(args[1], "rb"))
  while true do
    local length = file:read("*n")
    if not length then break end
    file:read(1)
    table.insert(images, file:read(length))
  end
  file:close()
  factor, think, path = args[2], tonumber(args[4]), args[5]
  count, step = tonumber(args[3]), tonumber(args[6])
  math.randomseed(count)
  wrk.headers["Content-Type"] = "multipart/form-data; boundary=X"
end

function request()
  count = count + 1
  local body = table.concat({
    '--X\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n', images[count % #images + 1],
    -- Behind its end, where no decoder looks: or its encoding would be known from the last time.
    tostring(count),
    '\r\n--X\r\nContent-Disposition: form-data; name="edits"\r\n\r\n',
    string.format('[{"factor": "%s", "by": %.7f}]', factor, 0.1 + 1e-7 * count), "\r\n--X--\r\n",
  })
  return wrk.format("POST", path, nil, body)
end

function now_ms()
  ffi.C.clock_gettime(1, time) -- monotonic
  return tonumber(time.s) * 1e3 + tonumber(time.ns) / 1e6
end

function delay()
  if step > 0 then
    local now = now_ms()
    due = math.max(due + step, now)
    return math.floor(due - now + 0.5)
  end
  if think == 0 then return 0 end
  return math.floor(-think * math.log(1 - math.random()) + 0.5)
end

function response(status, headers, body)
  if status == 200 then
    answered = answered + 1
    if string.sub(body, 1, 4) ~= "\137PNG" then wrong = wrong + 1 end
  elseif status == 503 then
    refused = refused + 1
  else
    other = other + 1
  end
end

function done(summary, latency, requests)
  local sum = { answered = 0, refused = 0, other = 0, wrong = 0 }
  for _, thread in ipairs(threads) do
    for name in pairs(sum) do sum[name] = sum[name] + thread:get(name) end
  end
  local broken = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format(
    'JSON {"seconds": %.3f, "answered": %d, "refused": %d, "other": %d, "wrong": %d, "broken": %d, '
      .. '"p50": %.3f, "p99": %.3f, "longest": %.3f}\n',
    summary.duration / 1e6, sum.answered, sum.refused, sum.other, sum.wrong, broken,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
