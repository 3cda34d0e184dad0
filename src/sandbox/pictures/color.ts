// Colour arithmetic on `#rrggbb`.

/** `share` of the way from `from` to `to`. */
export function mix(from: string, to: string, share: number): string {
  return `#${[1, 3, 5]
    .map((at) => {
      const low = Number.parseInt(from.slice(at, at + 2), 16);
      const high = Number.parseInt(to.slice(at, at + 2), 16);
      return Math.round(low + (high - low) * share)
        .toString(16)
        .padStart(2, '0');
    })
    .join('')}`;
}

export function darker(color: string, share: number): string {
  return mix(color, '#0b0f1a', share);
}

export function lighter(color: string, share: number): string {
  return mix(color, '#ffffff', share);
}
