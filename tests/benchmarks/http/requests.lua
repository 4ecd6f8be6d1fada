-- Sends the requests of a file in turn (each whole, as HTTP/1.1, after each a record separator)
-- and prints in the last line, as JSON, what came of it. Times are in microseconds.
-- The next run continues after this one (FILE.sent): what was switched off is switched on.
file, sent = nil, 0 -- global, so that done() can see them
local requests, thread = {}, nil

function setup(only)
    thread = only
end

function init(arguments)
    file = arguments[1]
    local input = assert(io.open(file, "rb"))
    for request in input:read("*a"):gmatch("([^\30]+)\30") do
        requests[#requests + 1] = request
    end
    input:close()
    local before = io.open(file .. ".sent", "r")
    if before then
        sent = before:read("*n")
        before:close()
    end
    sent = sent - 1 -- wrk asks for one at first that it does not send
end

function request()
    sent = sent + 1
    return requests[(sent - 1) % #requests + 1]
end

function done(summary, latency)
    local after = assert(io.open(thread:get("file") .. ".sent", "w"))
    after:write(thread:get("sent"))
    after:close()
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    local shape = '{"requests":%d,"duration":%d,"p50":%d,"p99":%d,"failed":%d}\n'
    io.write(shape:format(
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed
    ))
end
