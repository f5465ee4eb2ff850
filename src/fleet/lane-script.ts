import type { RedisScript } from './redis-link.js';
import { READ_HASH, scriptOf } from './script-parts.js';

/** An instance that was not heard of for so long has lost its places, in ms: at most this until a killed one's return. */
export const LANE_LEASE_MS = 3_000;
/** How often an idle instance is heard of, in ms, a quarter more or less. */
export const LANE_HEARTBEAT_MS = 350;
/** Past it an instance is silent: it may hold its part of the places, whatever it said last. */
const SILENT_MS = 700;
/** Past it, what an instance said before may have come only now: a slow Redis is told more often. */
const UNSAID_MS = 1_500;
/**
 * Nobody was heard for so long, of whom each says something several times in it: then it was Redis that could not be
 * reached, and the silence tells of nobody that it has died.
 */
export const LANE_GAP_MS = 1_500;
/** A ledger of which nobody has heard for so long is gone. Longer than most outages, or it would come back empty. */
const FORGOTTEN_MS = 600_000;
/**
 * How long a ledger that was lost, or that nobody could reach, hears everybody first. Longer than the longest time
 * between two heartbeats.
 */
const CLOSED_MS = 600;

/**
 * The ledger of a lane: one script, one key, the server's own time.
 *
 * The hash holds for each instance `i:<id>` = `held want since seen max sequence away resumed returned`, and `closed`,
 * until when nothing is granted. `resumed` is when somebody was heard again after nobody was: the others may be on their
 * way back as well, so their leases run from there. `returned` is when somebody who is away was heard first: others may be
 * away who were not heard since, however short a time that is. Each report says all that an instance holds, so a report
 * that comes twice, late or never does no harm, and a ledger that was lost is whole again when everybody has reported.
 * Those who wait longest come first, each up to an even part of the places; beyond that, first come first served. What is
 * written first takes memory: without any, Redis refuses a script that has written nothing yet, and no other.
 *
 * KEYS[1]: the lane. ARGV: id, max, sequence, held, want, known (0 or 1), away (0 or 1), how long before the last report
 * was sent in ms. Returns granted, the max in force, places of others, requests that wait at others, instances, rank among
 * them, closed (0 or 1), whether something that is no ledger was replaced (0 or 1).
 */
export const LANE_SCRIPT: string = `${READ_HASH}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local field = 'i:' .. ARGV[1]
local max, sequence, held, want = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local known, away, since = ARGV[6] == '1', ARGV[7] == '1', tonumber(ARGV[8])

local mine
local closed, count, rank = 0, 1, 0
local heard, resumed, returned = 0, 0, 0
local rivals, writes, gone = {}, {}, {}
local limit = max

local function write(name, value)
  writes[#writes + 1], writes[#writes + 2] = name, value
end
local function entry(one)
  return string.format('%d %d %d %d %d %d %d %d %d',
    one.held, one.want, one.since, one.seen, one.max, one.sequence, one.away, one.resumed, one.returned)
end
local function read(name, value)
  local part = figures(value, 6)
  if not part then return nil end
  if part[1] < 0 or part[2] < 0 or part[5] <= 0 then
    -- Nobody holds, waits or is configured like that.
    replaced = 1
    return nil
  end
  local one = { name = name, held = part[1], want = part[2], since = part[3], seen = part[4], max = part[5],
    sequence = part[6], away = part[7] or 0, resumed = part[8] or 0, returned = part[9] or 0 }
  -- The clock was set back since.
  if one.resumed > now then one.resumed = 0 end
  if one.returned > now then one.returned = 0 end
  if one.seen > now then
    -- Who is there will be heard again, and who is not must not stay for so long.
    one.since, one.seen = now, now
    if name ~= field then write(name, entry(one)) end
  end
  return one
end

local all = {}
for index = 1, #state, 2 do
  local name, value = state[index], state[index + 1]
  if name == 'closed' then
    closed = figure(value) or 0
    if closed > now + ${CLOSED_MS} then
      -- Likewise.
      closed = 0
      write(name, '0')
    end
  else
    local one = read(name, value)
    if one then
      heard = math.max(heard, one.seen)
      resumed, returned = math.max(resumed, one.resumed), math.max(returned, one.returned)
      all[#all + 1] = one
    elseif name ~= field then
      gone[#gone + 1] = name
    end
  end
end
if heard > 0 and now - heard > ${LANE_GAP_MS} then resumed = now end
for _, one in ipairs(all) do
  if one.name == field then
    mine = one
  elseif math.max(one.seen, resumed) + ${LANE_LEASE_MS} <= now then
    gone[#gone + 1] = one.name
  else
    rivals[#rivals + 1] = one
    count = count + 1
    if one.name < field then rank = rank + 1 end
    limit = math.min(limit, one.max)
  end
end
if away and not (mine and mine.away == 1) then returned = now end

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
  if now - one.seen > ${SILENT_MS} or one.seen < returned then
    -- Among how many it thinks that it is nobody knows.
    one.held, one.want = math.max(one.held, math.ceil(limit / count)), 0
  elseif one.away == 1 then
    one.held, one.want = math.max(one.held, part_of(one.name)), 0
  end
  others, waiting = others + one.held, waiting + one.want
  if one.held + one.want > 0 then claimants = claimants + 1 end
end
if mine and mine.sequence >= sequence then return { 0, limit, others, waiting, count, rank, 0, replaced } end

-- It was here, and is not: what the others hold may be missing as well. It lived on its part, unheard: so may others,
-- and what they said last may have come late.
local unheard = mine and (now - mine.seen > ${SILENT_MS} or since > ${UNSAID_MS})
local doubtful = (known or away) and not mine or away and count > 1 and unheard
if doubtful and now > closed + ${LANE_LEASE_MS} then
  closed = now + ${CLOSED_MS}
  write('closed', string.format('%d', closed))
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
write(field, entry({ held = held + granted, want = want - granted, since = since, seen = now, max = max,
  sequence = sequence, away = away and 1 or 0, resumed = resumed, returned = returned }))
redis.call('HSET', KEYS[1], unpack(writes))
if #gone > 0 then redis.call('HDEL', KEYS[1], unpack(gone)) end
redis.call('PEXPIRE', KEYS[1], ${FORGOTTEN_MS})
return { granted, limit, others, waiting, count, rank, now < closed and 1 or 0, replaced }
`;

/** The same, as a server is told to run it. */
export const LANE_LEDGER: RedisScript = scriptOf(LANE_SCRIPT);
/** Takes an instance that ends out of the ledger. KEYS[1]: the lane. ARGV: id. */
export const LANE_LEAVING: RedisScript = scriptOf("return redis.call('HDEL', KEYS[1], 'i:' .. ARGV[1])");
