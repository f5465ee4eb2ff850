import { createHash } from 'node:crypto';

/** An instance that was not heard of for so long has lost its places, in ms: at most this until a killed one's return. */
export const LANE_LEASE_MS = 3_000;
/** How often an idle instance is heard of, in ms, a quarter more or less. */
export const LANE_HEARTBEAT_MS = 350;
/** Past it an instance is silent: it may hold its part of the places, whatever it said last. */
const SILENT_MS = 700;
/** Past it, what an instance said before may have come only now: a slow Redis is told more often. */
const UNSAID_MS = 1_500;
/**
 * How long a ledger that was lost, or that nobody could reach, hears everybody first. Longer than the longest time
 * between two heartbeats.
 */
const CLOSED_MS = 600;

/**
 * The ledger of a lane: one script, one key, the server's own time.
 *
 * The hash holds for each instance `i:<id>` = `held want since seen max sequence away`, and `closed`, until when nothing
 * is granted. Each report says all that an instance holds, so a report that comes twice, late or never does no harm, and a
 * ledger that was lost is whole again when everybody has reported. Those who wait longest come first, each up to an
 * even part of the places; beyond that, first come first served.
 *
 * KEYS[1]: the lane. ARGV: id, max, sequence, held, want, known (0 or 1), away (0 or 1), how long before the last report
 * was sent in ms. Returns granted, the max in force, places of others, requests that wait at others, instances, rank among
 * them, closed (0 or 1).
 */
export const LANE_SCRIPT: string = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local field = 'i:' .. ARGV[1]
local max, sequence, held, want = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local known, away, since = ARGV[6] == '1', ARGV[7] == '1', tonumber(ARGV[8])

local mine
local closed, count, rank = 0, 1, 0
local rivals = {}
local limit = max
local state = redis.call('HGETALL', KEYS[1])
for index = 1, #state, 2 do
  local name, value = state[index], state[index + 1]
  if name == 'closed' then
    closed = tonumber(value)
    if closed > now + ${CLOSED_MS} then
      -- The clock was set back since.
      closed = 0
      redis.call('HDEL', KEYS[1], name)
    end
  else
    local part = {}
    for word in string.gmatch(value, '%S+') do part[#part + 1] = tonumber(word) end
    local one = { name = name, held = part[1], want = part[2], since = part[3], seen = part[4], sequence = part[6], away = part[7] or 0 }
    if one.seen > now then
      -- Likewise: who is there will be heard again, and who is not must not stay for so long.
      one.seen = now
      redis.call('HSET', KEYS[1], name, string.format('%d %d %d %d %d %d %d', one.held, one.want, now, now, part[5], one.sequence, one.away))
    end
    if name == field then
      mine = one
    elseif one.seen + ${LANE_LEASE_MS} <= now then
      redis.call('HDEL', KEYS[1], name)
    else
      rivals[#rivals + 1] = one
      count = count + 1
      if name < field then rank = rank + 1 end
      limit = math.min(limit, part[5])
    end
  end
end

-- The part of an instance that goes without the ledger: by its rank among all.
local function part_of(name)
  local before = field < name and 1 or 0
  for _, one in ipairs(rivals) do
    if one.name < name then before = before + 1 end
  end
  return math.floor(limit / count) + (before < limit % count and 1 or 0)
end

local others, waiting = 0, 0
local claimants = held + want > 0 and 1 or 0
for _, one in ipairs(rivals) do
  if now - one.seen > ${SILENT_MS} then
    -- Among how many it thinks that it is nobody knows.
    one.held, one.want = math.max(one.held, math.ceil(limit / count)), 0
  elseif one.away == 1 then
    one.held, one.want = math.max(one.held, part_of(one.name)), 0
  end
  others, waiting = others + one.held, waiting + one.want
  if one.held + one.want > 0 then claimants = claimants + 1 end
end
if mine and mine.sequence >= sequence then return { 0, limit, others, waiting, count, rank, 0 } end

-- It was here, and is not: what the others hold may be missing as well. It lived on its part, unheard: so may others,
-- and what they said last may have come late.
local unheard = mine and (now - mine.seen > ${SILENT_MS} or since > ${UNSAID_MS})
local doubtful = (known or away) and not mine or away and count > 1 and unheard
if doubtful and now > closed + ${LANE_LEASE_MS} then
  closed = now + ${CLOSED_MS}
  redis.call('HSET', KEYS[1], 'closed', string.format('%d', closed))
end
local since = mine and mine.want > 0 and mine.since or now
local even = math.ceil(limit / math.max(1, claimants))
local reserved = 0
for _, one in ipairs(rivals) do
  if one.since < since then reserved = reserved + math.max(0, math.min(one.want, even - one.held)) end
end
local granted = math.max(0, math.min(want, limit - others - held - reserved))
if now < closed then granted = 0 end
if granted > 0 then since = now end
redis.call('HSET', KEYS[1], field,
  string.format('%d %d %d %d %d %d %d', held + granted, want - granted, since, now, max, sequence, away and 1 or 0))
redis.call('PEXPIRE', KEYS[1], ${20 * LANE_LEASE_MS})
return { granted, limit, others, waiting, count, rank, now < closed and 1 or 0 }
`;

/** Takes an instance that ends out of the ledger. KEYS[1]: the lane. ARGV: id. */
export const LANE_LEAVE_SCRIPT = "return redis.call('HDEL', KEYS[1], 'i:' .. ARGV[1])";

/** What a server calls a script by, once it has seen it. */
export function shaOf(script: string): string {
  return createHash('sha1').update(script).digest('hex');
}
