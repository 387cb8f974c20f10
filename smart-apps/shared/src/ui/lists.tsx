import type { ReactNode } from 'react';

/** A list of cards. */
export function CardList({
  children,
  label,
}: {
  readonly children: ReactNode;
  readonly label?: string;
}): ReactNode {
  return (
    <ul className="cards" {...(label === undefined ? {} : { 'aria-label': label })}>
      {children}
    </ul>
  );
}

export interface CardProps {
  readonly title: ReactNode;
  /** Beside the title: a state, a date. */
  readonly aside?: ReactNode;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
  /** Level of its heading. */
  readonly level?: 2 | 3 | 4;
}

export function Card({ title, aside, children, actions, level = 3 }: CardProps): ReactNode {
  const Title = `h${level}` as 'h2' | 'h3' | 'h4';
  return (
    <li className="card">
      <div className="card-head">
        <Title>
          <bdi>{title}</bdi>
        </Title>
        {aside === undefined ? null : <div className="card-aside">{aside}</div>}
      </div>
      {children}
      {actions === undefined ? null : <div className="buttons">{actions}</div>}
    </li>
  );
}

export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'info';

/** A short state, in words; its colour only repeats them. */
export function Badge({
  tone = 'plain',
  children,
}: {
  readonly tone?: Tone;
  readonly children: ReactNode;
}): ReactNode {
  return <span className={`badge ${tone}`}>{children}</span>;
}

/** Names and values; those without a value are left out. */
export function Facts({ facts }: { readonly facts: readonly (readonly [string, ReactNode])[] }): ReactNode {
  const known = facts.filter(([, value]) => value !== undefined && value !== null && value !== '');
  if (known.length === 0) return null;
  return (
    <dl className="facts">
      {known.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <bdi>{value}</bdi>
          </dd>
        </div>
      ))}
    </dl>
  );
}

export interface TableColumn<Row> {
  readonly id: string;
  readonly title: string;
  readonly cell: (row: Row) => ReactNode;
  /** Numbers are set at the end of the cell. */
  readonly isNumber?: boolean;
}

export interface DataTableProps<Row> {
  readonly caption: string;
  readonly isCaptionHidden?: boolean;
  /** The first one heads its row. */
  readonly columns: readonly TableColumn<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
}

/** A table; on a narrow screen each row is a card with its columns' titles. */
export function DataTable<Row>({
  caption,
  isCaptionHidden = false,
  columns,
  rows,
  keyOf,
}: DataTableProps<Row>): ReactNode {
  return (
    <table className="table">
      <caption className={isCaptionHidden ? 'hidden' : ''}>{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ id, title, isNumber }) => (
            <th key={id} scope="col" className={isNumber === true ? 'number' : ''}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map(({ id, title, cell, isNumber }, at) => {
              const name = isNumber === true ? 'number' : '';
              return at === 0 ? (
                <th key={id} scope="row" className={name} data-title={title}>
                  {cell(row)}
                </th>
              ) : (
                <td key={id} className={name} data-title={title}>
                  {cell(row)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
