-- Outflow: the first step of a transfer takes an amount away from counters
-- that move together; undo gives it back.
--
-- KEYS  1 epoch   2 record of the move
--       then committed, settled and outflow of each source counter
-- ARGV  1 'take' | 'undo'
--       2 amount   3 '1' to take what is there, at most the amount
--       4 end of the first of the windows to end, microseconds   5 purge time, ms
--       then per counter: ceiling, purge time in ms
-- Reply {state, taken, available, now in microseconds}
--       state: T taken, F refused, U undone, L refused for now: the ledger is
--       empty or being built
--
-- Invariant: a move is decided once. The record says how, so a replay answers
-- the same, an undo returns exactly what was taken, and a take that arrives
-- after its undo takes nothing. Committed, settled and outflow of a counter
-- change by the same amount.

local record = redis.call('GET', KEYS[2])
local state, taken, available, at
if record then
  state, taken, available, at = string.match(record, '^(%a)1|(%d+)|(%d+)|(%d+)$')
  if not state then return redis.error_reply('ERR not the record of a move: ' .. KEYS[2]) end
end
local n = (#KEYS - 2) / 3

local function move(amount)
  for i = 1, n do
    for j = -1, 1 do
      local key = KEYS[1 + 3 * i + j]
      if redis.call('INCRBY', key, amount) == amount + 0 then
        redis.call('PEXPIREAT', key, ARGV[5 + 2 * i])
      end
    end
  end
end

local function keep(s, t, a, now)
  redis.call('SET', KEYS[2], s .. '1|' .. t .. '|' .. a .. '|' .. now, 'PXAT', ARGV[5])
  return {s, t, a, now}
end

if ARGV[1] == 'undo' then
  if state == 'U' then return {state, taken, available, at} end
  if state == 'T' and taken ~= '0' then move('-' .. taken) end
  return keep('U', taken or '0', available or '0', at or '0')
end

if state then return {state, taken, available, at} end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local micros = string.format('%d', now)
if string.byte(redis.call('GET', KEYS[1]) or '') ~= 76 then return {'L', '0', '0', micros} end
if now >= ARGV[4] + 0 then return {'F', '0', '0', micros} end
local least = 9000000000000000 -- the largest amount that can move
for i = 1, n do
  local r = ARGV[4 + 2 * i] - (redis.call('GET', KEYS[3 * i]) or 0)
  if r < 0 then r = 0 end
  if r < least then least = r end
end
available = string.format('%d', least)
if ARGV[2] + 0 <= least then
  move(ARGV[2])
  return keep('T', ARGV[2], available, micros)
end
if ARGV[3] ~= '1' then return keep('F', '0', available, micros) end
if least > 0 then move(available) end
return keep('T', available, available, micros)
