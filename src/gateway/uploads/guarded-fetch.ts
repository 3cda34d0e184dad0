// Fetches a picture that a caller names by URL, where the operator allows it. The URL decides host and path and nothing
// else: https only, two ports, no credentials, no redirects, one connection to an address that was checked, nothing kept
// from one fetch to the next. What the other side answered is never told to the caller beyond its status.
import type { Dispatcher } from 'undici';
import type { Clock } from '../../system/clock.ts';
import { AnsweredTooLate, askOnce } from '../../system/network/ask-once.ts';
import { AddressRefused, type Doors } from '../../system/network/guarded-connector.ts';
import { Refusal } from '../http/refusal.ts';
import { type PictureIntake, pictureIntake } from './picture-intake.ts';
import { uploadRefused } from './upload-refused.ts';

export type FetchRules = {
  /** Hosts that may be fetched from, `*.example.com` for all below one; empty: any public host. */
  readonly hosts: readonly string[];
  readonly bytesLimit: number;
  /** Real milliseconds for everything: name, connection, answer. */
  readonly timeLimitMs: number;
  readonly clock: Clock;
  readonly doors: Doors;
  /** Asked before bytes are kept; false when the request or the gateway holds as much as it may. */
  readonly reserve: (bytes: number) => boolean;
};

const PORTS: ReadonlySet<string> = new Set(['', '443', '8443']);
const TYPES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/jpg', 'image/webp']);
/** Longer URLs are data in disguise. */
const LONGEST_URL = 8_192;

/** `param` names the field in errors. Rejects with Refusal. */
export async function fetchPicture(
  text: string,
  param: string,
  isMask: boolean,
  rules: FetchRules,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const url = checkedUrl(text, param, rules.hosts);
  const question = { url, method: 'GET', headers: { accept: 'image/png, image/jpeg, image/webp' } } as const;
  const { timeLimitMs: timeoutMs, clock, doors, bytesLimit } = rules;
  try {
    return await askOnce(question, { timeoutMs, clock, doors }, signal, (answer) => {
      const intake = pictureIntake({ param, isMask, declaredType: checkedType(answer, param), bytesLimit });
      return receive(answer, intake, param, rules);
    });
  } catch (error) {
    throw explained(error, param, timeoutMs);
  }
}

function checkedUrl(text: string, param: string, hosts: readonly string[]): URL {
  const url = text.length <= LONGEST_URL && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw unusable(param, 'is no URL');
  if (url.protocol !== 'https:') throw unusable(param, 'must be an https URL');
  if (url.username !== '' || url.password !== '') throw unusable(param, 'must not carry a user name or password');
  if (!PORTS.has(url.port)) throw unusable(param, 'must use port 443 or 8443');
  const host = url.hostname.replace(/\.$/, '');
  if (hosts.length > 0 && !hosts.some((allowed) => isHost(host, allowed.toLowerCase())))
    throw unusable(param, 'names a host that is not allowed here');
  url.hostname = host;
  return url;
}

function isHost(host: string, allowed: string): boolean {
  return allowed.startsWith('*.') ? host.endsWith(allowed.slice(1)) : host === allowed;
}

/** The type a picture is declared as, from an answer that is one. */
function checkedType({ statusCode, headers }: Dispatcher.ResponseData, param: string): string {
  if (statusCode >= 300 && statusCode < 400) throw unusable(param, 'answers with a redirect, which is not followed: give the final URL');
  if (statusCode !== 200) throw unusable(param, `answers with status ${statusCode}`);
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw unusable(param, 'answers with a compressed body');
  const type = headers['content-type'];
  const essence = typeof type === 'string' ? (type.split(';')[0] ?? '').trim().toLowerCase() : '';
  if (!TYPES.has(essence)) throw unusable(param, 'does not answer with a PNG, JPEG or WebP');
  return essence;
}

async function receive(
  { headers, body }: Dispatcher.ResponseData,
  intake: PictureIntake,
  param: string,
  rules: FetchRules,
): Promise<Uint8Array> {
  if (Number(headers['content-length'] ?? 0) >= rules.bytesLimit) throw unusable(param, `must be smaller than ${rules.bytesLimit} bytes`);
  for await (const piece of body) {
    if (!(piece instanceof Uint8Array)) continue;
    if (!rules.reserve(piece.byteLength))
      throw uploadRefused('overloaded', 'The pictures together are more bytes than the gateway may hold.');
    intake.take(piece);
  }
  return intake.finish();
}

/** Connection errors name addresses and ports behind the host; callers are told none of it. */
function explained(error: unknown, param: string, timeLimitMs: number): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof AnsweredTooLate) return unusable(param, `did not answer within ${timeLimitMs / 1_000} seconds`);
  if (error instanceof AddressRefused) return unusable(param, 'names a host without a public address');
  return unusable(param, 'cannot be fetched');
}

function unusable(param: string, reason: string): Refusal {
  const remedy = 'send the picture itself, as a data: URI or as a multipart file';
  return uploadRefused('image_url_unusable', `The URL in ${param} ${reason}.`, { param, remedy });
}
