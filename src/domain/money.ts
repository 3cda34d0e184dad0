// Money is integer micro-dollars, so that sums are exact and a cap is a cap. Dollars appear only at the edges
// (options, policies, tables people read) and are converted here, always rounding up: a price is never understated.

/** Integer millionths of a US dollar. */
export type MicroUsd = number & { readonly __unit: 'micro-usd' };

export const ZERO_USD = 0 as MicroUsd;

/** Dollars to micro-dollars, rounded up. The tiny subtraction keeps 0.1 + 0.2 from costing one millionth more. */
export function microUsd(dollars: number): MicroUsd {
  return Math.ceil(dollars * 1_000_000 - 1e-6) as MicroUsd;
}

export function addUsd(...amounts: readonly MicroUsd[]): MicroUsd {
  return amounts.reduce((sum, amount) => sum + amount, 0) as MicroUsd;
}

export function dollars(amount: MicroUsd): number {
  return amount / 1_000_000;
}

/** To the last micro-dollar, at least two decimals: for amounts that are compared before the reader's eyes. */
export function exactUsd(amount: MicroUsd): string {
  return `$${dollars(amount)
    .toFixed(6)
    .replace(/0{1,4}$/, '')}`;
}

/** `$0.0059`, `$0.134`, `$12.40`: at least two decimals, four where the amount is small enough to need them. */
export function formatUsd(amount: MicroUsd): string {
  const value = dollars(amount);
  const digits = value !== 0 && Math.abs(value) < 1 ? 4 : 2;
  const text = value.toFixed(digits);
  return `$${digits === 4 ? text.replace(/0{1,2}$/, '') : text}`;
}
