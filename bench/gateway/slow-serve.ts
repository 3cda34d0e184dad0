// The canned server as a process of its own, keeping silent before every answer: renders that take their time. Takes the
// real milliseconds of silence as its argument.
import { startCannedServer } from '../support/canned-server.ts';

const server = await startCannedServer(Number(process.argv[2]));
process.send?.(server.url);
process.on('disconnect', () => process.exit());
