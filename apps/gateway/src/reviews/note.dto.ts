import { TextField, UuidField } from '../http/fields';
import { MAX_TEXT_LENGTH } from './decision.dto';

export class NoteDto {
  @UuidField({
    description: 'An id of your own for the note: noting again with the same one notes nothing more.',
    optional: true,
    nullable: true,
  })
  id?: string | null;

  @TextField({ min: 1, max: MAX_TEXT_LENGTH })
  text: string;
}
