import type { ReactNode } from 'react';

/** The little of Markdown that cards need: paragraphs, lists and bold text. Nothing of it becomes HTML. */
export function Detail({ markdown }: { readonly markdown: string }): ReactNode {
  const blocks = markdown.split(/\n\s*\n/).filter((block) => block.trim() !== '');
  return (
    <>
      {blocks.map((block, at) => {
        const lines = block.split('\n').filter((line) => line.trim() !== '');
        const isList = lines.every((line) => /^\s*[-*] /.test(line));
        return isList ? (
          <ul key={at} className="plain-list">
            {lines.map((line) => (
              <li key={line} dir="auto">
                <Inline text={line.replace(/^\s*[-*] /, '')} />
              </li>
            ))}
          </ul>
        ) : (
          <p key={at} dir="auto">
            <Inline text={lines.join(' ')} />
          </p>
        );
      })}
    </>
  );
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', amp: '&' };

function Inline({ text }: { readonly text: string }): ReactNode {
  return text.split(/\*\*(.+?)\*\*/).map((part, at) => {
    // Markdown's backslash before a sign that would mean something.
    const plain = part
      .replaceAll(/\\([\\`*_{}[\]()#+\-.!|<>~])/g, '$1')
      .replaceAll(/&(lt|gt|quot|amp);/g, (_whole, name: string) => ENTITIES[name] ?? '');
    return at % 2 === 1 ? <strong key={at}>{plain}</strong> : <span key={at}>{plain}</span>;
  });
}
