import type { ComponentProps } from 'react';

export type ButtonLook = 'plain' | 'good' | 'bad' | 'quiet' | 'accent';

/** A button; it submits its form only with `type="submit"`. */
export function Button({
  look = 'plain',
  className = '',
  ...rest
}: ComponentProps<'button'> & { look?: ButtonLook }) {
  return <button type="button" className={`button ${look} ${className}`.trimEnd()} {...rest} />;
}
