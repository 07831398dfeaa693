-- Survey: what the ledger says of some counters at one instant.
--
-- KEYS  1 epoch   2 event stream   3 zset of open holds
--       then committed, settled and outflow of each counter
--       then the record of each move
-- ARGV  1 number of counters   2 how many open holds are read at most
--       3 how the keys of their records begin
-- Reply {epoch or '', last entry or '', values, records of moves, number of
--        open holds, id and record of each}
--
-- What an entry up to the last has charged is on the counters, and what a
-- later one will charge is not: that is what makes a correction exact that is
-- worked out from this reply and added later. The records of open holds are
-- named by their set and lie in the same slot; they cannot be declared.

local call = redis.call
local n = 3 * ARGV[1]
local last = call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local values, moves, holds = {}, {}, {}
if n > 0 then values = call('MGET', unpack(KEYS, 4, 3 + n)) end
if #KEYS > 3 + n then moves = call('MGET', unpack(KEYS, 4 + n)) end
local open = call('ZCARD', KEYS[3])
if open <= ARGV[2] + 0 then
  for i, id in ipairs(call('ZRANGE', KEYS[3], 0, -1)) do
    holds[2 * i - 1] = id
    holds[2 * i] = call('GET', ARGV[3] .. id) or ''
  end
end
-- A nil would end a reply: what is not there is ''.
for _, list in ipairs({values, moves}) do
  for i = 1, #list do if not list[i] then list[i] = '' end end
end
return {call('GET', KEYS[1]) or '', last[1] and last[1][1] or '', values, moves, open, holds}
