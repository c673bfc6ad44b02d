"""The functions that run inside the store: each is one atomic step, and each may be sent again after a lost reply.

A library is named with its version (`farebox_1`); a change of arguments is a new number: engines of two releases can
work on one store. The first write of `commit` is the one that can fail (XADD, on a stream that is ahead of its
tail); after it nothing can, so a commit is whole or not there. Keys beyond the declared ones share their hash tag.
"""

from typing import Final

from balances.exchange_request import COMMIT_FUNCTION, FUNCTION_LIBRARY

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

# Lua's unpack takes at most 8,000 values: MSET has at most 2 * (BATCH_REQUESTS_MAX + 1), the other lists are cut.
FUNCTION_SOURCE: Final = f"""#!lua name={FUNCTION_LIBRARY}

local SLICE = 4000

local function epoch_of(text)
  return tonumber(string.match(text or '', '^(%d+)') or '0')
end

local function number_of(id)
  return tonumber(string.match(id or '', '%-(%d+)$') or '0')
end

local function call_sliced(command, key, args, first, count)
  for from = first, first + count - 1, SLICE do
    local last = math.min(from + SLICE, first + count) - 1
    if key then
      redis.pcall(command, key, unpack(args, from, last))
    else
      redis.pcall(command, unpack(args, from, last))
    end
  end
end

-- keys: owner tail journal commands:position commands
-- args: token previous_id id entry position, counts of MSET arguments, SETs, removals, due groups; then those
local function commit(keys, args)
  local state = redis.call('MGET', keys[1], keys[2])
  local owner, tail = state[1], state[2] or '0-0'
  if tail == args[3] then
    return 'COMMITTED'
  end
  if owner ~= args[1] then
    if not owner or epoch_of(owner) < epoch_of(args[1]) then
      return 'DIVERGED ' .. tail
    end
    return 'LOST ' .. owner
  end
  if tail ~= args[2] then
    return 'DIVERGED ' .. tail
  end
  local added = redis.pcall('XADD', keys[3], args[3], 'b', args[4])
  if type(added) == 'table' and added.err then
    if string.find(added.err, 'equal or smaller', 1, true) then
      return 'DIVERGED ' .. tail
    end
    return added
  end
  local at = 10
  local sets = tonumber(args[6])
  redis.call('MSET', unpack(args, at, at + sets - 1))
  at = at + sets
  for _ = 1, tonumber(args[7]) do
    redis.call('SET', args[at], args[at + 1], 'EX', args[at + 2])
    at = at + 3
  end
  local removals = tonumber(args[8])
  call_sliced('UNLINK', nil, args, at, removals)
  at = at + removals
  for _ = 1, tonumber(args[9]) do
    local members = tonumber(args[at + 2])
    call_sliced('SADD', args[at], args, at + 3, members)
    redis.pcall('EXPIREAT', args[at], args[at + 1])
    at = at + 3 + members
  end
  if args[5] ~= '' then
    redis.call('SET', keys[4], args[5])
    redis.pcall('XTRIM', keys[5], 'MINID', '~', args[5])
  end
  return 'COMMITTED'
end

-- keys: owner tail commands:position archived; args: node, 16 hex digits, wall ms, last epoch
-- The same node and digits again get the same token again.
local function claim(keys, args)
  local state = redis.call('MGET', keys[1], keys[2], keys[3], keys[4])
  local owner, tail = state[1] or '', state[2] or '0-0'
  local mine = ':' .. args[1] .. ':' .. args[2]
  local token = owner
  if string.sub(owner, -#mine) ~= mine then
    local epoch = math.max(epoch_of(owner) + 1, epoch_of(tail) + 1, epoch_of(state[4]) + 1,
      tonumber(args[4]) + 1, tonumber(args[3]))
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

-- keys: identities; args: a value each. Removes claims that are still the caller's.
local function release(keys, args)
  for at, key in ipairs(keys) do
    if redis.call('GET', key) == args[at] then
      redis.call('UNLINK', key)
    end
  end
  return #keys
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

redis.register_function('{COMMIT_FUNCTION}', commit)
redis.register_function('{CLAIM_FUNCTION}', claim)
redis.register_function('{CREATE_FUNCTION}', create)
redis.register_function('{APPEND_FUNCTION}', append)
redis.register_function('{CLAIM_IDENTITIES_FUNCTION}', claim_identities)
redis.register_function('{RELEASE_FUNCTION}', release)
redis.register_function('{CLAIM_ARCHIVER_FUNCTION}', claim_archiver)
redis.register_function('{ARCHIVED_FUNCTION}', archived)
redis.register_function('{TRIM_FUNCTION}', trim)
redis.register_function('{ADD_TENANT_FUNCTION}', add_tenant)
redis.register_function{{function_name='{DUE_FUNCTION}', callback=due, flags={{'no-writes'}}}}
"""
