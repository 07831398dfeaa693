-- Reserve: hold an amount between need and want on every counter, or nothing.
--
-- KEYS  1           zset of open holds, by due time in ms
--       2           record of this hold
--       then        committed, one per counter: caps, then the legs' groups
--       then        arrival time, one per bucket, in microseconds
--       then        settled, one per counter: only when asked a second time, to
--                   learn whether a refusal is spent or held; read, not obeyed
-- ARGV  1 want  2 need
--       3 start 4 end of the window, microseconds
--       5 ttl of the hold, ms
--       6 hold
--       7 shape: a byte ('0' + number) each for caps, legs, buckets, the size
--         of each leg; then a digit per counter: the share rule (0 all,
--         1 quarter, 2 half), plus 4 for a cap that only shadows
--       8 purge time per counter, ms, joined by ','
--       9 the record's tail
--       then        a ceiling per counter
--       then        increment and burst per bucket, microseconds
-- Reply {verdict, seconds, microseconds, values read, ...}
--       granted     ..., head of the record, due in ms
--       rate        ..., index of the bucket that waits longest, wait in us
--       replay      the record exists; it is the first of the values
--       denied, stale
--
-- Invariant: all checks come before the first write, and no other write can
-- come between, so a grant is at most the room of every enforced cap, and what
-- a leg takes at most the room of every counter of its group.

local call, format = redis.call, string.format

local values = call('MGET', unpack(KEYS, 2))
local time = call('TIME')
if values[1] then
  return {'replay', time[1], time[2], values}
end
local now = time[1] * 1000000 + time[2]
if now < ARGV[3] + 0 or now >= ARGV[4] + 0 then
  return {'stale', time[1], time[2]}
end

local shape = {string.byte(ARGV[7], 1, -1)}
local caps, legs, buckets = shape[1] - 48, shape[2] - 48, shape[3] - 48
local rule = 3 + legs -- shape[rule + i] is the digit of counter i

-- Room of every counter, then of the caps together and of each leg.
local room = {}
local least = math.huge
for i = 1, caps do
  local r = ARGV[9 + i] - (values[1 + i] or 0)
  if r < 0 then r = 0 end
  room[i] = r
  if r < least and shape[rule + i] < 52 then least = r end
end
local n = caps
local carry, sum = {}, 0
for l = 1, legs do
  local c = math.huge
  for _ = 1, shape[3 + l] - 48 do
    n = n + 1
    local r = ARGV[9 + n] - (values[1 + n] or 0)
    if r < 0 then r = 0 end
    room[n] = r
    if r < c then c = r end
  end
  carry[l] = c
  sum = sum + c
end

-- The grant: all that is wanted; else what the share rules allow; else just
-- the need, out of the whole room.
local want, need = ARGV[1] + 0, ARGV[2] + 0
local grant = want
if want > least or want > sum then
  local share = function(i)
    local r, d = room[i], shape[rule + i] % 4
    if d == 1 then return (r - r % 4) / 4 end
    if d == 2 then return (r - r % 2) / 2 end
    return r
  end
  local part, total, at = {}, 0, caps
  grant = math.huge
  for i = 1, caps do
    if shape[rule + i] < 52 then
      local r = share(i)
      if r < grant then grant = r end
    end
  end
  for l = 1, legs do
    local c = math.huge
    for _ = 1, shape[3 + l] - 48 do
      at = at + 1
      local r = share(at)
      if r < c then c = r end
    end
    part[l] = c
    total = total + c
  end
  if total < grant then grant = total end
  if grant >= need then
    carry = part
  elseif least >= need and sum >= need then
    grant = need
  else
    return {'denied', time[1], time[2], values}
  end
end

-- Buckets: the generic cell rate algorithm.
local arrival = {}
local waiting, wait = 0, 0
local base = 9 + n
for j = 1, buckets do
  local t = (values[1 + n + j] or 0) + 0
  if t < now then t = now end
  t = t + ARGV[base + 2 * j - 1]
  local over = t - now - ARGV[base + 2 * j]
  if over > wait then waiting, wait = j, over end
  arrival[j] = t
end
if waiting > 0 then
  return {'rate', time[1], time[2], values, waiting, format('%d', wait)}
end

-- From here on everything is written.
local purge
local function add(i, amount)
  call('INCRBY', KEYS[2 + i], amount)
  if not values[1 + i] then
    if not purge then
      purge = {}
      for ms in string.gmatch(ARGV[8], '%d+') do purge[#purge + 1] = ms end
    end
    call('PEXPIREAT', KEYS[2 + i], purge[i])
  end
end

-- Formatting costs as much as adding, so what is known as text is not.
local granted = grant == want and ARGV[1] or format('%d', grant)
if grant > 0 then
  for i = 1, caps do add(i, granted) end
end
local rest, at, takes = grant, caps, {}
for l = 1, legs do
  local take = carry[l]
  if take > rest then take = rest end
  rest = rest - take
  local amount = take == grant and granted or take == 0 and '0' or format('%d', take)
  takes[l] = amount
  for _ = 1, shape[3 + l] - 48 do
    at = at + 1
    if take > 0 then add(at, amount) end
  end
end
for j = 1, buckets do
  local key, old = KEYS[2 + n + j], values[1 + n + j]
  call('INCRBY', key, format('%d', arrival[j] - (old or 0)))
  -- Lives for at least an hour after its arrival time; told once an hour.
  local hour = math.floor(arrival[j] / 3600000000)
  if not old or math.floor(old / 3600000000) ~= hour then
    call('PEXPIREAT', key, format('%d', (hour + 2) * 3600000))
  end
end
local due = format('%d', math.floor(now / 1000) + ARGV[5])
local head = 'R1|' .. granted .. '|' .. table.concat(takes, ',') .. '|'
call('SET', KEYS[2], head .. due .. '|' .. ARGV[9])
call('ZADD', KEYS[1], due, ARGV[6])
return {'granted', time[1], time[2], values, head, due}
