// One test for each fault class: what the caller gets, by when, what it costs, and that the sandbox's books agree.
import { describe, expect, it } from 'vitest';
import { GRACE_MS } from '../../src/execute/advance.ts';
import { FAULT_CASES } from './cases.ts';
import { CASE_SPEED, playCase } from './play.ts';

/** A timer of the machine may be this late; in world time it is CASE_SPEED as much. */
const TIMER_SLACK_MS = 250;

describe('under every fault', () => {
  it.each(FAULT_CASES.map((fault) => [fault.name, fault] as const))('%s', async (_, fault) => {
    const played = await playCase(fault);
    expect([fault.ends].flat()).toContain(played.ended);
    if (fault.fault !== undefined) expect(played.fault).toBe(fault.fault);
    const budgetMs = fault.request.latencyBudgetMs ?? 0;
    expect(played.seconds * 1_000).toBeLessThanOrEqual(budgetMs + GRACE_MS + TIMER_SLACK_MS * CASE_SPEED);
    expect(played.attempts).toBeLessThanOrEqual(3);
    expect(played.ledger).toBeGreaterThanOrEqual(played.billed);
    expect(played.ledger).toBeLessThanOrEqual(played.billed + played.possiblyBilled);
  });
});
