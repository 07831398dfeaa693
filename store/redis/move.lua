-- Move: the one step by which a hold ends: settle, void, expire, adjust. A
-- compare-and-swap: what to write was computed for a record that begins with
-- an expected head, and is written only if it still does.
--
-- KEYS  1 zset of open holds   2 record   3 event stream   4 epoch
--       then committed and settled of each counter that changes
--       then the arrival time of each bucket that is corrected
-- ARGV  1 hold
--       2 the head expected of the record, '' for no record
--       3 the new record, '' to leave it     4 how long it stays, ms
--       5 event, '' for none
--       6 '' | 'due': only if the hold is due
--            | a time in ms: only before it, since later a missing record may
--              be one that has lapsed
--       7 with such a time: when the charge came about, microseconds. It is
--         refused when the ledger may have forgotten that it knew of it:
--         while it is being built, and for what is not clearly later. So is
--         what would be charged above an expiry or a void
--       8 number of counters
--       then per counter: delta of committed, delta of settled, purge time in ms
--       then per bucket: correction, microseconds
-- Reply {'done'} | {'lost', record or nil} | {'extended'} | {'late'}
--
-- Invariant: committed = settled + what open holds have taken, of every
-- counter. The state letters: R held, S settled, V void, X expired and charged;
-- R -> S V X, none -> S V, V X -> S. What is refused as late leaves S too, marked
-- as forwarded to the permanent record: a reservation that was delayed until
-- then would be held by nobody, and charged by its expiry. The event is written first, so that
-- running out of memory leaves nothing half done.

local call, format = redis.call, string.format

local record = call('GET', KEYS[2])
local head = ARGV[2]
if head == '' then
  if record then return {'lost', record} end
elseif not record or string.sub(record, 1, #head) ~= head then
  return {'lost', record}
end

local time = call('TIME')
local now = time[1] * 1000000 + time[2]
if ARGV[6] == 'due' then
  local due = call('ZSCORE', KEYS[1], ARGV[1])
  if due and due * 1000 > now then return {'extended'} end
elseif ARGV[6] ~= '' then
  local built = string.match(call('GET', KEYS[4]) or '', '^L%d+|%d+|(%d+)|')
  if not built or now >= ARGV[6] * 1000 or (built ~= '0' and ARGV[7] + 0 < built + 300000000) then
    call('SET', KEYS[2], ARGV[3] .. 'forwarded', 'PX', ARGV[4])
    return {'late'}
  end
end

if ARGV[5] ~= '' then
  call('XADD', KEYS[3], '*', 'e', ARGV[5])
end

local n = ARGV[8] + 0
for i = 0, n - 1 do
  local purge = ARGV[11 + 3 * i]
  for j = 0, 1 do
    local delta = ARGV[9 + 3 * i + j]
    -- A sum that equals what was added means that the key is new.
    if delta ~= '0' and call('INCRBY', KEYS[5 + 2 * i + j], delta) == delta + 0 then
      call('PEXPIREAT', KEYS[5 + 2 * i + j], purge)
    end
  end
end

for j = 1, #KEYS - 4 - 2 * n do
  local key = KEYS[4 + 2 * n + j]
  local old = call('GET', key)
  local delta = ARGV[8 + 3 * n + j] + 0
  if old then
    -- What is given back never moves the arrival time into the past: a bucket
    -- cannot be emptier than empty.
    local ahead = old - now
    if delta < 0 and ahead < 0 then delta = 0 end
    if delta < 0 and ahead < -delta then delta = -ahead end
    if delta ~= 0 then
      local new = call('INCRBY', key, format('%d', delta))
      local hour = math.floor(new / 3600000000)
      if math.floor(old / 3600000000) ~= hour then
        call('PEXPIREAT', key, format('%d', (math.max(hour, math.floor(now / 3600000000)) + 2) * 3600000))
      end
    end
  end
end

if ARGV[3] ~= '' then
  call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
end
call('ZREM', KEYS[1], ARGV[1])
return {'done'}
