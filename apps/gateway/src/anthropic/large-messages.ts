import { JsonText, type Job, type Json } from '@hitl/domain';
import { makeLarge } from '../http/large-json';
import { isLarge, piecesOf, sent } from '../openai/large-jobs';
import { messageFramesOf } from './message-events';
import { toMessage } from './messages';

/* As in the files beside: at once where it is small, in the sandbox `bodies` where it is large. */

/** @throws DomainError as makeLarge */
export async function messageOf(job: Job): Promise<Json | JsonText> {
  if (!isLarge(job.response)) return toMessage(job);
  const { job: fields, bytes } = sent(job, ['response']);
  const { bytes: message } = await makeLarge('toMessage', [fields], bytes, job.submitter);
  return message[0] ? new JsonText(message[0]) : job.response;
}

/** The frames of a stream with an approved message, each when the one before was taken. @throws DomainError as makeLarge */
export async function framesOf(job: Job): Promise<Iterable<string | Buffer>> {
  if (!isLarge(job.response)) return messageFramesOf(job);
  const { job: fields, bytes } = sent(job, ['response']);
  const { bytes: frames } = await makeLarge('toMessageFrames', [fields], bytes, job.submitter);
  return piecesOf(frames[0] ?? Buffer.alloc(0));
}
