import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, IsUUID, Length } from 'class-validator';
import { MAX_TEXT_LENGTH } from './decision.dto';

export class NoteDto {
  @ApiPropertyOptional({
    description: 'An id of your own for the note: noting again with the same one notes nothing more.',
    type: String,
    format: 'uuid',
    nullable: true,
  })
  @IsOptional()
  @IsUUID()
  id?: string | null;

  @ApiProperty({ minLength: 1, maxLength: MAX_TEXT_LENGTH })
  @IsString()
  @Length(1, MAX_TEXT_LENGTH)
  text: string;
}
