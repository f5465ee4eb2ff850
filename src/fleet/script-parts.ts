import { createHash } from 'node:crypto';
import type { RedisScript } from './redis-link.js';

/** A script, and what a server calls it by, once it has seen it. */
export function scriptOf(text: string): RedisScript {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/**
 * The beginning of a script that keeps its state in the hash of KEYS[1]: `state`, as HGETALL tells it, and `figures`,
 * which reads a row of them. All that is under the prefix of a fleet is the fleet's: what it cannot have written is
 * replaced, or it would go without Redis as long as it stands there, and `replaced` is 1 then.
 */
export const READ_HASH: string = `
local replaced = 0
local state = redis.pcall('HGETALL', KEYS[1])
if state.err then
  if string.find(state.err, 'WRONGTYPE', 1, true) then
    redis.call('DEL', KEYS[1])
    state, replaced = {}, 1
  else
    -- Fails again, and says where.
    state = redis.call('HGETALL', KEYS[1])
  end
end
local function figure(text)
  local number = tonumber(text)
  if number and number == number and math.abs(number) < 1e18 then return number end
  replaced = 1
end
local function figures(text, least)
  local row = {}
  for word in string.gmatch(text, '%S+') do
    local number = figure(word)
    if not number then return nil end
    row[#row + 1] = number
  end
  if #row >= least then return row end
  replaced = 1
end
`;
