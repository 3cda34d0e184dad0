// What will happen to a call: its healthy course, bent by moderation, the caller's own deadline, the ordinary day's faults
// and the injected ones, in that order. One place, so that the order is a decision and not an accident.

import type { ImageCall } from './call.ts';
import * as googleErrors from './faces/google-errors.ts';
import { baselineFault } from './faults/baseline.ts';
import type { Strike } from './faults/injector.ts';
import type { FaultRule } from './faults/rule.ts';
import { FAULTS } from './faults/table.ts';
import { answeredByModel, type Course, healthyCourse } from './model/course.ts';
import { type DrawKey, streamFor } from './model/draws.ts';
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
  const healthy = healthyCourse(call, world.settings.profile, key);
  const moderated = refusal === undefined ? healthy : { ...apply(healthy, { rule: refusal, ordinal: 0 }), fault: undefined };
  const baseline = world.settings.baselineFaults ? baselineFault(call, key) : undefined;
  const ordinary = baseline === undefined ? moderated : apply(moderated, { rule: baseline, ordinal: 0 });
  const injected = world.memory.injector.strikes(call, elapsedMs(world), key).reduce(apply, ordinary);
  const course = withinDeadline(call, injected);
  if (course.fault !== undefined) world.memory.faults.set(course.fault, (world.memory.faults.get(course.fault) ?? 0) + 1);
  return course;
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
