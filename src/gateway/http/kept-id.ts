// Ids of what is kept. All of them are made here, of letters, digits and `_`; what a caller names otherwise cannot be there, so
// no store is asked about it: one cannot even be sent U+0000.

const KEPT_ID = /^\w{1,80}$/;

export function isKeptId(text: string): boolean {
  return KEPT_ID.test(text);
}
