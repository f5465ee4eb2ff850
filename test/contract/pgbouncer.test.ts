import { describeContract } from './describe-contract.js';
import { pgbouncer } from './engines/pgbouncer.js';

describeContract(pgbouncer);
