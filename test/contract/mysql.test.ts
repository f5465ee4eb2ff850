import { describeContract } from './describe-contract.js';
import { mysql } from './engines/mysql.js';

describeContract(mysql);
