// The one place that reads dates as HTTP writes them. Pure: text in, instant out. It lives here because `Date` is banned
// elsewhere, so that nobody reads the machine's clock by accident.

/** `Sun, 06 Nov 1994 08:49:37 GMT` -> milliseconds since 1970; undefined when the text is not such a date. */
export function parseHttpDate(text: string): number | undefined {
  // Every form HTTP allows starts with a day name. Without this, Date.parse would read "120" as a year.
  if (!/^(?:mon|tue|wed|thu|fri|sat|sun)/i.test(text.trim())) return undefined;
  // The oldest form names no zone and means GMT all the same.
  const time = Date.parse(/GMT\s*$/i.test(text) ? text : `${text} GMT`);
  return Number.isNaN(time) ? undefined : time;
}
