import { createGateway } from '../../src/gateway.js';

// A process of a fleet that takes so many places of a lane and holds them until it is killed; it says so when it has them.

const [redisUrl = '', places = '1'] = process.argv.slice(2);
const most = Number(places);
const routes = {
  report: { priority: 'low', ratePerSecond: 1_000, deadlineMs: 30_000, fleetMaxConcurrent: most },
} as const;
const gateway = await createGateway({ redisUrl, routes }, { env: {} });
let inside = 0;
for (let count = 0; count < most; count += 1) {
  void gateway.run('report', () => {
    inside += 1;
    if (inside === most) console.log('holding');
    return new Promise(() => setInterval(() => {}, 1_000));
  });
}
