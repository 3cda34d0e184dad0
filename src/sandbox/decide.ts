// What will happen to a call: its healthy course at the hour's pace, bent by moderation, the ordinary day's faults, its
// route's incident, the injected faults and the caller's own deadline, in that order. One place, so that the order is a
// decision and not an accident.
import type { ImageCall } from './call.ts';
import * as googleErrors from './faces/google-errors.ts';
import { baselineFault } from './faults/baseline.ts';
import type { Strike } from './faults/injector.ts';
import type { FaultRule } from './faults/rule.ts';
import { FAULTS } from './faults/table.ts';
import { answeredByModel, type Course, healthyCourse } from './model/course.ts';
import { type DrawKey, streamFor } from './model/draws.ts';
import { driftAt } from './model/drift.ts';
import { incidentAt } from './model/incidents.ts';
import { moderationOf } from './model/moderation.ts';
import { elapsedMs, httpDateIn, type World } from './world.ts';

export function decideCourse(world: World, call: ImageCall, key: DrawKey, requestId: string): Course {
  const apply = (course: Course, { rule, ordinal }: Strike): Course => {
    const context = {
      call,
      rule,
      requestId,
      random: streamFor(key, `fault-${ordinal}`),
      httpDateIn: (delayMs: number) => httpDateIn(world, delayMs),
    };
    const bent = FAULTS[rule.fault][call.protocol]?.(course, context);
    return bent === undefined ? course : { ...bent, fault: rule.fault };
  };
  const refusal = refusalOf(call, world.settings.billRefusedOutput);
  const healthy = healthyCourse(call, world.settings.profile, key, paceOf(world, call));
  const moderated = refusal === undefined ? healthy : { ...apply(healthy, { rule: refusal, ordinal: 0 }), fault: undefined };
  const course = withinDeadline(call, strikesOf(world, call, key).reduce(apply, moderated));
  if (course.fault !== undefined) world.memory.faults.set(course.fault, (world.memory.faults.get(course.fault) ?? 0) + 1);
  return course;
}

/** Everything that goes wrong with a call: the ordinary day's fault, its route's incident, then what was injected. */
function strikesOf(world: World, call: ImageCall, key: DrawKey): readonly Strike[] {
  const { settings, memory } = world;
  const baseline = settings.baselineFaults ? baselineFault(call, key) : undefined;
  return [
    ...(baseline === undefined ? [] : [{ rule: baseline, ordinal: 0 }]),
    ...incidentStrikes(world, call, key),
    ...memory.injector.strikes(call, elapsedMs(world), key),
  ];
}

/** The sandbox's first day begins at this hour UTC, whatever the machine's clock says: a run must be repeatable. */
const FIRST_HOUR_MS = 8 * 3_600_000;

/** A stream of its own, apart from those of injected rules, which count from 1. */
const INCIDENT_ORDINAL = -1;

function incidentStrikes(world: World, call: ImageCall, key: DrawKey): readonly Strike[] {
  const { seed, incidentsFaster } = world.settings;
  if (incidentsFaster === undefined) return [];
  const calendarMs = FIRST_HOUR_MS + elapsedMs(world) * incidentsFaster;
  const incident = incidentAt(seed, call.route.id, call.protocol, calendarMs);
  if (incident === undefined) return [];
  const fails = streamFor(key, 'incident').next() < incident.errorShare;
  const rule: FaultRule = fails ? { fault: 'outage' } : { fault: 'slow', factor: incident.slowdown };
  return [{ rule, ordinal: INCIDENT_ORDINAL }];
}

function paceOf(world: World, call: ImageCall): number {
  const { latency, drift, seed } = world.settings;
  if (latency === 'none') return 0;
  return drift ? driftAt(seed, call.route.id, call.protocol, FIRST_HOUR_MS + elapsedMs(world)) : 1;
}

/** A prompt that asks for a refusal meets the same effects as an injected one. */
function refusalOf(call: ImageCall, billRefusedOutput: boolean): FaultRule | undefined {
  const stage = moderationOf(call.prompt);
  if (stage === undefined) return undefined;
  return stage === 'input' ? { fault: 'moderation-input' } : { fault: 'moderation-output', billed: billRefusedOutput };
}

/** Google ends a call at the deadline its caller declared, and does not charge for it. */
function withinDeadline(call: ImageCall, course: Course): Course {
  if (call.serverTimeoutMs === undefined || course.delayMs <= call.serverTimeoutMs) return course;
  return answeredByModel(course, googleErrors.deadlineExceeded(), { delayMs: call.serverTimeoutMs, billed: false, outcome: 'failed' });
}
