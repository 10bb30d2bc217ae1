import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The headers with which a request of Anthropic's Messages API came: its provider gets them, and it is known for what it is. */
export class AnthropicHeaders1700000009500 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      "ALTER TABLE jobs ADD COLUMN anthropic_headers jsonb CHECK (jsonb_typeof(anthropic_headers) = 'object' AND octet_length(anthropic_headers::text) <= 8192)",
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE jobs DROP COLUMN anthropic_headers');
  }
}
