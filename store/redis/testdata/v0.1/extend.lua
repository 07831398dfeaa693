-- Extend: a hold that is still open becomes due later, never sooner.
--
-- KEYS  1 zset of open holds
-- ARGV  1 hold  2 ttl, ms, from the server's now
-- Reply 1 when the hold is open, 0 when it is gone
--
-- Invariant: a hold that has ended never comes back into the zset.

if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
local time = redis.call('TIME')
local due = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]
redis.call('ZADD', KEYS[1], 'XX', 'GT', string.format('%d', due), ARGV[1])
return 1
