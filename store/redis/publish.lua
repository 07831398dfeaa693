-- Publish: replace one record of the directory, unless a newer one is there.
--
-- KEYS  1 the record
-- ARGV  1 its version
--       2 the record, '' to withdraw it
--       3 how long it stays, ms, '0' for ever
-- Reply {1, version} when it stands, {0, version there} when a newer one does
--
-- Invariant: the version of a record never falls. A record that is withdrawn
-- stands for a while under the next version, so that a late publication
-- cannot bring it back.

local old = redis.call('GET', KEYS[1])
local version = 0
if old then
  local read, was = pcall(cjson.decode, old)
  version = read and type(was) == 'table' and tonumber(was.version) or 0
end
local new, stand = ARGV[2], ARGV[1]
if new == '' then
  stand = string.format('%d', version + 1)
  new = '{"version":' .. stand .. ',"key_status":"revoked"}'
elseif ARGV[1] + 0 < version then
  return {0, string.format('%d', version)}
end
if ARGV[3] == '0' then
  redis.call('SET', KEYS[1], new)
else
  redis.call('SET', KEYS[1], new, 'PX', ARGV[3])
end
return {1, stand}
