"""The functions that run inside the store: each is one atomic step, and each may be sent again after a lost reply.

A library is named with its version (`farebox_2`); a change of arguments is a new number: engines of two releases can
work on one store. Keys beyond the declared ones share their hash tag. Commits are none of these functions, but transactions
(balances/exchange_request.py).
"""

from typing import Final

from vocabulary.limits import FREED_IDENTITIES_KEPT

FUNCTION_LIBRARY: Final = "farebox_2"
"""Library of the store's functions; the number changes with their arguments: two releases can run side by side."""
CLAIM_FUNCTION: Final = f"{FUNCTION_LIBRARY}_claim"
CREATE_FUNCTION: Final = f"{FUNCTION_LIBRARY}_create"
APPEND_FUNCTION: Final = f"{FUNCTION_LIBRARY}_append"
CLAIM_IDENTITIES_FUNCTION: Final = f"{FUNCTION_LIBRARY}_claim_identities"
RELEASE_FUNCTION: Final = f"{FUNCTION_LIBRARY}_release"
CLAIM_ARCHIVER_FUNCTION: Final = f"{FUNCTION_LIBRARY}_claim_archiver"
ARCHIVED_FUNCTION: Final = f"{FUNCTION_LIBRARY}_archived"
TRIM_FUNCTION: Final = f"{FUNCTION_LIBRARY}_trim"
ADD_TENANT_FUNCTION: Final = f"{FUNCTION_LIBRARY}_add_tenant"
DUE_FUNCTION: Final = f"{FUNCTION_LIBRARY}_due"
SWAP_FUNCTION: Final = f"{FUNCTION_LIBRARY}_swap"
WRITE_NOTICES_FUNCTION: Final = f"{FUNCTION_LIBRARY}_write_notices"

FUNCTION_SOURCE: Final = f"""#!lua name={FUNCTION_LIBRARY}

local function epoch_of(text)
  return tonumber(string.match(text or '', '^(%d+)') or '0')
end

local function number_of(id)
  return tonumber(string.match(id or '', '%-(%d+)$') or '0')
end

-- The highest id that a stream ever had, though it was trimmed; nothing where there is no stream.
local function last_id(stream)
  local info = redis.pcall('XINFO', 'STREAM', stream)
  for at = 1, #info, 2 do
    if info[at] == 'last-generated-id' then
      return info[at + 1]
    end
  end
end

-- keys: owner tail commands:position archived journal; args: node, 16 hex digits, wall ms, last epoch
-- The same node and digits again get the same token again. The epoch is above every id of the journal: an entry of the
-- owner's can't be refused as older than one that is there, so its transaction is written whole or not at all.
local function claim(keys, args)
  local state = redis.call('MGET', keys[1], keys[2], keys[3], keys[4])
  local owner, tail = state[1] or '', state[2] or '0-0'
  local mine = ':' .. args[1] .. ':' .. args[2]
  local token = owner
  if string.sub(owner, -#mine) ~= mine then
    local epoch = math.max(epoch_of(owner) + 1, epoch_of(tail) + 1, epoch_of(state[4]) + 1,
      epoch_of(last_id(keys[5])) + 1, tonumber(args[4]) + 1, tonumber(args[3]))
    token = string.format('%.0f', epoch) .. mine
    redis.call('SET', keys[1], token)
  end
  return {{token, tail, state[3] or '0-0'}}
end

-- keys: meta; args: field value ... of a new store. Returns the fields that are there afterwards.
local function create(keys, args)
  if redis.call('EXISTS', keys[1]) == 0 then
    redis.call('HSET', keys[1], unpack(args))
  end
  return redis.call('HGETALL', keys[1])
end

-- keys: commands; args: values. One stream entry each, ids by the server; returns how many.
local function append(keys, args)
  for _, value in ipairs(args) do
    redis.call('XADD', keys[1], '*', 'b', value)
  end
  return #args
end

-- keys: identities; args: a value each. Claims those that are free; what others and the caller have is returned.
local function claim_identities(keys, args)
  local found = {{}}
  for at, key in ipairs(keys) do
    found[at] = redis.call('SET', key, args[at], 'NX', 'GET') or ''
  end
  return found
end

-- keys: freed, identities; args: a value each. Removes claims that are still the caller's, and tells who remembers them.
local function release(keys, args)
  for at, value in ipairs(args) do
    local key = keys[at + 1]
    if redis.call('GET', key) == value then
      redis.call('UNLINK', key)
      redis.call('XADD', keys[1], 'MAXLEN', '~', {FREED_IDENTITIES_KEPT}, '*', 'k', key)
    end
  end
  return #args
end

-- keys: archiver archived; args: node, 16 hex digits
local function claim_archiver(keys, args)
  local stored = redis.call('GET', keys[1]) or ''
  local mine = ':' .. args[1] .. ':' .. args[2]
  if string.sub(stored, -#mine) ~= mine then
    stored = string.format('%.0f', epoch_of(stored) + 1) .. mine
    redis.call('SET', keys[1], stored)
  end
  return {{stored, redis.call('GET', keys[2]) or '0-0'}}
end

local function is_behind(id, other)
  local epoch, other_epoch = epoch_of(id), epoch_of(other)
  if epoch ~= other_epoch then
    return epoch < other_epoch
  end
  return number_of(id) < number_of(other)
end

-- keys: archiver archived; args: token id. Entries up to the id lie in durable segment files.
local function archived(keys, args)
  local stored = redis.call('GET', keys[1]) or ''
  if stored ~= args[1] then
    return 'LOST ' .. stored
  end
  if is_behind(redis.call('GET', keys[2]) or '0-0', args[2]) then
    redis.call('SET', keys[2], args[2])
  end
  return 'DONE'
end

-- keys: archiver archived journal; args: token, id of the last entry that may go, id after it
local function trim(keys, args)
  local stored = redis.call('GET', keys[1]) or ''
  if stored ~= args[1] then
    return 'LOST ' .. stored
  end
  if is_behind(redis.call('GET', keys[2]) or '0-0', args[2]) then
    return 'AHEAD'
  end
  redis.call('XTRIM', keys[3], 'MINID', '=', args[3])
  return 'DONE'
end

-- keys: tenants; args: name, most that there may be. The tenant's number, 0 where there is none left.
local function add_tenant(keys, args)
  local stored = redis.call('HGET', keys[1], args[1])
  if stored then
    return tonumber(stored)
  end
  local number = redis.call('HLEN', keys[1]) + 1
  if number > tonumber(args[2]) then
    return 0
  end
  redis.call('HSET', keys[1], args[1], number)
  return number
end

-- keys: prefix of the due keys; args: first and last bucket. The buckets that are there: no scan of the keyspace.
local function due(keys, args)
  local found = {{}}
  for bucket = tonumber(args[1]), tonumber(args[2]) do
    if redis.call('EXISTS', keys[1] .. string.format('%d', bucket)) == 1 then
      found[#found + 1] = bucket
    end
  end
  return found
end

-- keys: a value; args: what it is ('' where it isn't there), what it is to be. 1 where it is that now.
local function swap(keys, args)
  local stored = redis.call('GET', keys[1]) or ''
  if stored == args[1] then
    redis.call('SET', keys[1], args[2])
    return 1
  end
  return stored == args[2] and 1 or 0
end

-- keys: notifier, then hashes; args: epoch, then for each field the number of its key, its name and its value, '' to remove it
local function write_notices(keys, args)
  local stored, mine = tonumber(redis.call('GET', keys[1]) or '0'), tonumber(args[1])
  if stored > mine then
    return 'LOST'
  end
  if stored < mine then
    redis.call('SET', keys[1], args[1])
  end
  for at = 2, #args, 3 do
    local key, field, value = keys[tonumber(args[at])], args[at + 1], args[at + 2]
    if value == '' then
      redis.call('HDEL', key, field)
    else
      redis.call('HSET', key, field, value)
    end
  end
  return 'DONE'
end

redis.register_function('{CLAIM_FUNCTION}', claim)
redis.register_function('{CREATE_FUNCTION}', create)
redis.register_function('{APPEND_FUNCTION}', append)
redis.register_function('{CLAIM_IDENTITIES_FUNCTION}', claim_identities)
redis.register_function('{RELEASE_FUNCTION}', release)
redis.register_function('{CLAIM_ARCHIVER_FUNCTION}', claim_archiver)
redis.register_function('{ARCHIVED_FUNCTION}', archived)
redis.register_function('{TRIM_FUNCTION}', trim)
redis.register_function('{ADD_TENANT_FUNCTION}', add_tenant)
redis.register_function('{SWAP_FUNCTION}', swap)
redis.register_function('{WRITE_NOTICES_FUNCTION}', write_notices)
redis.register_function{{function_name='{DUE_FUNCTION}', callback=due, flags={{'no-writes'}}}}
"""
