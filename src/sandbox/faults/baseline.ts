// What goes wrong on an ordinary day: shares of requests per face, a proposal drawn from thin third-party evidence
// (field reports). Off unless asked for, so that a test meets only the faults it injected.
import type { Face, ImageCall } from '../call.ts';
import { type DrawKey, streamFor } from '../model/draws.ts';
import type { FaultRule } from './rule.ts';

type Share = { readonly share: number; readonly rule: FaultRule };

const OPENAI: readonly Share[] = [
  { share: 0.008, rule: { fault: 'rate429' } },
  { share: 0.003, rule: { fault: 'outage' } },
  { share: 0.002, rule: { fault: 'err500' } },
  { share: 0.001, rule: { fault: 'html5xx' } },
  { share: 0.0025, rule: { fault: 'moderation-input' } },
  { share: 0.0025, rule: { fault: 'moderation-output' } },
  { share: 0.0005, rule: { fault: 'no-image' } },
  { share: 0.002, rule: { fault: 'hang' } },
  { share: 0.001, rule: { fault: 'reset' } },
  { share: 0.001, rule: { fault: 'reset-mid-body' } },
  { share: 0.0005, rule: { fault: 'truncated-json' } },
];

const GOOGLE: readonly Share[] = [
  { share: 0.015, rule: { fault: 'rate429' } },
  { share: 0.035, rule: { fault: 'outage' } },
  { share: 0.004, rule: { fault: 'err500' } },
  { share: 0.004, rule: { fault: 'outage', status: 504 } },
  { share: 0.005, rule: { fault: 'no-image', form: 'IMAGE_SAFETY' } },
  { share: 0.003, rule: { fault: 'no-image', form: 'IMAGE_OTHER' } },
  { share: 0.005, rule: { fault: 'no-image', form: 'NO_IMAGE' } },
  { share: 0.005, rule: { fault: 'no-image', form: 'textOnly' } },
  { share: 0.002, rule: { fault: 'no-image', form: 'noCandidates' } },
  { share: 0.002, rule: { fault: 'hang' } },
  { share: 0.001, rule: { fault: 'reset' } },
  { share: 0.001, rule: { fault: 'reset-mid-body' } },
];

/** A relay's own faults, on top of those of the provider behind it. */
const RELAY: readonly Share[] = [
  { share: 0.01, rule: { fault: 'html5xx', status: 502 } },
  { share: 0.01, rule: { fault: 'idle-cut' } },
  { share: 0.005, rule: { fault: 'err200' } },
  { share: 0.003, rule: { fault: 'wrong-size' } },
];

function sharesOf(face: Face, protocol: ImageCall['protocol']): readonly Share[] {
  const provider = protocol === 'openai' ? OPENAI : GOOGLE;
  return face === 'aggregator' ? [...provider, ...RELAY] : provider;
}

/** The ordinary day's fault of this call, if it has one. */
export function baselineFault(call: ImageCall, key: DrawKey): FaultRule | undefined {
  let left = streamFor(key, 'baseline').next();
  return sharesOf(call.face, call.protocol).find(({ share }) => {
    left -= share;
    return left < 0;
  })?.rule;
}
