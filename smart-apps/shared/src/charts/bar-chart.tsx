import type { ReactNode } from 'react';
import { useLanguage } from '../i18n/context.tsx';

export interface Bar {
  readonly id: string;
  readonly name: ReactNode;
  readonly value: number;
  /** Said in place of the number. */
  readonly text?: string;
}

/** A ranking: a list of names, each with its number and a bar as long as it. The list is its own table. */
export function BarChart({
  title,
  bars,
  most = Math.max(0, ...bars.map(({ value }) => value)),
}: {
  readonly title: string;
  readonly bars: readonly Bar[];
  /** The value of a full bar. */
  readonly most?: number;
}): ReactNode {
  const { language } = useLanguage();
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
  return (
    <figure className="chart">
      <figcaption>{title}</figcaption>
      <ol className="bars">
        {bars.map(({ id, name, value, text }) => (
          <li key={id}>
            <span className="bar-name">
              <bdi>{name}</bdi>
            </span>
            <span className="bar-value">{text ?? number.format(value)}</span>
            <svg className="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
              <rect className="bar-ground" width="100" height="6" />
              <rect
                className="bar-fill"
                width={most > 0 ? (Math.max(0, value) / most) * 100 : 0}
                height="6"
              />
            </svg>
          </li>
        ))}
      </ol>
    </figure>
  );
}
