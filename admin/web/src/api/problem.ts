/** What an answer of the API says when it is not what was asked for. */
export class Problem extends Error {
  readonly status: number;
  /** `error.code` of the API, or `unreachable`. */
  readonly code: string;
  readonly requestId: string | null;
  readonly decisionId: string | null;
  /** The field or parameter that was wrong. */
  readonly param: string | null;
  readonly retryAfterSeconds: number | null;
  /** What the person can do about it. */
  readonly remedy: string | null;
  readonly body: unknown;

  constructor(fields: { status: number; code: string; message: string; requestId?: string | null; decisionId?: string | null; param?: string | null; retryAfterSeconds?: number | null; remedy?: string | null; body?: unknown }) {
    super(fields.message);
    this.name = 'Problem';
    this.status = fields.status;
    this.code = fields.code;
    this.requestId = fields.requestId ?? null;
    this.decisionId = fields.decisionId ?? null;
    this.param = fields.param ?? null;
    this.retryAfterSeconds = fields.retryAfterSeconds ?? null;
    this.remedy = fields.remedy ?? null;
    this.body = fields.body;
  }

  static unreachable(): Problem {
    return new Problem({ status: 0, code: 'unreachable', message: 'Alfred does not answer.', remedy: 'Check that the server is running and that you are on its network, then try again.' });
  }

  /** Somebody else changed it since it was read. */
  get conflicts(): boolean {
    return this.status === 412;
  }

  /** Asking again could help. */
  get transient(): boolean {
    return this.status === 0 || this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504;
  }

  /** This server does not have the operation. */
  get notBuilt(): boolean {
    return this.status === 501;
  }
}

interface Body {
  title?: string;
  detail?: string;
  code?: string;
  remedy?: string;
  request_id?: string;
  decision_id?: string;
  error?: { code?: string; message?: string; param?: string | null; request_id?: string; decision_id?: string };
}

/** Reads a refusal, whoever wrote it: the API, the front door, or something between that speaks no JSON. */
export async function problemOf(response: Response): Promise<Problem> {
  let body: Body = {};
  try {
    body = (await response.clone().json()) as Body;
  } catch {
    // Not JSON: the status has to do.
  }
  const retry = Number(response.headers.get('Retry-After'));
  return new Problem({
    status: response.status,
    code: body.error?.code ?? body.code ?? `http_${response.status}`,
    message: body.detail ?? body.error?.message ?? body.title ?? `The server answered ${response.status}.`,
    requestId: response.headers.get('X-Request-ID') ?? body.request_id ?? null,
    decisionId: body.decision_id ?? body.error?.decision_id ?? null,
    param: body.error?.param ?? null,
    retryAfterSeconds: Number.isFinite(retry) && retry > 0 ? retry : null,
    remedy: body.remedy ?? null,
    body,
  });
}
