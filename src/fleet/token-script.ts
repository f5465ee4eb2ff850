import type { RedisScript } from './redis-link.js';
import { READ_HASH, scriptOf } from './script-parts.js';

/** Past it, what a process spent of its share while it was not heard is not charged to the others, in ms. */
const SILENT_MS = 1_000;

/**
 * The ledger of prepaid tokens: one script, one key, the server's own time.
 *
 * The hash of a bucket holds `level` (tokens that nobody has prepaid), `at` (when that was) and for each process
 * `i:<id>` = `held spent sequence expires rate burst`. What is prepaid is not in the level and counts against the
 * capacity, so that level and everything prepaid never exceed the burst. Where processes disagree about rate or burst,
 * the least holds while both live. A process that has forgotten the bucket, and makes it anew, is another one here. No
 * entry stands for longer than the lease, also where the clock of the server was set back since.
 *
 * KEYS[1]: the bucket. ARGV: id, rate per second, burst, lease in ms, sequence, spent, acknowledged, held, want, known
 * (0 or 1), away (0 or 1), how long before the last report was sent in ms. Returns granted, level, rate and burst in
 * force, what others have prepaid, whether something that is no ledger was replaced (0 or 1), as text.
 */
export const TOKEN_SCRIPT: string = `${READ_HASH}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id, lease, sequence = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5])
local rate, burst = tonumber(ARGV[2]), tonumber(ARGV[3])
local spent, acknowledged, held, want = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local known, away, since = ARGV[10] == '1', ARGV[11] == '1', tonumber(ARGV[12])

local level, at, mine
local others = 0
local gone, late = {}, {}
for index = 1, #state, 2 do
  local field, value = state[index], state[index + 1]
  if field == 'level' then
    level = figure(value)
  elseif field == 'at' then
    at = figure(value)
  else
    local part = figures(value, 6)
    if part and (part[1] < 0 or part[1] > part[6] + 1 or part[5] <= 0 or part[6] <= 0) then
      -- Nobody is configured like that, nor holds more than his burst.
      part, replaced = nil, 1
    end
    if not part then
      if field ~= 'i:' .. id then gone[#gone + 1] = field end
    elseif field == 'i:' .. id then
      mine = { held = part[1], spent = part[2], sequence = part[3], heard = math.min(now, part[4] - lease) }
    elseif part[4] <= now then
      gone[#gone + 1] = field
    else
      if part[4] > now + lease then
        -- The clock was set back since.
        part[4] = now + lease
        late[#late + 1], late[#late + 2] = field, string.format('%.6f %.6f %d %d %.12g %.12g', unpack(part))
      end
      others = others + part[1]
      rate, burst = math.min(rate, part[5]), math.min(burst, part[6])
    end
  end
end

local function answer(granted, left)
  return { tostring(granted), string.format('%.6f', left), tostring(rate), tostring(burst),
    string.format('%.6f', others), tostring(replaced) }
end
if mine and mine.sequence >= sequence then
  return answer(0, level or 0)
end
if not level then level = (known or away) and 0 or burst end
local elapsed = math.max(0, now - (at or now))
local before = mine and mine.held or 0
local excess = spent - (mine and mine.spent or acknowledged) + held - before
if away and elapsed > ${SILENT_MS} then
  -- Nobody was here meanwhile: everybody lived on a share of the refill, and brings what is left of it.
  level = 0
elseif away and (not mine or now - mine.heard > ${SILENT_MS} or since > ${SILENT_MS}) then
  -- It was cut off while others were here: they shall not wait for all that it spent. What it said before may have come
  -- just now, and long after it was said.
  level = math.min(burst, level + elapsed * rate / 1000)
  level = math.max(math.min(level, 0), level - excess)
else
  level = math.min(burst - others - before, level + elapsed * rate / 1000) - excess
  -- However much it was: nobody waits longer than that for what somebody spent by himself.
  if away then level = math.max(level, -rate * ${SILENT_MS} / 1000) end
end
level = math.min(level, burst - others - held)
local granted = math.max(0, math.min(want, math.floor(level)))
level = level - granted

redis.call('HSET', KEYS[1], 'level', string.format('%.6f', level), 'at', string.format('%d', now), 'i:' .. id,
  string.format('%.6f %.6f %d %d %.12g %.12g', held + granted, spent, sequence, now + lease, tonumber(ARGV[2]), tonumber(ARGV[3])))
-- Not before: without memory Redis refuses a script that has written nothing yet, and no other.
if #late > 0 then redis.call('HSET', KEYS[1], unpack(late)) end
if #gone > 0 then redis.call('HDEL', KEYS[1], unpack(gone)) end
redis.call('PEXPIRE', KEYS[1], math.min(86400000, math.ceil(2 * (lease + burst * 1000 / rate))))
return answer(granted, level)
`;

/** The same, as a server is told to run it. */
export const TOKEN_LEDGER: RedisScript = scriptOf(TOKEN_SCRIPT);
