-- Sends the requests of a file in turn (each whole, as HTTP/1.1, after each a record separator)
-- and prints in the last line, as JSON, what came of it. Times are in microseconds.
local requests, sent = {}, 0

function init(arguments)
    local file = assert(io.open(arguments[1], "rb"))
    for request in file:read("*a"):gmatch("([^\30]+)\30") do
        requests[#requests + 1] = request
    end
    file:close()
end

function request()
    sent = sent + 1
    return requests[(sent - 1) % #requests + 1]
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    local shape = '{"requests":%d,"duration":%d,"p50":%d,"p99":%d,"failed":%d}\n'
    io.write(shape:format(
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed
    ))
end
