// What several answers hold.
import { z } from 'zod';
import { TIERS } from '../../domain/vocabulary.ts';

export const count = z.int().min(0);
export const Dollars = z.number().min(0);
export const milliseconds = z.number();
export const tier = z.enum(TIERS);
export const chance = z.number().min(0).max(1);
export const cost = z.strictObject({ billed: Dollars, possibly_billed: Dollars });
export const Warning = z.strictObject({ code: z.string(), detail: z.string() });
