// What a provider said, made fit for traces, logs and callers: short, one line, without keys and without the prompt.
// Providers echo both: OpenAI repeats a masked key, relays repeat the request, proxies answer with whole HTML pages.

export type Secrets = { readonly apiKey: string; readonly prompt: string };

/** Long enough for every documented message up to its point, short enough for a log line. */
const LONGEST_MESSAGE = 300;
/** Only this much is looked at: the rest would be cut away anyway. */
const LONGEST_INPUT = 4_000;
/** An echo of the prompt is recognised from this many equal characters on; shorter ones are common words. */
const ECHO_LENGTH = 16;
/** A whole prompt shorter than this ("a", "cat") cannot be told from ordinary words. */
const SHORTEST_ECHO = 5;

const KEYS = /\b(?:sk-|AIza|AQ\.)[\w*.-]{4,}|\bBearer\s+\S+/g;
const ENCODED_BYTES = /[A-Za-z0-9+/=_-]{120,}/g;

/** Never throws; an empty text stays empty. */
export function publicMessage(text: string, secrets: Secrets): string {
  const plain = withoutMarkup(text.slice(0, LONGEST_INPUT))
    .replaceAll(secrets.apiKey, '[key]')
    .replace(KEYS, '[key]')
    .replace(ENCODED_BYTES, '[bytes]')
    .replace(/\s+/g, ' ')
    .trim();
  const safe = withoutEcho(plain, secrets.prompt.replace(/\s+/g, ' ').trim());
  return safe.length <= LONGEST_MESSAGE ? safe : `${safe.slice(0, LONGEST_MESSAGE - 1)}…`;
}

export function isMarkup(text: string): boolean {
  return /^\s*<(?:!doctype|html|head|body|\?xml|center|h1)/i.test(text);
}

function withoutMarkup(text: string): string {
  if (!isMarkup(text)) return text;
  return text.replace(/<(style|script)[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ');
}

/** Replaces every run of `message` that is also a run of `prompt`. */
function withoutEcho(message: string, prompt: string): string {
  if (prompt.length < SHORTEST_ECHO) return message;
  const window = Math.min(ECHO_LENGTH, prompt.length);
  let safe = '';
  let index = 0;
  while (index < message.length) {
    const run = message.slice(index, index + window);
    if (run.length < window || run.startsWith(' ') || !prompt.includes(run)) {
      safe += message[index];
      index += 1;
      continue;
    }
    let end = index + window;
    while (end < message.length && prompt.includes(message.slice(end - window + 1, end + 1))) end += 1;
    safe += '[prompt]';
    index = end;
  }
  return safe;
}
