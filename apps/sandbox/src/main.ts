import { serveTasks } from '@hitl/sandbox';
import { describeChange } from './output-change';
import { readPolicy, rulings } from './policies';
import { checkSchema, faultOfSchema } from './schemas';

serveTasks({ checkSchema, describeChange, faultOfSchema, readPolicy, rulings });
