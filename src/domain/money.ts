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

/** Below a dollar, and below a tenth of a cent, where four decimals would leave one figure or none. */
const SMALL = 1;
const TINY = 0.001;

/** `$0.000012`, `$0.0059`, `$0.134`, `$12.40`: at least two decimals, more where the amount is small enough to need them. */
export function formatUsd(amount: MicroUsd): string {
  const size = Math.abs(dollars(amount));
  if (size === 0 || size >= SMALL) return `$${dollars(amount).toFixed(2)}`;
  if (size < TINY) return exactUsd(amount);
  return `$${dollars(amount)
    .toFixed(4)
    .replace(/0{1,2}$/, '')}`;
}
