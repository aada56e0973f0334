-- One decision about one request, in all its counters: all are charged or none.
--
-- KEYS[1]  the marker that tells whether the server still has its memory
-- KEYS[2..] one hash for each counter: slice number -> requests, and "born"
-- ARGV[1]  "take", "peek" (nothing is counted) or "give" (a charge is undone)
-- ARGV[2]  the marker to set if there is none
-- ARGV[3..] for each counter: its limit, the length of a slice in microseconds,
--          the number of its charge, "1" if that is a shadow's, and for "give"
--          the slice and the birth that the charge was told

local mode = ARGV[1]
local ring = 65        -- 64 whole slices and the one in progress
local marker_life = 50 * 24 * 3600 * 1000

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function whole(n) return string.format('%.0f', n) end

local marker = redis.call('GET', KEYS[1])
if not marker then
	marker = ARGV[2]
	redis.call('SET', KEYS[1], marker, 'PX', marker_life)
end

local counters, room, admitted = {}, {}, true
for i = 2, #KEYS do
	local at = 3 + (i - 2) * 6
	local c = {
		key = KEYS[i],
		limit = tonumber(ARGV[at]),
		length = tonumber(ARGV[at + 1]),
		charge = ARGV[at + 2],
		shadow = ARGV[at + 3] == '1',
		counts = {}, -- by age in slices
		old = {}, sum = 0, born = '',
	}
	if mode == 'give' then
		local slice, born = ARGV[at + 4], ARGV[at + 5]
		local count = redis.call('HGET', c.key, slice)
		if count and redis.call('HGET', c.key, 'born') == born then
			if tonumber(count) > 1 then
				redis.call('HINCRBY', c.key, slice, -1)
			else
				redis.call('HDEL', c.key, slice)
			end
		end
	end
	local stored = redis.call('HGETALL', c.key)
	-- A clock that was set back stands still until it has caught up.
	c.slice = math.floor(now / c.length)
	for f = 1, #stored, 2 do
		if stored[f] == 'born' then
			c.born = stored[f + 1]
		else
			c.slice = math.max(c.slice, tonumber(stored[f]))
		end
	end
	for f = 1, #stored, 2 do
		if stored[f] ~= 'born' then
			local age, count = c.slice - tonumber(stored[f]), tonumber(stored[f + 1])
			if age >= ring then
				c.old[#c.old + 1] = stored[f]
			else
				c.counts[age] = count
				c.sum = c.sum + count
			end
		end
	end
	if room[c.charge] == nil then room[c.charge] = true end
	if c.sum >= c.limit then
		room[c.charge] = false
		if not c.shadow then admitted = false end
	end
	counters[i - 1] = c
end

if mode == 'take' and admitted then
	for _, c in ipairs(counters) do
		if room[c.charge] then
			if c.born == '' then
				c.born = whole(now)
				redis.call('HSET', c.key, 'born', c.born)
			end
			redis.call('HINCRBY', c.key, whole(c.slice), 1)
			if #c.old > 0 then redis.call('HDEL', c.key, unpack(c.old)) end
			redis.call('PEXPIREAT', c.key, whole(math.ceil((c.slice + ring) * c.length / 1000)))
			c.counts[0] = (c.counts[0] or 0) + 1
			c.sum = c.sum + 1
		end
	end
end

local answer = { admitted and 1 or 0, marker }
for _, c in ipairs(counters) do
	local retry, reset = 0, 0
	local need, gone = c.sum - c.limit + 1, 0
	for age = ring - 1, 0, -1 do
		local count = c.counts[age]
		if count then
			reset = (c.slice - age + ring) * c.length - now
			if gone < need then
				gone = gone + count
				if gone >= need then retry = reset end
			end
		end
	end
	local out = { c.sum, room[c.charge] and 1 or 0, retry, reset, whole(c.slice), c.born }
	for _, v in ipairs(out) do answer[#answer + 1] = v end
end
return answer
