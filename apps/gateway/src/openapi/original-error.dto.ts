import { ApiProperty } from '@nestjs/swagger';
import { TextField } from '../http/fields';

/** An error as the original system's routes return it. */
export class OriginalError {
  @ApiProperty({ enum: ['error'] })
  status: 'error';

  @TextField({ description: 'What was wrong and what to do, for people' })
  message: string;
}
