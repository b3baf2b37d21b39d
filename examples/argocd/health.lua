-- The health of a ProcessingJob, for Argo CD. An end is final: later generations (spec.stop) change nothing about it.
local function health(status, message)
  return {status = status, message = message}
end
local status = obj.status or {}
local held = {}
for _, condition in ipairs(status.conditions or {}) do
  if condition.status == "True" then held[condition.type] = condition end
end
if obj.metadata.deletionTimestamp ~= nil then return health("Progressing", "is being deleted") end
if held.Complete then return health("Healthy", status.message) end
if held.Stopped then return health("Suspended", status.message) end
local wrong = held.Failed or held.Stalled or held.FailureTarget
if wrong then return health("Degraded", wrong.reason .. ": " .. wrong.message) end
if (status.observedGeneration or -1) < (obj.metadata.generation or 0) then
  return health("Progressing", "waits for the operator")
end
return health("Progressing", (status.state or "New") .. ": " .. (status.message or ""))
