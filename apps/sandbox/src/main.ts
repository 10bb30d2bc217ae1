import { serveTasks } from '@hitl/sandbox';
import { LARGE_JSON_TASKS } from './large-json';
import { describeChange } from './output-change';
import { readPolicy, rulings } from './policies';
import { checkSchema, faultOfSchema } from './schemas';

serveTasks({ ...LARGE_JSON_TASKS, checkSchema, describeChange, faultOfSchema, readPolicy, rulings });
