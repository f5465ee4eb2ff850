import { describeContract } from './describe-contract.js';
import { postgres } from './engines/postgres.js';

describeContract(postgres);
