/** Schedules as the platform serves them, and what asking for something does to them. */

export function schedulesOf(now, sweeps) {
  const at = (time) => new Date(time).toISOString();
  const night = Date.parse("2026-10-24T00:30:00Z");
  const spec = { ...sweeps[1].spec, name: "nightly" };
  const base = { spec, createdAt: at(now - 9e8), updatedAt: at(now - 9e8), version: 0, catchUpLimit: 10 };
  const fire = (id, scheduleId, time, rest) => ({
    id,
    scheduleId,
    at: at(time),
    local: `${at(time).slice(0, 19)}+00:00`,
    origin: "cron",
    createdAt: at(time),
    settledAt: at(time),
    ...rest,
  });
  return [
    {
      ...base,
      id: 2,
      name: "weekly-large",
      cron: "0 4 * * 1",
      zone: "UTC",
      catchUp: "ALL",
      overlap: "CANCEL_PREVIOUS",
      paused: true,
      next: [{ at: at(now + 4e8), local: `${at(now + 4e8).slice(0, 19)}Z` }],
      recent: [],
    },
    {
      ...base,
      id: 1,
      name: "nightly-small",
      cron: "30 2 * * *",
      zone: "Europe/Berlin",
      catchUp: "SKIP",
      overlap: "SKIP",
      paused: false,
      next: [
        { at: at(night), local: "2026-10-24T02:30:00+02:00" },
        {
          at: at(night + 9e7),
          local: "2026-10-25T02:30:00+01:00",
          note: "02:30 comes twice on 2026-10-25, when clocks go back in Europe/Berlin: it fires once, the second time, at UTC+01:00.",
        },
        ...[1, 2, 3].map((day) => ({
          at: at(night + 9e7 + day * 864e5),
          local: `2026-10-${25 + day}T02:30:00+01:00`,
        })),
      ],
      recent: [
        fire(12, 1, now - 3.6e6, {
          state: "skipped",
          reason: "Sweep 2 of an earlier fire is still at work.",
        }),
        fire(11, 1, now - 9e7, { state: "submitted", sweepId: 2, sweep: "nightly-small-2026-11-22T02:30+0100" }),
        fire(10, 1, now - 1.8e8, {
          state: "missed",
          reason: "No platform was up from 2026-11-21T01:10:00+01:00 to 2026-11-21T09:00:00+01:00; catch-up is SKIP.",
        }),
      ],
    },
  ];
}

/** Pause, resume or run now. @returns the answer, undefined when there is no such thing to ask for */
export function actOn(schedule, what) {
  if (what === "pause" || what === "resume") {
    schedule.paused = what === "pause";
    schedule.version += 1;
    return { status: 200, body: schedule };
  }
  if (what === "fires") {
    const time = new Date().toISOString();
    const fire = {
      id: 100 + schedule.recent.length,
      scheduleId: schedule.id,
      at: time,
      local: `${time.slice(0, 19)}+00:00`,
      origin: "manual",
      state: "pending",
      reason: "Waits for its dataset, which run 7 prepares.",
      createdAt: time,
    };
    schedule.recent = [fire, ...schedule.recent].slice(0, 3);
    return { status: 201, body: fire };
  }
  return undefined;
}

/** A new one, as it was asked for. */
export function add(schedules, wanted) {
  const now = new Date().toISOString();
  const made = {
    ...schedules[0],
    ...wanted,
    id: Math.max(0, ...schedules.map((one) => one.id)) + 1,
    next: [{ at: now, local: `${now.slice(0, 19)}Z` }],
    recent: [],
    version: 0,
  };
  schedules.unshift(made);
  return made;
}
