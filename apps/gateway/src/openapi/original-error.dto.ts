import { ApiProperty } from '@nestjs/swagger';

/** An error as the original system's routes answer it. */
export class OriginalError {
  @ApiProperty({ enum: ['error'] })
  status: 'error';

  @ApiProperty({ description: 'What was wrong and what to do, for people' })
  message: string;
}
