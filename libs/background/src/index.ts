export { Background, BackgroundModule } from './background.module';
export { batched, type BatchOptions } from './batched';
export { Every } from './every';
