export { freePort } from '../../examples/support/postgres-server.js';
