// The canned server as a process of its own: tells its address to the process that started it, and ends with it.
import { startCannedServer } from '../support/canned-server.ts';

const server = await startCannedServer(0);
process.send?.(server.url);
process.on('disconnect', () => process.exit());
