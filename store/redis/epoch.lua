-- Epoch: which building of the ledger stands, on which server it was built,
-- and which server this is.
--
-- KEYS  1 epoch
-- ARGV  1 '' | what to write when there is none: the mark of a building that begins
-- Reply {epoch or '', lineage of the server or '', seconds, microseconds}
--
-- An epoch reads L<number>|<serial>|<built, us>|<lineage>, and while it is
-- being built B<number>|<serial>|0|<token>. The serial grows with every
-- correction of counters.

local epoch = redis.call('GET', KEYS[1])
if not epoch and ARGV[1] ~= '' then
  redis.call('SET', KEYS[1], ARGV[1])
  epoch = ARGV[1]
end
local lineage = ''
for _, section in ipairs({'server', 'replication'}) do
  -- A user who may not ask for it learns of an emptied ledger all the same.
  local info = redis.pcall('INFO', section)
  if type(info) == 'string' then
    for _, name in ipairs({'run_id', 'master_replid'}) do
      local id = string.match(info, '\n' .. name .. ':(%w+)')
      if id then lineage = lineage .. (lineage == '' and '' or '.') .. id end
    end
  end
end
local time = redis.call('TIME')
return {epoch or '', lineage, time[1], time[2]}
