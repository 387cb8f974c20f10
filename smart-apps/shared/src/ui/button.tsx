import { type ReactNode, useId } from 'react';
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components/Button';
import { Link as RouteLink } from 'wouter';
import { useOwnText } from '../i18n/context.tsx';

export type ButtonLook = 'main' | 'second' | 'danger' | 'plain';

export interface ButtonProps extends Omit<AriaButtonProps, 'className' | 'style' | 'children'> {
  readonly look?: ButtonLook;
  readonly children: ReactNode;
}

/** A button; `isPending` shows that its work is under way and keeps it from being pressed again. */
export function Button({ look = 'main', children, ...props }: ButtonProps): ReactNode {
  return (
    <AriaButton {...props} className={`button ${look}`}>
      {props.isPending === true ? <span className="spinner" aria-hidden="true" /> : null}
      {children}
    </AriaButton>
  );
}

/** Buttons beside each other. */
export function Buttons({ children }: { readonly children: ReactNode }): ReactNode {
  return <div className="buttons">{children}</div>;
}

export interface LinkProps {
  readonly href: string;
  readonly children: ReactNode;
  /** Looks like a button. */
  readonly look?: ButtonLook;
  /** Leads out of the app: opened in another window. */
  readonly external?: boolean;
  readonly label?: string;
}

/** A link to another page of the app (`href` begins with `/`) or out of it. */
export function Link({ href, children, look, external = false, label }: LinkProps): ReactNode {
  const say = useOwnText();
  const note = useId();
  const className = look === undefined ? 'link' : `button ${look}`;
  const named = label === undefined ? {} : { 'aria-label': label };
  if (external)
    return (
      <>
        <a
          className={className}
          href={href}
          target="_blank"
          rel="noreferrer noopener"
          aria-describedby={note}
          {...named}
        >
          {children}
        </a>
        <span id={note} hidden>
          {say('newWindow')}
        </span>
      </>
    );
  return (
    <RouteLink className={className} href={href} {...named}>
      {children}
    </RouteLink>
  );
}
