import { IconChevronRight } from '@tabler/icons-react';
import { Fragment, type CSSProperties } from 'react';
import Markdown from 'react-markdown';
import { CopyButton, curlOf } from '@/components';
import { exampleOf, fieldsOf, typeOf, type Document, type Operation } from './document';
import classes from './Reference.module.css';

interface Props {
  doc: Document;
  operation: Operation;
  origin: string;
  open: boolean;
  onOpen: (open: boolean) => void;
}

/** One operation: a line, and below it what it takes and answers. */
export function OperationRow({ doc, operation: o, origin, open, onOpen }: Props) {
  return (
    <div className={classes.row} id={o.id} data-open={open || undefined}>
      <h3>
        <button type="button" aria-expanded={open} aria-controls={`${o.id}-detail`} onClick={() => onOpen(!open)}>
          <IconChevronRight size={16} className={classes.chevron} aria-hidden />
          <span className={classes.method} data-method={o.method}>
            {o.method.toUpperCase()}
          </span>
          <span className={classes.path}>
            {o.path.split(/(?=\/)/).map((part, i) => (
              <Fragment key={i}>
                {part}
                <wbr />
              </Fragment>
            ))}
          </span>
          <span className={classes.summary}>{o.summary}</span>
        </button>
      </h3>
      {open && (
        <div className={classes.detail} id={`${o.id}-detail`}>
          <Detail doc={doc} operation={o} origin={origin} />
        </div>
      )}
    </div>
  );
}

function Detail({ doc, operation: o, origin }: { doc: Document; operation: Operation; origin: string }) {
  const example = o.body && (o.body.example ?? exampleOf(doc, o.body.schema));
  const json = o.body?.type === 'application/json';
  const curl = curlOf({ method: o.method.toUpperCase() as 'GET', path: o.path, body: json ? example : undefined }, origin);
  return (
    <>
      {o.description && (
        <div className={classes.prose}>
          <Markdown>{o.description}</Markdown>
        </div>
      )}
      <div className={classes.curl}>
        <pre tabIndex={0} aria-label="As curl">
          <code>{curl}</code>
        </pre>
        <CopyButton value={curl} what="command" />
      </div>
      {o.parameters.length > 0 && (
        <Table caption="Parameters" head={['name', 'where', 'type', 'meaning']}>
          {o.parameters.map((p) => (
            <tr key={p.in + p.name}>
              <td>
                <code>{p.name}</code>
                {p.required && <Required />}
              </td>
              <td>{p.in}</td>
              <td>{typeOf(doc, p.schema)}</td>
              <td>
                <Words>{p.description}</Words>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {o.body && <Fields caption={`Body (${o.body.type}${o.body.required ? '' : ', optional'})`} doc={doc} schema={o.body.schema} />}
      {o.answers.map((a) => (
        <div key={a.status} className={classes.answer}>
          <div>
            <span className={classes.status} data-ok={a.status.startsWith('2') || undefined}>
              {a.status}
            </span>{' '}
            <Words>{a.description}</Words> {a.type && <span className={classes.type}>{a.type}</span>}
          </div>
          {a.status.startsWith('2') && <Fields caption="Answer" doc={doc} schema={a.schema} />}
        </div>
      ))}
    </>
  );
}

function Fields({ caption, doc, schema }: { caption: string; doc: Document; schema: Operation['answers'][number]['schema'] }) {
  const fields = fieldsOf(doc, schema);
  if (!fields.length) return null;
  return (
    <Table caption={caption} head={['field', 'type', 'meaning']}>
      {fields.map((f, i) => (
        <tr key={i} style={{ '--depth': f.depth } as CSSProperties}>
          <td>
            <code>{f.name}</code>
            {f.required && caption.startsWith('Body') && <Required />}
          </td>
          <td>{f.type}</td>
          <td>
            <Words>{f.description}</Words>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Table({ caption, head, children }: { caption: string; head: string[]; children: React.ReactNode }) {
  return (
    <div className={classes.table} tabIndex={0} role="group" aria-label={caption}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {head.map((h) => (
              <th key={h} scope="col">
                {h}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** A description in a line: Markdown without a paragraph of its own. */
function Words({ children }: { children?: string }) {
  return (
    <div className={classes.words}>
      <Markdown>{children}</Markdown>
    </div>
  );
}

function Required() {
  return <span className={classes.required}>required</span>;
}
