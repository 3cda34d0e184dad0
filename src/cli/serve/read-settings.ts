// The configuration of a process that serves, the command line's options applied: at its start, and whenever it is told to read
// it anew. What the command line says still wins then.
import type { GatewaySettings } from '../../gateway/config/settings.ts';
import type { Config } from '../config/config-file.ts';
import { findSource, type Source, type SourceFlags } from '../endpoints.ts';
import type { Io } from '../io.ts';

export type ReadSettings = {
  readonly source: Source;
  readonly settings: GatewaySettings;
  /** As it is then. Rejects as the first reading does. */
  readonly read: () => Promise<Config>;
};

/** Rejects with ImageRouterError for a bad flag or file. */
export async function readSettings(
  flags: SourceFlags,
  io: Io,
  withFlags: (settings: GatewaySettings) => GatewaySettings,
): Promise<ReadSettings> {
  const source = await findSource(flags, io);
  const read = async (): Promise<Config> => {
    const { options, gateway } = await findSource(flags, io);
    return { options, gateway: withFlags(gateway) };
  };
  return { source, settings: withFlags(source.gateway), read };
}
