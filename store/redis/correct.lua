-- Correct: add to counters what a survey has found missing, once.
--
-- KEYS  1 epoch
--       then committed, settled and outflow of each counter
-- ARGV  1 the epoch as the survey has seen it   2 the epoch as it becomes
--       then per counter: what is added to committed, settled and outflow,
--       and its purge time in ms
-- Reply {'done'} | {'changed'}
--
-- Invariant: a correction is applied to the epoch that it was worked out for
-- and changes it, so that no two are worked out from the same state and both
-- applied. Whatever else has changed the counters since has added to them, so
-- that the correction is as right as it was then.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'changed'} end
for i = 0, (#KEYS - 1) / 3 - 1 do
  for j = 0, 2 do
    local key, delta = KEYS[2 + 3 * i + j], ARGV[3 + 4 * i + j]
    if delta ~= '0' and redis.call('INCRBY', key, delta) == delta + 0 then
      redis.call('PEXPIREAT', key, ARGV[6 + 4 * i])
    end
  end
end
redis.call('SET', KEYS[1], ARGV[2])
return {'done'}
